/** How the rotation goes on: the leader plans, takes a step in its hand, writes the record, and says so in the status. */
import type { Add } from './environment.ts';
import type { Planning, Sabotage, WorldKind } from './observe.ts';
import { actsOnOlder, rootLetters } from './properties.ts';
import type { Records } from './records.ts';
import { writeRecord } from './replica-moves.ts';
import { at, contentOf, flagsOf, handOf, packFlags, packHand, packPromises, promisesOf, replicas, steps, workloads, type Replica, type Row, type Step } from './state.ts';
import { nowMs, tickMs } from './times.ts';

/** The rotation of one world. */
export class RotationMoves {
  readonly #records: Records;
  readonly #kind: WorldKind;
  readonly #sabotage: Sabotage;
  readonly #planning: Planning;

  constructor(records: Records, kind: WorldKind, sabotage: Sabotage, planning: Planning) {
    this.#records = records;
    this.#kind = kind;
    this.#sabotage = sabotage;
    this.#planning = planning;
  }

  /** Answers what must never happen, if it does. */
  moves(row: Row, add: Add): string | undefined {
    const { record } = this.#records.at(row[at.record] ?? 0);
    if (this.isEnded(row)) return undefined;
    let broken: string | undefined;
    const flags = flagsOf(row[at.flags] ?? 0);
    this.#askUrgently(row, add);
    if (this.#kind.aborts && !flags.abort) add('abort', false, (next) => (next[at.flags] = packFlags({ ...flags, abort: true })));
    const leaders = replicas.filter((replica) => (row[at.term(replica)] ?? 0) > 0);
    if (leaders.length > 0) {
      const { plan, remembered } = this.#planning.plan(row);
      // Who writes it makes no difference.
      const isUrgent = this.#planning.isUrgent(row);
      if (remembered !== row[at.remembered]) add('the status is written', true, (next) => (next[at.remembered] = remembered));
      if (plan.step?.do === 'canary') add('a canary shakes hands', true, (next) => (next[at.flags] = this.#afterCanary(row)));
      const step = this.#stepOf(plan.step, isUrgent);
      if (step === 'switch' && (flags.canary === 0 || this.#kind.canaryFails)) broken = 'the switch is planned although no canary shook hands';
      if (step !== undefined) broken ??= actsOnOlder(row, this.#records.at(row[at.record] ?? 0).generation, `the step ${step} is planned`);
      // After a restore an operator may have to choose first.
      if (!flags.restored) broken ??= this.#keepsPromises(row, step);
      // As long as the emergency has not taken over, the other one goes on beside it.
      const beside = flags.emergency === 0 || (record.rotation !== undefined && isUrgent) ? undefined : this.#stepOf(this.#planning.plan(row, !isUrgent).plan.step, !isUrgent);
      for (const each of [step, beside]) if (each !== undefined) for (const replica of leaders) this.#take(row, replica, each, add);
    }
    for (const replica of replicas) this.#write(row, replica, add);
    return broken;
  }

  /** Whether the rotation has ended, and the emergency as well if one was asked for. */
  isEnded(row: Row): boolean {
    const { record } = this.#records.at(row[at.record] ?? 0);
    const { emergency } = flagsOf(row[at.flags] ?? 0);
    if (record.rotation !== undefined || record.lastRotation === undefined) return false;
    return emergency === 0 || ['Complete', 'Superseded'].includes(this.#planning.plan(row, true).plan.phase ?? '');
  }

  /** Somebody has a key: of the root that signs, or of the one that is being replaced. */
  #askUrgently(row: Row, add: Add): void {
    const flags = flagsOf(row[at.flags] ?? 0);
    if (!this.#kind.emergencies || flags.emergency !== 0) return;
    const { record } = this.#records.at(row[at.record] ?? 0);
    for (const { role, state, keyIdentifier } of record.authorities) {
      if (role !== 'Root' || state === 'Prepared') continue;
      const bit = this.#records.rootBit(keyIdentifier);
      add(`an emergency is asked for: root ${rootLetters(bit)}`, false, (next) => (next[at.flags] = packFlags({ ...flags, emergency: bit, ofReplaced: state === 'Retiring' })));
    }
  }

  /** What a brisk leader does at once. */
  atOnce(row: Row): void {
    if (!replicas.some((replica) => (row[at.term(replica)] ?? 0) > 0) || this.isEnded(row)) return;
    if (this.#planning.plan(row).plan.step?.do === 'canary') row[at.flags] = this.#afterCanary(row);
    row[at.remembered] = this.#planning.plan(row).remembered;
  }

  #take(row: Row, replica: Replica, step: Step, add: Add): void {
    if ((row[at.hand(replica)] ?? 0) !== 0) return;
    add(`r${replica} plans ${step}`, true, (next) => (next[at.hand(replica)] = packHand({ kind: 'step', fresh: true, step })));
  }

  #write(row: Row, replica: Replica, add: Add): void {
    const hand = handOf(row[at.hand(replica)] ?? 0);
    if (hand?.kind !== 'step') return;
    const lands = hand.fresh || this.#sabotage.withoutCompare === true;
    add(lands ? `r${replica} writes: ${hand.step}` : `r${replica} is refused the ${hand.step}`, true, (next) => {
      next[at.hand(replica)] = 0;
      if (lands) this.#land(next, row, hand.step);
    });
  }

  #land(next: Row, row: Row, step: Step): void {
    const record = this.#changed(row, step);
    writeRecord(next, record);
    // An emergency has a status of its own.
    if (step === 'overtake' || step === 'hasten') next[at.remembered] = 0;
    next[at.promised] = this.#promised(row, record);
  }

  /** What a record promises of its roots: whoever is in an emergency is trusted no longer than was named at any time. */
  #promised(row: Row, index: number): number {
    const { record, roots } = this.#records.at(index);
    const before = promisesOf(row[at.promised] ?? 0);
    const isNamed = record.rotation?.mode === 'Emergency' && record.rotation.startedAtMs === nowMs;
    const named = this.#kind.ticks.distrustAfter + 1;
    return packPromises(
      before.map((left, bit) => {
        if ((roots & (1 << bit)) === 0) return 0;
        const isOld = record.authorities.some(({ keyIdentifier, state }) => state === 'Retiring' && this.#records.rootBit(keyIdentifier) === 1 << bit);
        return isNamed && isOld ? Math.min(left === 0 ? named : left, named) : left;
      }),
    );
  }

  #changed(row: Row, step: Step): number {
    // Nobody lists what pods have.
    const left = workloads.map((workload) => (this.#kind.leaves[workload] === 'Secret' ? contentOf(row[at.secret(workload)] ?? 0).left : 0));
    const leavesEndMs = nowMs + (Math.max(...left) - 1) * tickMs;
    return this.#records.change(row[at.record] ?? 0, step, { leavesEndMs, distrustAtMs: nowMs + this.#kind.ticks.distrustAfter * tickMs, again: flagsOf(row[at.flags] ?? 0).restored }, this.#sabotage).index;
  }

  #afterCanary(row: Row): number {
    const known = this.#records.at(row[at.record] ?? 0);
    const { rotation } = known.record;
    const canary = rotation?.switchedAtMs === undefined ? this.#records.issuerNumber(rotation?.toIssuing ?? '') : known.issuer;
    return packFlags({ ...flagsOf(row[at.flags] ?? 0), canary });
  }

  /** In an emergency each old root goes at its named time: not before, and for nobody later, as long as anybody leads. */
  #keepsPromises(row: Row, step: Step | undefined): string | undefined {
    const { record, roots } = this.#records.at(row[at.record] ?? 0);
    if (record.rotation?.mode !== 'Emergency') return undefined;
    const promises = promisesOf(row[at.promised] ?? 0);
    const left = step === 'retire' || step === 'distrust-sooner' ? roots & ~this.#records.at(this.#changed(row, step)).roots : 0;
    for (const [bit, ticks] of promises.entries()) {
      const goes = (left & (1 << bit)) !== 0;
      if (goes && ticks > 1) return 'the old root is taken away before the named time';
      if (!goes && ticks === 1) return 'the named time has come, and the old root is not taken away';
    }
    return undefined;
  }

  #stepOf(step: { readonly do: string; readonly outcome?: string } | undefined, isUrgent: boolean): Step | undefined {
    if (step?.do === 'emergency' && isUrgent) return 'overtake';
    if (step?.do === 'prepare' && this.#kind.what === 'Issuing') return 'prepare-issuing';
    const name = step?.do === 'finish' ? `finish-${(step.outcome ?? '').toLowerCase()}` : step?.do;
    return steps.find((each) => each === name);
  }
}

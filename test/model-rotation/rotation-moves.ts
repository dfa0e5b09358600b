/** How the rotation goes on: the leader plans, takes a step in its hand, writes the record, and says so in the status. */
import type { Add } from './environment.ts';
import type { Planning, Sabotage, WorldKind } from './observe.ts';
import { actsOnOlder } from './properties.ts';
import type { Records } from './records.ts';
import { writeRecord } from './replica-moves.ts';
import { at, contentOf, flagsOf, handOf, packFlags, packHand, replicas, steps, workloads, type Replica, type Row, type Step } from './state.ts';
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
    if (record.rotation === undefined && record.lastRotation !== undefined) return undefined;
    let broken: string | undefined;
    const flags = flagsOf(row[at.flags] ?? 0);
    if (this.#kind.aborts && !flags.abort) add('abort', false, (next) => (next[at.flags] = packFlags({ ...flags, abort: true })));
    const leaders = replicas.filter((replica) => (row[at.term(replica)] ?? 0) > 0);
    if (leaders.length > 0) {
      const { plan, remembered } = this.#planning.plan(row);
      // Who writes it makes no difference.
      if (remembered !== row[at.remembered]) add('the status is written', true, (next) => (next[at.remembered] = remembered));
      if (plan.step?.do === 'canary') add('a canary shakes hands', true, (next) => (next[at.flags] = this.#afterCanary(row)));
      const step = this.#stepOf(plan.step);
      if (step === 'switch' && (flags.canary === 0 || this.#kind.canaryFails)) broken = 'the switch is planned although no canary shook hands';
      if (step !== undefined) broken ??= actsOnOlder(row, this.#records.at(row[at.record] ?? 0).generation, `the step ${step} is planned`);
      // After a restore an operator may have to choose first.
      if (!flags.restored) broken ??= this.#timesDistrust(row, step);
      if (step !== undefined) for (const replica of leaders) this.#take(row, replica, step, add);
    }
    for (const replica of replicas) this.#write(row, replica, add);
    return broken;
  }

  /** What a brisk leader does at once. */
  atOnce(row: Row): void {
    const { record } = this.#records.at(row[at.record] ?? 0);
    if (!replicas.some((replica) => (row[at.term(replica)] ?? 0) > 0) || (record.rotation === undefined && record.lastRotation !== undefined)) return;
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
      if (lands) writeRecord(next, this.#changed(row, hand.step));
    });
  }

  #changed(row: Row, step: Step): number {
    // Nobody lists what pods have.
    const left = workloads.map((workload) => (this.#kind.leaves[workload] === 'Secret' ? contentOf(row[at.secret(workload)] ?? 0).left : 0));
    const leavesEndMs = nowMs + (Math.max(...left) - 1) * tickMs;
    return this.#records.change(row[at.record] ?? 0, step, { leavesEndMs, distrustAtMs: nowMs + this.#kind.ticks.distrustAfter * tickMs, again: flagsOf(row[at.flags] ?? 0).restored }).index;
  }

  #afterCanary(row: Row): number {
    const known = this.#records.at(row[at.record] ?? 0);
    const { rotation } = known.record;
    const canary = rotation?.switchedAtMs === undefined ? this.#records.issuerNumber(rotation?.toIssuing ?? '') : known.issuer;
    return packFlags({ ...flagsOf(row[at.flags] ?? 0), canary });
  }

  /** In an emergency the old root goes at the named time: not before, and for nobody later, as long as anybody leads. */
  #timesDistrust(row: Row, step: Step | undefined): string | undefined {
    const { rotation } = this.#records.at(row[at.record] ?? 0).record;
    if (rotation?.mode !== 'Emergency' || rotation.switchedAtMs === undefined || rotation.retiredAtMs !== undefined || rotation.distrustAtMs === undefined) return undefined;
    if (step === 'retire' && nowMs < rotation.distrustAtMs) return 'the old root is taken away before the named time';
    return step !== 'retire' && nowMs >= rotation.distrustAtMs ? 'the named time has come, and the old root is not taken away' : undefined;
  }

  #stepOf(step: { readonly do: string; readonly outcome?: string } | undefined): Step | undefined {
    if (step?.do === 'prepare' && this.#kind.what === 'Issuing') return 'prepare-issuing';
    const name = step?.do === 'finish' ? `finish-${(step.outcome ?? '').toLowerCase()}` : step?.do;
    return steps.find((each) => each === name);
  }
}

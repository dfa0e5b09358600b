/** How the rotation goes on: the leader plans, takes a step in its hand, writes the record, and says so in the status. */
import type { Add } from './environment.ts';
import type { Planning, Sabotage, WorldKind } from './observe.ts';
import { nowMs, tickMs, type Records } from './records.ts';
import { writeRecord } from './replica-moves.ts';
import { abortFlag, at, contentOf, handOf, packHand, replicas, steps, workloads, type Replica, type Row, type Step } from './state.ts';

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
    const flags = row[at.flags] ?? 0;
    if (this.#kind.aborts && (flags & abortFlag) === 0) add('abort', false, (next) => (next[at.flags] = flags | abortFlag));
    const leaders = replicas.filter((replica) => (row[at.term(replica)] ?? 0) > 0);
    if (leaders.length > 0) {
      const { plan, remembered } = this.#planning.plan(row);
      // Who writes it makes no difference.
      if (remembered !== row[at.remembered]) add('the status is written', true, (next) => (next[at.remembered] = remembered));
      if (plan.step?.do === 'canary') this.#canary(row, add);
      const step = stepOf(plan.step);
      if (step === 'switch' && (flags >> 1 === 0 || this.#kind.canaryFails)) broken = 'the switch is planned although no canary shook hands';
      if (step !== undefined) for (const replica of leaders) this.#take(row, replica, step, add);
    }
    for (const replica of replicas) this.#write(row, replica, add);
    return broken;
  }

  #take(row: Row, replica: Replica, step: Step, add: Add): void {
    if ((row[at.hand(replica)] ?? 0) !== 0) return;
    add(`r${replica} plans ${step}`, true, (next) => (next[at.hand(replica)] = packHand({ kind: 'step', fresh: true, step })));
  }

  #write(row: Row, replica: Replica, add: Add): void {
    const hand = handOf(row[at.hand(replica)] ?? 0);
    if (hand?.kind !== 'step') return;
    // A tick is long, and two switches are never of one millisecond.
    if (hand.step === 'switch-back' && this.#records.at(row[at.record] ?? 0).record.rotation?.switchedAtMs === nowMs) return;
    const lands = hand.fresh || this.#sabotage.withoutCompare === true;
    add(lands ? `r${replica} writes: ${hand.step}` : `r${replica} is refused the ${hand.step}`, true, (next) => {
      next[at.hand(replica)] = 0;
      if (lands) writeRecord(next, this.#changed(row, hand.step));
    });
  }

  #changed(row: Row, step: Step): number {
    // Nobody lists what pods have.
    const listed = this.#kind.pod ? workloads.slice(0, 1) : workloads;
    const left = listed.map((workload) => contentOf(row[at.secret(workload)] ?? 0).left);
    const leavesEndMs = nowMs + (Math.max(...left) - 1) * tickMs;
    return this.#records.change(row[at.record] ?? 0, step, leavesEndMs, nowMs + this.#kind.ticks.distrustAfter * tickMs).index;
  }

  #canary(row: Row, add: Add): void {
    const known = this.#records.at(row[at.record] ?? 0);
    const { rotation } = known.record;
    const issuer = rotation?.switchedAtMs === undefined ? this.#records.issuerNumber(rotation?.toIssuing ?? '') : known.issuer;
    const flags = row[at.flags] ?? 0;
    add('a canary shakes hands', true, (next) => (next[at.flags] = (flags & abortFlag) | (issuer << 1)));
  }
}

function stepOf(step: { readonly do: string; readonly outcome?: string } | undefined): Step | undefined {
  const name = step?.do === 'finish' ? `finish-${(step.outcome ?? '').toLowerCase()}` : step?.do;
  return steps.find((each) => each === name);
}

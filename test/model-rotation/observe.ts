/** A state as the planner sees it, and what the planner makes of it: each different view is planned once. */
import { planRotation, type GateReport, type LeafView, type NodeView, type ObservedRotation, type RememberedRotation, type RotationPlan, type TargetView } from '../../src/rotation/ca/index.ts';
import type { Channel } from '../../src/authority/index.ts';
import { isOlder } from '../../src/controllers/trust-domain/older-record.ts';
import { Numbered } from './numbered.ts';
import { readersOf } from './readers.ts';
import { emergencyNames, rotationNames, type KnownRecord, type RecordSabotage, type Records } from './records.ts';
import { at, contentOf, flagsOf, readyMax, silentMax, siteOf, toldOf, workloads, type Row, type Ticks, type Workload } from './state.ts';
import { earlier, nowMs, tickMs } from './times.ts';

/** What kind of world it is. */
export interface WorldKind {
  readonly what: 'Root' | 'Issuing';
  readonly mode: 'Graceful' | 'Emergency';
  /** How each workload has its leaf. Of one that left through a channel no Secret tells, only a reservation does. */
  readonly leaves: readonly ['Secret' | Channel, 'Secret' | Channel];
  /** Whether an operator promised how fast consumers reload. */
  readonly reloadIsPromised: boolean;
  /** What goes wrong in it, besides late and lost deliveries. */
  readonly crashes: boolean;
  readonly nodesFail: boolean;
  readonly aborts: boolean;
  /** Whether an emergency is asked for once, at any point: about the root that signs then, or the one that is being replaced. */
  readonly emergencies: boolean;
  /** Whether an older record comes back once, alone or with Secrets as they were then. */
  readonly restores: 'never' | 'record' | 'record and Secrets';
  /** Whether the rotation is paused by whoever accepts an older record: the story ends when everybody agrees again. */
  readonly pausesThen: boolean;
  /** Whether somebody verifies with a bundle that was fetched over the network. */
  readonly fetches: boolean;
  /** Whether who leads writes the status and sends the canary at once: in other worlds any time may pass until then. */
  readonly isBrisk: boolean;
  /** Whether no canary ever shakes hands. */
  readonly canaryFails: boolean;
  readonly ticks: Ticks;
}

/** The judges of the gates; another set only to show what each of them is good for. */
type Judges = Parameters<typeof planRotation>[2];

/** Gates whose time matters to others; those between are judged anew each time, and when they were passed tells nothing. */
const timedGates: readonly GateReport['name'][] = ['Written', 'Delivered', 'Acknowledged', 'Reissued'];

/** What is broken on purpose, to show that the search would find it. */
export interface Sabotage extends RecordSabotage {
  /** Signs without asking the lease. */
  readonly withoutLease?: boolean;
  /** Signs for that channel without reserving. */
  readonly withoutReservation?: Channel;
  /** Takes every record for the newest. */
  readonly withoutDetection?: boolean;
  /** Takes records for the newest whatever their signer epoch. */
  readonly ignoresEpochs?: boolean;
  /** Says what is delivered some time after it is delivered. */
  readonly tellsLate?: boolean;
  /** Writes without comparing. */
  readonly withoutCompare?: boolean;
  readonly judges?: Judges;
}

/** What the last status said, by its number. */
interface Remembered {
  readonly index: number;
  readonly value: RememberedRotation;
}

export class Planning {
  readonly #records: Records;
  readonly #kind: WorldKind;
  readonly #sabotage: Sabotage;
  readonly #views = new Numbered();
  /** By the number of the view. */
  readonly #plans: { readonly plan: RotationPlan; readonly remembered: number }[] = [];
  readonly #byText = new Map<string, Remembered>();
  readonly #known: Remembered[] = [];
  readonly #later: number[] = [];

  constructor(records: Records, kind: WorldKind, sabotage: Sabotage) {
    this.#records = records;
    this.#kind = kind;
    this.#sabotage = sabotage;
    this.#keep({ bundleGeneration: undefined, switchEpoch: undefined, gates: [] });
  }

  /** The plan, and what the status remembers of it. @param urgent of the emergency that was asked for beside the rotation */
  plan(row: Row, urgent = this.isUrgent(row)): { readonly plan: RotationPlan; readonly remembered: number } {
    const view = this.#views.numberOf(viewed(row, urgent));
    const known = this.#plans[view];
    if (known !== undefined) return known;
    const observed = this.observe(row, urgent);
    const plan = planRotation(observed, nowMs, this.#sabotage.judges);
    const planned = { plan, remembered: this.#remember(observed, plan, row[at.remembered] ?? 0) };
    this.#plans[view] = planned;
    return planned;
  }

  /**
   * What the last status said, one tick later. What it said of another bundle or another switch is forgotten by then: the
   * planner does not look at it, and it would stand in thousands of states.
   */
  rememberedLater(index: number, generation: number, switchEpoch: number | undefined): number {
    const { value } = this.#known[index] as Remembered;
    if (value.bundleGeneration !== generation || value.switchEpoch !== switchEpoch) return 0;
    return (this.#later[index] ??= this.#keep({
      ...value,
      gates: value.gates.map((gate) => ({ ...gate, sinceMs: earlier(gate.sinceMs) })),
    }));
  }

  /** The gates that a status names as passed, for people. */
  passed(index: number): string {
    return this.#known[index]?.value.gates.map(({ name, sinceMs }) => `${name}${(sinceMs - nowMs) / tickMs || ''}`).join(' ') ?? '';
  }

  /** Whether the emergency that was asked for has taken over, or nothing else is left to wait for. */
  isUrgent(row: Row): boolean {
    const { record } = this.#records.at(row[at.record] ?? 0);
    return flagsOf(row[at.flags] ?? 0).emergency !== 0 && record.rotation?.uid !== rotationNames.uid;
  }

  observe(row: Row, urgent: boolean): ObservedRotation {
    const { what, mode, leaves, reloadIsPromised, canaryFails, fetches, ticks } = this.#kind;
    const known = this.#records.at(row[at.record] ?? 0);
    const record = this.#isInForce(known, row[at.told] ?? 0) ? known.view : undefined;
    const { abort, canary, accepted, emergency, ofReplaced } = flagsOf(row[at.flags] ?? 0);
    const holder = row[at.holder] ?? 0;
    const firstAuthority = what === 'Root' ? (this.#records.rootName(1) ?? '') : this.#records.issuerName(1);
    const wish = urgent ? ({ ...emergencyNames, what: 'Root', mode: 'Emergency', abort: false, fromAuthority: this.#records.rootName(emergency) ?? '' } as const) : { ...rotationNames, what, mode, abort, fromAuthority: firstAuthority };
    return {
      uid: wish.uid,
      name: wish.name,
      spec: { trustDomain: 'small.example', what: wish.what, fromAuthority: wish.fromAuthority, mode: wish.mode, distrustAfterMs: ticks.distrustAfter * tickMs, approvals: [], approved: [], pacePerSecond: 50, exemptions: [], paused: this.#kind.pausesThen && accepted !== 0, abort: wish.abort },
      // After the switch, or before everything.
      askedAtMs: ofReplaced ? nowMs : -1,
      remembered: (this.#known[row[at.remembered] ?? 0] as Remembered).value,
      record,
      notReady: undefined,
      rival: undefined,
      targets: workloads.map((workload) => this.#target(row, workload)),
      leaves: workloads.filter((workload) => leaves[workload] === 'Secret').map((workload) => this.#leaf(row, workload)),
      nodes: workloads.map((workload) => nodeOf(row, workload)),
      consumers: workloads.map((workload) => ({ namespace: 'n', name: `p${workload}`, startedAtMs: nowMs - 1_000 * tickMs, neverUpdates: undefined })),
      consumersUnknown: undefined,
      replicas: holder === 0 ? [] : [{ name: 'lease', signerEpoch: (row[at.leaseEpoch] ?? 0) || undefined, leaseEndsAtMs: nowMs + (row[at.leaseEnd] ?? 0) * tickMs }],
      readers: fetches ? readersOf(known.record, ticks.fetch) : [],
      unseenReaders: 0,
      canary: canary === 0 ? undefined : { authority: this.#records.issuerName(canary), atMs: nowMs, failed: canaryFails ? 'refused' : undefined },
      bounds: { propagationBoundMs: ticks.propagationBound * tickMs, consumerReloadMs: ticks.consumerReload * tickMs, reloadIsPromised, longestTtlMs: ticks.ttl * tickMs, clockToleranceMs: 1 },
    };
  }

  /** Not so when an operator has to choose first, as far as the status tells. */
  #isInForce(known: KnownRecord, packedTold: number): boolean {
    if (packedTold === 0 || this.#sabotage.withoutDetection === true) return true;
    return !isOlder(known.record, deliveredOf(packedTold, this.#records, this.#sabotage));
  }

  #target(row: Row, workload: Workload): TargetView {
    return { kind: 'Secret', namespace: 'n', name: `w${workload}`, generation: contentOf(row[at.secret(workload)] ?? 0).generation };
  }

  #leaf(row: Row, workload: Workload): LeafView {
    const { issuer, left } = contentOf(row[at.secret(workload)] ?? 0);
    return { kind: 'Secret', namespace: 'n', name: `w${workload}`, issuer: this.#records.issuerName(issuer), notAfterMs: nowMs + (left - 1) * tickMs };
  }

  #remember(observed: ObservedRotation, plan: RotationPlan, before: number): number {
    const { rotation, bundleGeneration } = observed.record ?? {};
    if (rotation === undefined) return before;
    const timed = this.#kind.reloadIsPromised ? timedGates : timedGates.filter((name) => name !== 'Reissued');
    const passed = plan.gates.filter((gate): gate is GateReport & { sinceMs: number } => gate.state === 'Passed' && gate.sinceMs !== undefined && timed.includes(gate.name));
    return this.#keep({ bundleGeneration, switchEpoch: rotation.switchEpoch, gates: passed.map(({ name, state, sinceMs }) => ({ name, state, sinceMs })) });
  }

  #keep(value: RememberedRotation): number {
    const text = JSON.stringify(value);
    const known = this.#byText.get(text) ?? { index: this.#known.length, value };
    if (known.index === this.#known.length) {
      this.#known.push(known);
      this.#byText.set(text, known);
    }
    return known.index;
  }
}

/** What a status tells of what was delivered. */
export function deliveredOf(packedTold: number, records: Records, { ignoresEpochs = false }: Sabotage): Parameters<typeof isOlder>[1] {
  const { epoch, generation, roots } = toldOf(packedTold);
  return { signerEpoch: ignoresEpochs ? 0 : epoch, bundleGeneration: generation, bundleSha256: records.bundleSha256(roots) };
}

function nodeOf(row: Row, workload: Workload): NodeView {
  const { silent, ready } = siteOf(row[at.site(workload)] ?? 0);
  const renewedAtMs = nowMs - silent * tickMs;
  return {
    name: `node${workload}`,
    renewedAtMs: silent >= silentMax ? undefined : renewedAtMs,
    readySinceMs: ready >= readyMax ? nowMs - 1_000 * tickMs : renewedAtMs - ready * tickMs,
  };
}

/** What of a state the plan depends on. */
function viewed(row: Row, urgent: boolean): string {
  const of = (place: number): number => row[place] ?? 0;
  const siteSeen = (workload: Workload): number => of(at.site(workload)) >> 6;
  return String.fromCharCode(
    urgent ? 1 : 0,
    of(at.record),
    of(at.remembered),
    of(at.flags),
    of(at.told),
    of(at.holder),
    of(at.leaseEnd),
    of(at.leaseEpoch),
    of(at.secret(0)),
    siteSeen(0),
    of(at.secret(1)),
    siteSeen(1),
  );
}

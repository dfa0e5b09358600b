/** A state as the planner sees it, and what the planner makes of it: each different view is planned once. */
import { planRotation, type GateReport, type LeafView, type NodeView, type ObservedRotation, type RememberedRotation, type RotationPlan, type TargetView } from '../../src/rotation/ca/index.ts';
import { earlier, nowMs, rotationNames, tickMs, type Records } from './records.ts';
import { abortFlag, at, contentOf, readyMax, silentMax, siteOf, workloads, type Row, type Ticks, type Workload } from './state.ts';

/** What kind of world it is. */
export interface WorldKind {
  readonly mode: 'Graceful' | 'Emergency';
  /** Whether the second workload has its leaf as a pod certificate: no Secret tells of it, a reservation does. */
  readonly pod: boolean;
  /** Whether an operator promised how fast consumers reload. */
  readonly reloadIsPromised: boolean;
  /** What goes wrong in it, besides late and lost deliveries. */
  readonly crashes: boolean;
  readonly nodesFail: boolean;
  readonly aborts: boolean;
  /** Whether no canary ever shakes hands. */
  readonly canaryFails: boolean;
  readonly ticks: Ticks;
}

/** The judges of the gates; another set only to show what each of them is good for. */
type Judges = Parameters<typeof planRotation>[2];

/** Gates whose time matters to others; those between are judged anew each time, and when they were passed tells nothing. */
const timedGates: readonly GateReport['name'][] = ['Written', 'Delivered', 'Acknowledged', 'Reissued'];

/** What is broken on purpose, to show that the search would find it. */
export interface Sabotage {
  /** Signs without asking the lease. */
  readonly withoutLease?: boolean;
  /** Signs pod certificates without reserving for them. */
  readonly withoutReservation?: boolean;
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
  readonly #judges: Judges;
  readonly #plans = new Map<string, { readonly plan: RotationPlan; readonly remembered: number }>();
  readonly #byText = new Map<string, Remembered>();
  readonly #known: Remembered[] = [];
  readonly #later: number[] = [];

  constructor(records: Records, kind: WorldKind, judges: Judges) {
    this.#records = records;
    this.#kind = kind;
    this.#judges = judges;
    this.#keep({ bundleGeneration: undefined, switchEpoch: undefined, gates: [] });
  }

  /** The plan, and what the status remembers of it. */
  plan(row: Row): { readonly plan: RotationPlan; readonly remembered: number } {
    const seen = [row[at.record], row[at.remembered], row[at.flags], row[at.holder], row[at.leaseEnd], row[at.leaseEpoch], ...workloads.flatMap((workload) => [row[at.secret(workload)], (row[at.site(workload)] ?? 0) >> 6])];
    const key = String.fromCharCode(...(seen as number[]));
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const observed = this.observe(row);
    const plan = planRotation(observed, nowMs, this.#judges);
    const planned = { plan, remembered: this.#remember(observed, plan, row[at.remembered] ?? 0) };
    this.#plans.set(key, planned);
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

  observe(row: Row): ObservedRotation {
    const known = this.#records.at(row[at.record] ?? 0);
    const { mode, pod, reloadIsPromised, canaryFails, ticks } = this.#kind;
    const flags = row[at.flags] ?? 0;
    const canary = flags >> 1;
    const holder = row[at.holder] ?? 0;
    return {
      ...rotationNames,
      spec: { trustDomain: 'small.example', what: 'Root', fromAuthority: this.#records.firstRoot, mode, distrustAfterMs: ticks.distrustAfter * tickMs, approvals: [], approved: [], pacePerSecond: 50, exemptions: [], paused: false, abort: (flags & abortFlag) !== 0 },
      remembered: (this.#known[row[at.remembered] ?? 0] as Remembered).value,
      record: known.view,
      notReady: undefined,
      rival: undefined,
      targets: workloads.map((workload) => this.#target(row, workload)),
      leaves: workloads.filter((workload) => !(pod && workload === 1)).map((workload) => this.#leaf(row, workload)),
      nodes: workloads.map((workload) => nodeOf(row, workload)),
      consumers: workloads.map((workload) => ({ namespace: 'n', name: `p${workload}`, startedAtMs: nowMs - 1_000 * tickMs, neverUpdates: undefined })),
      consumersUnknown: undefined,
      replicas: holder === 0 ? [] : [{ name: 'lease', signerEpoch: (row[at.leaseEpoch] ?? 0) || undefined, leaseEndsAtMs: nowMs + (row[at.leaseEnd] ?? 0) * tickMs }],
      readers: [],
      unseenReaders: 0,
      canary: canary === 0 ? undefined : { authority: this.#records.issuerName(canary), atMs: nowMs, failed: canaryFails ? 'refused' : undefined },
      bounds: { propagationBoundMs: ticks.propagationBound * tickMs, consumerReloadMs: ticks.consumerReload * tickMs, reloadIsPromised, longestTtlMs: ticks.ttl * tickMs, clockToleranceMs: 1 },
    };
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

function nodeOf(row: Row, workload: Workload): NodeView {
  const { silent, ready } = siteOf(row[at.site(workload)] ?? 0);
  const renewedAtMs = nowMs - silent * tickMs;
  return {
    name: `node${workload}`,
    renewedAtMs: silent >= silentMax ? undefined : renewedAtMs,
    readySinceMs: ready >= readyMax ? nowMs - 1_000 * tickMs : renewedAtMs - ready * tickMs,
  };
}

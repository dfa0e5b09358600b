import type { AuthorityRole, AuthorityState, FinishedRotation, RotationInRecord } from '../../authority/index.ts';
import type { CARotationStatus, ResolvedRotationSpec, RotationGate } from '../../resources/index.ts';
import type { EvidenceKind } from '../receipt/index.ts';

/** Where a rotation stands. The last three are ends. */
export type RotationPhase = NonNullable<CARotationStatus['phase']>;

/** An authority as far as a plan looks at it. Times in milliseconds since the epoch, here and below. */
export interface AuthorityView {
  readonly keyIdentifier: string;
  readonly role: AuthorityRole;
  readonly state: AuthorityState;
  /** Key identifier of the root that signed it; a root's own for a root. */
  readonly root: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly hasKey: boolean;
  /** Until when leaves of it may live that nobody lists (pod certificates, certificates by request). */
  readonly reservedUntilMs: number | undefined;
  /** For a root that leaves sooner than the others of an emergency: when. */
  readonly distrustAtMs?: number | undefined;
}

/** The authority record as far as a plan looks at it. */
export interface RecordView {
  readonly signerEpoch: number;
  readonly bundleGeneration: number;
  readonly authorities: readonly AuthorityView[];
  readonly rotation: RotationInRecord | undefined;
  readonly lastRotation: FinishedRotation | undefined;
}

/** The names of one object of a gate. `kind` is one of those that an exemption can name. */
export interface ObjectName {
  readonly kind: 'Secret' | 'ConfigMap' | 'ClusterTrustBundle' | 'Pod' | 'Node' | 'Replica' | 'Reader';
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** One place that the bundle is delivered to, with the generation that it carries as it was read back. */
export interface TargetView extends ObjectName {
  readonly generation: number;
  /** Why it does not come along, for people. */
  readonly problem?: string | undefined;
}

/** The leaf that one Secret holds. */
export interface LeafView extends ObjectName {
  /** Key identifier of the issuing authority. */
  readonly issuer: string;
  readonly notAfterMs: number;
  readonly problem?: string | undefined;
}

/** A node that runs consumers. */
export interface NodeView {
  readonly name: string;
  /** When its kubelet was last seen to renew its Lease, by our own clock; undefined: not since we watch. */
  readonly renewedAtMs: number | undefined;
  /** Since when it has been ready without a break, as far as is known. */
  readonly readySinceMs: number | undefined;
  /** Since when its Lease is looked at; left out: always. */
  readonly watchedSinceMs?: number | undefined;
  /** How long a renewal may take of a node that is alive, milliseconds; left out: of this one none is to be expected. */
  readonly renewsWithinMs?: number | undefined;
}

/** A pod that reads certificates or bundles. */
export interface ConsumerView {
  readonly namespace: string;
  readonly name: string;
  /** When the containers that read them started, the earliest; undefined: not yet. */
  readonly startedAtMs: number | undefined;
  /** Why what it has mounted never changes, if so. */
  readonly neverUpdates: string | undefined;
}

/** A replica that may sign. */
export interface ReplicaView {
  readonly name: string;
  /** The signer epoch of this trust domain that its lease names; undefined: none, so it signs nothing. */
  readonly signerEpoch: number | undefined;
  /** When its lease ends by our own clock at the latest. */
  readonly leaseEndsAtMs: number;
}

/** Somebody who fetches the bundle over the network. */
export interface ReaderView {
  readonly name: string;
  /** The generation that it fetched last. */
  readonly generation: number;
  /** How long after the newest is served it must have fetched it, by the refresh hint that it was given, milliseconds. */
  readonly fetchesWithinMs: number;
  /** Since when the bundle is served without a break, as far as is known; left out: always. */
  readonly servedSinceMs?: number | undefined;
}

/** What a canary came to. */
export interface CanaryResult {
  /** The issuing authority whose leaf it was. */
  readonly authority: string;
  readonly atMs: number;
  /** Why a handshake failed; undefined: all went well. */
  readonly failed: string | undefined;
}

/** How late consumers may be. Milliseconds. */
export interface RotationBounds {
  readonly propagationBoundMs: number;
  readonly consumerReloadMs: number;
  /** Whether an operator promised `consumerReloadMs`, so that leaves which were replaced count as gone after it. */
  readonly reloadIsPromised: boolean;
  /** The longest life of a leaf in use. */
  readonly longestTtlMs: number;
  /** How far clocks of nodes may be from ours. */
  readonly clockToleranceMs: number;
}

/** What the last status said, so that gates need not wait again. Losing it only makes them wait. */
export interface RememberedRotation {
  readonly bundleGeneration: number | undefined;
  /** The signer epoch of the switch that it was about; undefined: of none. */
  readonly switchEpoch: number | undefined;
  readonly gates: readonly { readonly name: RotationGate; readonly state: GateState; readonly sinceMs: number }[];
}

/** Another CARotation of the same trust domain that has not ended and goes first. */
export interface RivalRotation {
  readonly name: string;
}

/** Everything that a plan depends on besides the time. */
export interface ObservedRotation {
  readonly uid: string;
  readonly name: string;
  readonly spec: ResolvedRotationSpec;
  /** When it was asked for, by the clock of the store. */
  readonly askedAtMs: number;
  readonly remembered: RememberedRotation;
  /** Undefined while the authorities of the trust domain cannot be used; `notReady` says why. */
  readonly record: RecordView | undefined;
  readonly notReady: string | undefined;
  readonly rival: RivalRotation | undefined;
  readonly targets: readonly TargetView[];
  readonly leaves: readonly LeafView[];
  /** Undefined where there are no nodes (standalone). */
  readonly nodes: readonly NodeView[] | undefined;
  /** Undefined where there are no pods (standalone). */
  readonly consumers: readonly ConsumerView[] | undefined;
  /** How many places of the bundle are read by somebody who is no known pod: what they do is bounded, never observed. */
  readonly unseenReaders: number;
  /** Why nodes and pods are not known (yet), if so: nothing counts as delivered then. */
  readonly consumersUnknown: string | undefined;
  readonly replicas: readonly ReplicaView[];
  readonly readers: readonly ReaderView[];
  readonly canary: CanaryResult | undefined;
  readonly bounds: RotationBounds;
}

/** Pending: not reached yet. Waiting: it holds the rotation. Passed: it has let it through. */
export type GateState = 'Pending' | 'Waiting' | 'Passed';

/** An object that holds a gate up. */
export interface Straggler extends ObjectName {
  /** What is missing, and what to do. */
  readonly reason: string;
}

/** What one gate found: before exemptions and approvals. */
export interface GateFinding {
  readonly done: number;
  readonly total: number;
  readonly stragglers: readonly Straggler[];
  /** What holds it up besides stragglers; undefined when nothing does. */
  readonly waitsFor: string | undefined;
  /** When time alone ends `waitsFor`. */
  readonly untilMs?: number | undefined;
  /** What it rests on if it passes. */
  readonly evidence: readonly EvidenceKind[];
  /** What let it through, for people. */
  readonly because: string;
}

/** A gate as a plan reports it. */
export interface GateReport {
  readonly name: RotationGate;
  readonly phase: RotationPhase;
  readonly state: GateState;
  readonly evidence: readonly EvidenceKind[];
  readonly done: number;
  readonly total: number;
  readonly exempted: number;
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
  readonly message: string;
  readonly stragglers: readonly Straggler[];
}

/** What a gate looks at: the observation, its rotation in the record, and since when earlier gates let it through. */
export interface GateView {
  readonly observed: ObservedRotation;
  readonly record: RecordView;
  readonly rotation: RotationInRecord;
  readonly nowMs: number;
  /** When a gate that comes before was passed. @throws when it was not: it is asked for only then */
  passedAtMs(gate: RotationGate): number;
}

/** Judges one gate. Pure. */
export type GateJudge = (view: GateView) => GateFinding;

/** The next thing to do: one change of the record, or a canary. */
export type RotationStep =
  | { readonly do: 'prepare' }
  | { readonly do: 'renew-prepared' }
  | { readonly do: 'canary' }
  | { readonly do: 'switch' }
  | { readonly do: 'emergency' }
  /** The rotation under way becomes an emergency: its old root loses its key, and goes at a named time. */
  | { readonly do: 'hasten' }
  /** Roots that an emergency before this one distrusts leave at the time that it named. */
  | { readonly do: 'distrust-sooner' }
  | { readonly do: 'switch-back' }
  | { readonly do: 'retire' }
  | { readonly do: 'drop-prepared' }
  | { readonly do: 'finish'; readonly outcome: 'Complete' | 'Aborted' };

/** Why a rotation does not go on, besides its gates. */
export interface RotationBlocker {
  readonly reason: string;
  readonly message: string;
}

/** The plan: where the rotation stands, at most one step, or rest until a time. */
export interface RotationPlan {
  /** Undefined: as before, for nothing can be said at the moment. */
  readonly phase: RotationPhase | undefined;
  /** The gates of the stage that it is in, and those to come; gates of earlier stages stay as they were reported. */
  readonly gates: readonly GateReport[];
  readonly step: RotationStep | undefined;
  readonly blocker: RotationBlocker | undefined;
  /** Whether identities with a leaf of the old authority may be re-issued now. */
  readonly reissues: boolean;
  /** When time alone brings something new: to look again then. */
  readonly nextAtMs: number | undefined;
  /** When time alone takes it further, as far as is known: what a person waits for. */
  readonly expectedAtMs: number | undefined;
}

/**
 * Ports through which the daemon tells what it does; the composition root fills them. Nothing that goes through here may
 * hold key material, tokens or personal data.
 */

/** Values that a log line may carry. */
export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** Structured logging: one event, its fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** What a person who looks at one object is told about a transition of it. */
export interface ObjectEvent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, as in a condition. */
  readonly reason: string;
  readonly message: string;
}

/** The object that an event is about. */
export interface EventTarget {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid: string };
}

/** Events on transitions: none for an ordinary renewal. Never throws, never delays the caller. */
export interface EventRecorder {
  record(target: EventTarget, event: ObjectEvent): void;
}

/** Where the trust of all trust domains stands, added up. */
export interface TrustFigures {
  /** Generations of bundles that are in use, of the trust domain that has the most: 1 when every place carries the newest. */
  readonly bundleGenerations: number;
  /** Places of a bundle that do not carry the newest. */
  readonly placesBehind: number;
  /** Live leaves in Secrets by the state of their authority; Unknown is in no record. */
  readonly liveLeaves: Readonly<Record<'Prepared' | 'Active' | 'Retiring' | 'Unknown', number>>;
  /** Live leaves whose root is missing from a bundle that was delivered to somebody who may have to verify them. It must read 0. */
  readonly violations: number;
  /** The shortest life that an active root has left; undefined when there is none. */
  readonly rootRemainingMs: number | undefined;
  /** Rotations that are under way. */
  readonly rotations: number;
}

/** What a fetch of the bundle of another trust domain came to. */
export interface FederationFigures {
  /** When its bundle was fetched last, as far as this is known, milliseconds since the epoch; undefined: never. */
  readonly fetchedAtMs: number | undefined;
  /** Why this fetch did not succeed, in one word; undefined: it did. */
  readonly failure: string | undefined;
}

/** The keys of one trust domain for JWT-SVIDs. */
export interface JwtKeyFigures {
  /** How many keys are in each state. */
  readonly keys: Readonly<Record<'Prepared' | 'Active' | 'Retiring', number>>;
  /** When the key that signs is to end, milliseconds since the epoch; undefined while none signs. */
  readonly activeEndMs: number | undefined;
}

/** Counters and gauges of low cardinality. Names and labels are fixed: see `Metrics`' implementation for their help texts. */
export interface Metrics {
  issued(outcome: 'issued' | 'renewed' | 'failed'): void;
  reconciled(kind: string, outcome: 'done' | 'retry', durationMs: number): void;
  storeInterrupted(kind: string): void;
  queueDepth(kind: string, depth: number): void;
  /** Where the trust of all trust domains stands. Left out by who does not tell it. */
  trust?(figures: TrustFigures): void;
  /** What a fetch of another trust domain's bundle came to; undefined: it is federated with no more. Left out by who does not tell it. */
  federated?(own: string, peer: string, figures: FederationFigures | undefined): void;
  /** Tokens were signed, or not: on request, or as a file of a Secret. Left out by who does not tell it. */
  tokens?(kind: 'request' | 'file', outcome: 'issued' | 'refused' | 'failed'): void;
  /** The keys for tokens of a trust domain; undefined: it is no more. Left out by who does not tell it. */
  jwtKeys?(trustDomain: string, figures: JwtKeyFigures | undefined): void;
  /** A pod's request was answered, that long after it was first seen. Left out where pods ask nobody (standalone). */
  podCertificate?(outcome: 'issued' | 'denied', tookMs: number): void;
  /** How many requests of pods wait, by why. */
  podCertificatesPending?(reason: string, count: number): void;
}

/** Time as a parameter, so that a test can run a year of rotations in a second. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Runs `callback` at or after `atMs`. The result cancels it. */
  schedule(atMs: number, callback: () => void): () => void;
}

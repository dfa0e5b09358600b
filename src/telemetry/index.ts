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

/** Counters and gauges of low cardinality. Names and labels are fixed: see `Metrics`' implementation for their help texts. */
export interface Metrics {
  issued(outcome: 'issued' | 'renewed' | 'failed'): void;
  reconciled(kind: string, outcome: 'done' | 'retry', durationMs: number): void;
  storeInterrupted(kind: string): void;
  queueDepth(kind: string, depth: number): void;
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

import type { AuditLog } from '../audit/index.ts';
import type { AuthorityTools, SigningLease } from '../authority/index.ts';
import type { Store } from '../store/port.ts';
import type { Clock, EventRecorder, Log, Metrics } from '../telemetry/index.ts';

/** What a delivery means for TTLs: how late its consumers see a change. */
export interface DeliveryLimits {
  /** The shortest TTL that can be kept fresh, milliseconds. */
  readonly minTtlMs: number;
  /** Why, completing "shorter than 60s, …". */
  readonly minTtlReason: string;
}

/** Everything that reconcilers get from outside: the world (store), time, randomness, and where to tell what they do. */
export interface ControllerContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly tools: AuthorityTools;
  readonly lease: SigningLease;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly audit: AuditLog;
  readonly metrics: Metrics;
  readonly delivery: DeliveryLimits;
  /** Whether the store is a cluster: with namespaces, service accounts and bundle targets. */
  readonly inCluster: boolean;
  /** mtlsd's own namespace: where authority records live. */
  readonly systemNamespace: string;
  /** Where the authority record of a trust domain is, as its operator knows it: a file or a Secret. */
  recordLocation(trustDomain: string): string;
  /** How many certificates may be issued a second, over all identities: what smooths herds (L22). */
  readonly issuancesPerSecond: number;
}

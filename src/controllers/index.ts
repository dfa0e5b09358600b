/**
 * One level-triggered reconciler a kind: observe → plan → act. `observe` reads caches; `plan` is pure; `act` performs
 * idempotent or compare-and-swap writes. Any process may die between any two lines: a restart is the recovery path.
 */
export type { ControllerContext, DeliveryLimits, FileReading } from './context.ts';
export type { DomainState } from './domains.ts';
export type { BundleServer, FetchBundle } from './federation/fetch.ts';
export { readServedBundle, servedBundle } from './federation/served.ts';
export { Leadership, signerEpochsAnnotation, type LeadershipOptions } from './leadership/leadership.ts';
export { judgeInjectedPod } from './injected-pod/judge.ts';
export { InjectedPods } from './injected-pod/injected-pods.ts';
export { auditKeys } from './receipts/audit-keys.ts';
export type { KnownObjects } from './known-objects.ts';
export { publishedKeys, readPublishedKeys } from './jwt/published.ts';
export { ReservedEnds } from './reserved-ends.ts';
export { ProcessLease } from './leadership/process-lease.ts';
export { startControllers, type Controllers } from './start.ts';

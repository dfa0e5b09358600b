import type { IssuancePolicy } from '../../issuance/index.ts';
import { shortestTtlMs } from '../../rotation/index.ts';
import type { DeliveryLimits } from '../context.ts';

/**
 * The shortest TTL of a trust domain. Its own word on how late a change is seen makes that shorter and never longer: an
 * administrator who is careful about a rotation must not stop the renewals of what lives short already. Pure.
 * @param propagationBoundMs `spec.rotation.propagationBound`; undefined where it says nothing
 */
export function ttlFloor({ minTtlMs, minTtlReason, marginMs }: DeliveryLimits, propagationBoundMs: number | undefined): Pick<IssuancePolicy, 'minTtlMs' | 'minTtlReason'> {
  if (propagationBoundMs === undefined || marginMs === undefined) return { minTtlMs, minTtlReason };
  const ownMs = shortestTtlMs(propagationBoundMs + marginMs);
  if (ownMs >= minTtlMs) return { minTtlMs, minTtlReason };
  return { minTtlMs: ownMs, minTtlReason: `the shortest that is seen in time by spec.rotation.propagationBound of the trust domain (${propagationBoundMs / 1000}s)` };
}

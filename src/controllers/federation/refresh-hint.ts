import { resolvedRotationSettings, type TrustDomain } from '../../resources/index.ts';

/** How often readers are asked to fetch a bundle at the least, seconds: as often as they do without being asked (SPIFFE-31). */
export const hintMaxSeconds = 300;
const hintMinSeconds = 10;

/**
 * The refresh hint of a trust domain, seconds. One whose consumers see changes sooner than usual (a laptop, a drill) wants its
 * readers to be as quick.
 */
export function refreshHintSeconds(object: TrustDomain): number {
  const { propagationBoundMs } = resolvedRotationSettings(object);
  if (propagationBoundMs === undefined) return hintMaxSeconds;
  return Math.min(hintMaxSeconds, Math.max(hintMinSeconds, Math.ceil(propagationBoundMs / 1000)));
}

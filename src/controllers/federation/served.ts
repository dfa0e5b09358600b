import { rootsOf } from '../../authority/index.ts';
import { resolvedRotationSettings } from '../../resources/index.ts';
import { encodeSpiffeBundle } from '../../spiffe/index.ts';
import type { DomainState } from '../domains.ts';

/** How often readers are asked to fetch a bundle, seconds: as often as they do without being asked (SPIFFE-31). */
const refreshHintSecondsMax = 300;
const refreshHintSecondsMin = 10;

/**
 * The refresh hint of a trust domain, seconds. One whose consumers see changes sooner than usual (a laptop, a drill) wants its
 * readers to be as quick.
 */
export function refreshHintSeconds(object: DomainState['object']): number {
  const { propagationBoundMs } = resolvedRotationSettings(object);
  if (propagationBoundMs === undefined) return refreshHintSecondsMax;
  return Math.min(refreshHintSecondsMax, Math.max(refreshHintSecondsMin, Math.ceil(propagationBoundMs / 1000)));
}

/** The SPIFFE bundle of a trust domain of ours for others; undefined while it has no authority. */
export function servedBundle({ object, record }: DomainState): { readonly document: string } | undefined {
  if (record === undefined) return undefined;
  const document = encodeSpiffeBundle({
    trustDomain: record.trustDomain,
    x509Roots: rootsOf(record).map(({ certificate }) => certificate.der),
    jwtKeys: [],
    sequence: record.bundleSequence,
    refreshHintSeconds: refreshHintSeconds(object),
  });
  return { document };
}

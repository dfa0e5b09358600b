import { rootsOf } from '../../authority/index.ts';
import { resolvedRotationSettings } from '../../resources/index.ts';
import { encodeSpiffeBundle, type TrustDomainName } from '../../spiffe/index.ts';
import type { ControllerContext } from '../context.ts';
import type { DomainState } from '../domains.ts';
import { loadRecord } from '../trust-domain/record-store.ts';

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
export function servedBundle({ object, record }: Pick<DomainState, 'object' | 'record'>): { readonly document: string } | undefined {
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

/** The same as it stands in the store, for a replica that keeps no trust domain open. @throws STORE_… */
export async function readServedBundle(context: Pick<ControllerContext, 'store' | 'systemNamespace' | 'recordLocation'>, trustDomain: TrustDomainName): Promise<{ readonly document: string } | undefined> {
  const object = await context.store.get({ kind: 'TrustDomain', name: trustDomain });
  if (object === undefined) return undefined;
  const { state } = await loadRecord(context, trustDomain);
  return servedBundle({ object, record: state.kind === 'loaded' ? state.record : undefined });
}

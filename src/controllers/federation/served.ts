import { rootsOf } from '../../authority/index.ts';
import { encodeSpiffeBundle, type TrustDomainName } from '../../spiffe/index.ts';
import type { ControllerContext } from '../context.ts';
import type { DomainState } from '../domains.ts';
import { refreshHintSeconds } from './refresh-hint.ts';
import { inForce } from '../trust-domain/older-record.ts';
import { loadRecord } from '../trust-domain/record-store.ts';

/** The SPIFFE bundle of a trust domain of ours for others; undefined while it has no authority. */
export function servedBundle({ object, record }: Pick<DomainState, 'object' | 'record'>): { readonly document: string } | undefined {
  if (record === undefined) return undefined;
  const document = encodeSpiffeBundle({
    trustDomain: record.trustDomain,
    x509Roots: rootsOf(record).map(({ certificate }) => certificate.der),
    jwtKeys: (record.jwt?.keys ?? []).map(({ keyIdentifier, jwk }) => ({ keyId: keyIdentifier, jwk })),
    // Both rise with each change of what they count, and neither goes back: so does their sum.
    sequence: record.bundleSequence + BigInt(record.jwt?.sequence ?? 0),
    refreshHintSeconds: refreshHintSeconds(object),
  });
  return { document };
}

/** The same as it stands in the store, for a replica that keeps no trust domain open. @throws STORE_… */
export async function readServedBundle(context: Pick<ControllerContext, 'store' | 'systemNamespace' | 'recordLocation'>, trustDomain: TrustDomainName): Promise<{ readonly document: string } | undefined> {
  const object = await context.store.get({ kind: 'TrustDomain', name: trustDomain });
  if (object === undefined) return undefined;
  const { state } = inForce(await loadRecord(context, trustDomain), object, context.recordLocation(trustDomain));
  return servedBundle({ object, record: state.kind === 'loaded' ? state.record : undefined });
}

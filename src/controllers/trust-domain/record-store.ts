import { isDeepStrictEqual } from 'node:util';
import { decodeRecord, encodeRecord, recordFile, type AuthorityRecord } from '../../authority/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import { labels, type Secret } from '../../resources/index.ts';
import type { TrustDomainName } from '../../spiffe/index.ts';
import type { ObjectKey, Precondition } from '../../store/port.ts';
import type { ControllerContext } from '../context.ts';
import type { DomainProblem } from '../domains.ts';

/** What the record of a trust domain was found to be. */
export type RecordState =
  | { readonly kind: 'loaded'; readonly record: AuthorityRecord }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable'; readonly problem: DomainProblem };

/** The label that marks an authority record among the Secrets that mtlsd manages. */
export const authorityRecordLabel = 'mtlsd.io/authority-record';

/** A record as it was read, with what its next change is based on. */
export interface LoadedRecord {
  readonly state: RecordState;
  readonly precondition: Precondition | 'absent';
  /** As it was stored, but for the keys: after a restore of the whole store a version may come a second time with another content. */
  readonly stored?: string | undefined;
}

/** Where the authority record of a trust domain is. */
function recordKey(context: Pick<ControllerContext, 'systemNamespace'>, trustDomain: TrustDomainName): ObjectKey<'Secret'> {
  return { kind: 'Secret', namespace: context.systemNamespace, name: `mtlsd-authorities-${trustDomain}` };
}

/**
 * Reads and proves the record. What cannot be used is a state with what to do, never a reason to make a new root.
 * @param known what was read last: the very same version need not be proved again
 */
export async function loadRecord(context: Pick<ControllerContext, 'store' | 'systemNamespace' | 'recordLocation'>, trustDomain: TrustDomainName, known?: LoadedRecord): Promise<LoadedRecord> {
  const where = context.recordLocation(trustDomain);
  let secret: Secret | undefined;
  try {
    secret = await context.store.get(recordKey(context, trustDomain));
  } catch (error) {
    if (isMtlsdError(error) && error.entry.retry === 'never') return unusable(error.entry.reason, error.message);
    throw error;
  }
  if (secret === undefined) return { state: { kind: 'absent' }, precondition: 'absent' };
  const precondition = { uid: secret.metadata.uid, resourceVersion: secret.metadata.resourceVersion };
  const stored = secret.data[recordFile];
  if (known !== undefined && known.stored === stored && isDeepStrictEqual(known.precondition, precondition)) return known;
  try {
    return { state: { kind: 'loaded', record: decodeRecord(secret.data, trustDomain, where) }, precondition, stored };
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    return { ...unusable(error.entry.reason, error.message), precondition, stored };
  }
}

/** Writes a record as one compare-and-swap. Returns what the next change is based on. */
export async function saveRecord(context: ControllerContext, record: AuthorityRecord, expect: Precondition | 'absent'): Promise<Precondition> {
  const key = recordKey(context, record.trustDomain);
  const written = await context.store.write(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'mtlsd.io/authorities',
      metadata: {
        name: key.name,
        ...(key.namespace === undefined ? {} : { namespace: key.namespace }),
        labels: { [labels.managedBy]: 'mtlsd', [labels.trustDomain]: record.trustDomain, [authorityRecordLabel]: 'true' },
      },
      data: encodeRecord(record),
    },
    expect,
  );
  return { uid: written.metadata.uid, resourceVersion: written.metadata.resourceVersion };
}

function unusable(reason: string, message: string): LoadedRecord {
  return { state: { kind: 'unusable', problem: { reason, message } }, precondition: 'absent' };
}

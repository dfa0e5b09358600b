import { activeAuthority, bundleSha256, type AuthorityRecord } from '../../authority/index.ts';
import { catalogue } from '../../errors/index.ts';
import type { TrustDomain } from '../../resources/index.ts';
import type { DomainProblem } from '../domains.ts';
import type { LoadedRecord } from './record-store.ts';

/**
 * A restore may put an earlier record back. Its roots may be ones that nobody trusts any more, so it is not in force: nothing
 * is signed by it, no rotation changes it, nobody is shown its bundle, and every bundle that was delivered stays as it is,
 * until somebody chooses.
 */

/**
 * Annotation by which an operator goes on with a restored record although a newer one was delivered from: the key identifier
 * of its active root. It fires once, because the record is the newest from then on.
 */
export const acceptRecordAnnotation = 'mtlsd.io/accept-restored-record';

/** The reason of the problem that a restored older record is. */
export const recordOlderReason = catalogue.AUTHORITY_RECORD_OLDER.reason;

/** What the status of a trust domain says was delivered last; zeros when it says nothing. */
export interface Delivered {
  readonly signerEpoch: number;
  readonly bundleGeneration: number;
  readonly bundleSha256: string | undefined;
}

/** What status says was delivered. */
export function deliveredBy({ status }: Pick<TrustDomain, 'status'>): Delivered {
  return { signerEpoch: status?.signerEpoch ?? 0, bundleGeneration: status?.bundle?.generation ?? 0, bundleSha256: status?.bundle?.sha256 };
}

/**
 * Whether something else was delivered than this record can have led to: a later generation of the bundle, other roots in the
 * same, or certificates of a root that it takes for one that has signed nothing yet. A lower epoch outside a rotation of the
 * root only means that an issuing authority was lost.
 */
export function isOlder(record: AuthorityRecord, delivered: Delivered): boolean {
  if (record.bundleGeneration !== delivered.bundleGeneration) return record.bundleGeneration < delivered.bundleGeneration;
  if (delivered.bundleSha256 !== undefined && delivered.bundleSha256 !== bundleSha256(record)) return true;
  return record.rotation?.what === 'Root' && record.signerEpoch < delivered.signerEpoch;
}

/** What to tell of an older record. @param where it is, as its operator knows it */
export function olderRecord(record: AuthorityRecord, delivered: Delivered, where: string): DomainProblem {
  const root = activeAuthority(record, 'Root').keyIdentifier;
  return {
    reason: recordOlderReason,
    message:
      `${where} is older than what was delivered from it (bundle generation ${record.bundleGeneration} of signer epoch ${record.signerEpoch}, delivered ${delivered.bundleGeneration} of ${delivered.signerEpoch}): a restore put an earlier state of ${record.trustDomain} back, and nothing is signed. ` +
      `Restore the newest record; or, to go on with root authority ${root} (certificates of a root that came later stop verifying), annotate the TrustDomain with ${acceptRecordAnnotation}: ${root}`,
  };
}

/** What was loaded, unless it is older than what was delivered: then it cannot be used. Who changes or shows a record asks for this. */
export function inForce(loaded: LoadedRecord, object: Pick<TrustDomain, 'status'>, where: string): LoadedRecord {
  const { state, precondition } = loaded;
  if (state.kind !== 'loaded') return loaded;
  const delivered = deliveredBy(object);
  return isOlder(state.record, delivered) ? { state: { kind: 'unusable', problem: olderRecord(state.record, delivered, where) }, precondition } : loaded;
}

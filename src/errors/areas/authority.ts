import { entry } from '../entry.ts';

interface DomainDetails extends Readonly<Record<string, string>> {
  readonly trustDomain: string;
}

/** Errors about authorities: their record, their keys, what they can still sign. */
export const authorityErrors = {
  AUTHORITY_RECORD_DAMAGED: entry<DomainDetails>({
    meaning: 'The authority record of the trust domain cannot be trusted: it does not parse, or its parts do not fit each other.',
    remedy: 'Restore the record that the message names from a backup. mtlsd signs nothing for this trust domain until then and never replaces its root by itself.',
    status: 503,
    retry: 'backoff',
    reason: 'AuthorityRecordDamaged',
  }),
  AUTHORITY_RECORD_LOST: entry<DomainDetails>({
    meaning: 'Certificates of this trust domain exist, but the record of the authorities that issued them is gone.',
    remedy: 'Restore the record that the message names from a backup; to give the domain up and start a new root, annotate the TrustDomain as the message says.',
    status: 503,
    retry: 'backoff',
    reason: 'AuthorityRecordLost',
  }),
  AUTHORITY_RECORD_NEWER: entry<DomainDetails>({
    meaning: 'The authority record was written by a newer mtlsd.',
    remedy: 'Run the newer version again, or restore a record of this version.',
    status: 503,
    retry: 'backoff',
    reason: 'AuthorityRecordNewer',
  }),
  AUTHORITY_ROOT_EXPIRED: entry<DomainDetails>({
    meaning: 'The root authority has expired: nothing that it vouches for verifies any more.',
    remedy: 'Replace the root: annotate the TrustDomain as the message says.',
    status: 503,
    retry: 'backoff',
    reason: 'RootExpired',
  }),
  AUTHORITY_ROOT_ENDING: entry<DomainDetails>({
    meaning: 'The root authority ends too soon to sign an issuing authority that could honour the longest SVID.',
    remedy: 'Replace the root before the time that the message names, or shorten spec.svid.maxTTL.',
    status: 503,
    retry: 'backoff',
    reason: 'RootEnding',
  }),
  AUTHORITY_STILL_NEEDED: entry<DomainDetails & { readonly object: string }>({
    meaning: 'An authority was to be retired although something live still chains to it.',
    remedy: 'Wait until the object that the message names has another certificate, or exempt it in the CARotation with a reason.',
    status: 409,
    retry: 'backoff',
    reason: 'AuthorityStillNeeded',
  }),
  AUTHORITY_RECORD_OLDER: entry<DomainDetails>({
    meaning: 'The authority record is older than what was delivered from it: a restore put an earlier state back.',
    remedy: 'Restore the newest record; or, to go on with this one, annotate the TrustDomain as the message says. Nothing is signed for this trust domain until then.',
    status: 503,
    retry: 'backoff',
    reason: 'AuthorityRecordOlder',
  }),
  AUTHORITY_CLOCK: entry<DomainDetails>({
    meaning: 'The authority is not valid yet by the clock of this machine.',
    remedy: 'Set the clock: it is behind the time at which the authority was made.',
    status: 503,
    retry: 'backoff',
    reason: 'ClockBehind',
  }),
} as const;

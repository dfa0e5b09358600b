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
  AUTHORITY_CLOCK: entry<DomainDetails>({
    meaning: 'The authority is not valid yet by the clock of this machine.',
    remedy: 'Set the clock: it is behind the time at which the authority was made.',
    status: 503,
    retry: 'backoff',
    reason: 'ClockBehind',
  }),
} as const;

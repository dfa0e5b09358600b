import { entry } from '../entry.ts';

/** Errors of signing: what stands between a granted request and a certificate. */
export const issuanceErrors = {
  ISSUANCE_LINT_FAILED: entry<{ readonly findings: readonly string[] }>({
    meaning: 'A certificate template breaks a rule of SPIFFE or RFC 5280 and was not signed.',
    remedy: 'This is a defect of mtlsd: report it with the findings that the message lists.',
    status: 500,
    retry: 'never',
    reason: 'LintFailed',
  }),
  ISSUANCE_LEASE_LOST: entry({
    meaning: 'This replica holds no signing lease for the current signer epoch and signed nothing.',
    remedy: 'Nothing: the replica that holds the lease signs.',
    status: 503,
    retry: 'backoff',
    reason: 'NoSigningLease',
  }),
  ISSUANCE_ISSUER_ENDS: entry<{ readonly issuer: string }>({
    meaning: 'The issuing authority ends before the requested certificate would.',
    remedy: 'Nothing when the next issuing authority follows; otherwise see the conditions of the TrustDomain.',
    status: 503,
    retry: 'backoff',
    reason: 'AuthorityTooShortLived',
  }),
  ISSUANCE_ISSUER_NOT_VALID: entry<{ readonly issuer: string }>({
    meaning: 'The issuing authority is expired or not valid yet and signed nothing.',
    remedy: 'Check the clock of this machine and the conditions of the TrustDomain.',
    status: 503,
    retry: 'backoff',
    reason: 'AuthorityNotValid',
  }),
  ISSUANCE_NOT_RESERVED: entry<{ readonly trustDomain: string }>({
    meaning: 'The time until which certificates may live that nobody keeps a list of could not be written to the authority record; nothing was signed.',
    remedy: 'Nothing when another issuing authority has just taken over; otherwise see the conditions of the TrustDomain.',
    status: 503,
    retry: 'backoff',
    reason: 'NotReserved',
  }),
} as const;

import { entry } from '../entry.ts';

/** Errors of judging tokens of other issuers. A token that is refused is a decision, and not here. */
export const tokensErrors = {
  TOKEN_KEYS_UNAVAILABLE: entry({
    meaning: 'The keys of an issuer of tokens cannot be fetched, or what its server answers is no key set.',
    remedy: "Check the issuer's address and its server; keys that were fetched before are used for a bounded time.",
    status: 503,
    retry: 'backoff',
    reason: 'KeysUnavailable',
  }),
} as const;

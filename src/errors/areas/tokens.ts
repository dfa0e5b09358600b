import { entry } from '../entry.ts';

/** Errors of judging tokens of other issuers, as gateways see them (RFC 9457). */
export const tokensErrors = {
  TOKEN_MISSING: entry({
    meaning: 'The request that a gateway asks about has no bearer token.',
    remedy: 'Send a token of an issuer that the rules of the gateway trust.',
    status: 401,
    retry: 'never',
    reason: 'TokenMissing',
  }),
  TOKEN_REFUSED: entry({
    meaning: 'The bearer token that a gateway asks about is not accepted; its reason says why.',
    remedy: 'Get another one from its issuer; the detail says what is wrong with this one.',
    status: 401,
    retry: 'never',
    reason: 'TokenRefused',
  }),
  TOKEN_NOT_SUFFICIENT: entry({
    meaning: 'The bearer token that a gateway asks about lacks a scope or a claim that its rules want.',
    remedy: 'Have its issuer grant what the detail names; another token of the same kind does not help.',
    status: 403,
    retry: 'never',
    reason: 'TokenNotSufficient',
  }),
  GATEWAY_UNKNOWN: entry({
    meaning: 'Whoever asks about a token presents no SVID, or one that is not accepted.',
    remedy: 'Have the gateway connect with the SVID of its workload; the detail says what is wrong.',
    status: 403,
    retry: 'never',
    reason: 'GatewayUnknown',
  }),
  GATEWAY_NOT_CONFIGURED: entry({
    meaning: 'The configuration of the gateway names nobody with this SPIFFE ID.',
    remedy: 'Add it to gateways, with the rules that it asks by.',
    status: 403,
    retry: 'never',
    reason: 'GatewayNotConfigured',
  }),
  TOKEN_KEYS_UNAVAILABLE: entry({
    meaning: 'The keys of an issuer of tokens cannot be fetched, or what its server answers is no key set.',
    remedy: "Check the issuer's address and its server; keys that were fetched before are used for a bounded time.",
    status: 503,
    retry: 'backoff',
    reason: 'KeysUnavailable',
  }),
} as const;

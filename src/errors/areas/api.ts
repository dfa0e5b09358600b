import { entry } from '../entry.ts';

/** Errors of the HTTPS API, as its callers see them (RFC 9457), and of its client. */
export const apiErrors = {
  API_ROUTE_UNKNOWN: entry({
    meaning: 'The API has no such route, or not with this method.',
    remedy: 'See the OpenAPI document of the server for its routes.',
    status: 404,
    retry: 'never',
    reason: 'RouteUnknown',
  }),
  API_REQUEST_INVALID: entry({
    meaning: 'The request cannot be understood: its body is no JSON, or not as the OpenAPI document says.',
    remedy: 'Correct what the detail names.',
    status: 400,
    retry: 'never',
    reason: 'RequestInvalid',
  }),
  API_REQUEST_TOO_LARGE: entry({
    meaning: 'The body of the request is larger than the API reads.',
    remedy: 'Send what the OpenAPI document says, and nothing besides.',
    status: 413,
    retry: 'never',
    reason: 'RequestTooLarge',
  }),
  API_MEDIA_TYPE_UNKNOWN: entry({
    meaning: 'The body of the request is of a media type that the API does not read.',
    remedy: 'Send application/json.',
    status: 415,
    retry: 'never',
    reason: 'MediaTypeUnknown',
  }),
  API_TOKEN_MISSING: entry({
    meaning: 'The request has no bearer token. An SVID is no substitute: a stolen one would renew itself for ever.',
    remedy: 'Send a token of a Kubernetes service account (audience mtlsd), or of an issuer that the API is configured for.',
    status: 401,
    retry: 'never',
    reason: 'TokenMissing',
  }),
  API_TOKEN_REFUSED: entry({
    meaning: 'The bearer token is not accepted.',
    remedy: 'Get another one; the detail says what is wrong with this one.',
    status: 401,
    retry: 'never',
    reason: 'TokenRefused',
  }),
  API_FORBIDDEN: entry({
    meaning: 'The object that the request names is not one of the caller.',
    remedy: 'Name an object of your own, or nothing: then the API takes the one that is granted to you.',
    status: 403,
    retry: 'never',
    reason: 'Forbidden',
  }),
  API_IDENTITY_NOT_GRANTED: entry({
    meaning: 'No object grants the caller an identity that the request may have.',
    remedy: 'Create a WorkloadIdentity for the service account, or add the issuer of the token to the configuration of the API.',
    status: 403,
    retry: 'never',
    reason: 'IdentityNotGranted',
  }),
  API_RATE_LIMITED: entry({
    meaning: 'The caller asks more often than it may.',
    remedy: 'Wait as long as Retry-After says.',
    status: 429,
    retry: 'after',
    reason: 'RateLimited',
  }),
  API_STANDBY: entry({
    meaning: 'This replica stands by and signs nothing.',
    remedy: 'Ask again over another connection: the replica that leads signs.',
    status: 503,
    retry: 'backoff',
    reason: 'Standby',
  }),
  API_TOKENS_UNJUDGED: entry({
    meaning: 'The token cannot be judged now: its issuer, or the API server, does not answer.',
    remedy: 'Try again later; the log of mtlsd names the issuer.',
    status: 503,
    retry: 'backoff',
    reason: 'TokensUnjudged',
  }),
  API_INTERNAL: entry({
    meaning: 'Something went wrong inside mtlsd.',
    remedy: 'Look for the request id in the log of mtlsd.',
    status: 500,
    retry: 'backoff',
    reason: 'Internal',
  }),
} as const;

/** A signature algorithm of a token. There is neither `none` nor a symmetric one to choose: the type has no room for them. */
export const tokenAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;
export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

/** A claim that must hold values: `path` leads to it (`['realm_access', 'roles']`), `values` must all be there. */
export interface RequiredClaim {
  readonly path: readonly string[];
  readonly values: readonly string[];
}

/**
 * What the tokens of one issuer must be. It comes from configuration alone: nothing of a request, and nothing in a token, can
 * widen it.
 */
export interface IssuerRules {
  /** Exactly what `iss` says (RFC 7519 §4.1.1: compared by code points). */
  readonly issuer: string;
  /** `aud` must hold one of these. Never empty. */
  readonly audiences: readonly string[];
  /** `alg` must be one of these, checked before anything else. Never empty. */
  readonly algorithms: readonly TokenAlgorithm[];
  /** `typ` must be one of these, without regard to case and to a leading `application/` (RFC 7515 §4.1.9); undefined in the list: it may be left out. */
  readonly types: readonly (string | undefined)[];
  /** All of these must be in `scope` (or `scp`). */
  readonly scopes: readonly string[];
  readonly requiredClaims: readonly RequiredClaim[];
  /** How far the clocks of issuer and verifier may be apart, milliseconds. */
  readonly clockToleranceMs: number;
  /** The longest life, from `iat` (or `nbf`) to `exp`; undefined: `iat` need not be there and any life is accepted. */
  readonly maxLifetimeMs: number | undefined;
  /** Its tokens are JWT-SVIDs of this trust domain: `sub` must be a SPIFFE ID of it (SPIFFE-28). Left out: `sub` is any text. */
  readonly trustDomain?: string;
}

/** Bounds of what is looked at, before any of it is decoded. */
export const tokenLimits = {
  /** Longer ones do not fit into a header that a gateway passes on. */
  lengthMax: 8192,
  headerLengthMax: 2048,
  kidLengthMax: 256,
  audiencesMax: 32,
} as const;

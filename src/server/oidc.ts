/** The public half of a key that signs JWT-SVIDs (RFC 7517): what is secret in a key has no place in the type. */
export type PublicJwk = { readonly kid: string; readonly alg: 'ES256' | 'RS256' } & (
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }
);

/** The keys by which JWT-SVIDs of one trust domain are verified. */
export interface PublishedJwtKeys {
  /** `iss` of its tokens, as `spec.jwt.issuer` says; undefined where it says nothing. */
  readonly issuer: string | undefined;
  /** Every key that signs, is about to, or has signed a token that lives. */
  readonly keys: readonly PublicJwk[];
  /**
   * When a token may be signed by a key that is not among these, at the earliest, milliseconds since the epoch: nobody may keep
   * them for longer.
   */
  readonly changesAtMs: number;
}

/** The keys of all trust domains that issue JWT-SVIDs. */
export interface JwtKeySource {
  /** By name of the trust domain. @throws STORE_… */
  published(): Promise<ReadonlyMap<string, PublishedJwtKeys>>;
}

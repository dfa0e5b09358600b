import type { TrustDomainName } from './trust-domain.ts';

/** The public key of a JWT authority as a JWK holds it (RFC 7518 §6): nothing private, nothing else. */
export type PublicJwk =
  | { readonly kty: 'EC'; readonly crv: string; readonly x: string; readonly y: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string };

/** A key that JWT-SVIDs of the trust domain are checked with (SPIFFE-23). */
export interface JwtBundleKey {
  readonly keyId: string;
  readonly jwk: PublicJwk;
}

/** What one trust domain is trusted by. Never merged with another's: the name always travels along (SPIFFE-32). */
export interface SpiffeBundle {
  readonly trustDomain: TrustDomainName;
  /** Root certificates, DER. None: everything is revoked (SPIFFE-18). */
  readonly x509Roots: readonly Uint8Array[];
  readonly jwtKeys: readonly JwtBundleKey[];
  /** 0 to 2^64 - 1; rises with every change of content (SPIFFE-19). */
  readonly sequence: bigint;
  /** Seconds (SPIFFE-20). */
  readonly refreshHintSeconds: number | undefined;
}

/** The largest document that is written or read: a domain with a hundred RSA-4096 roots needs a fifth of it. */
export const bundleBytesMax = 1024 * 1024;
/** The most elements that `keys` may have. */
export const bundleElementsMax = 1024;
/** The largest sequence: an unsigned 64-bit integer, as the readers in use keep it. */
export const sequenceMax = 2n ** 64n - 1n;
/** The largest refresh hint, seconds: what fits a signed 32-bit integer. */
export const refreshHintSecondsMax = 2 ** 31 - 1;

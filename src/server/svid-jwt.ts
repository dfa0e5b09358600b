import type { Caller } from './caller.ts';
import type { ProblemReason } from './problem.ts';

/** A JWT-SVID as it is answered. Times in milliseconds since the epoch. */
export interface SignedJwt {
  /** Compact serialisation (SPIFFE-25). */
  readonly token: string;
  readonly spiffeId: string;
  readonly audience: readonly string[];
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** When to ask for the next one. */
  readonly refreshAtMs: number;
  /** `kid` of the key that signed it. */
  readonly keyId: string;
}

/** What is asked for. */
export interface JwtWish {
  readonly caller: Caller;
  /** One at least, none of them empty, each once. */
  readonly audience: readonly string[];
  /** The name of a WorkloadIdentity; undefined: the oldest that is for the caller. */
  readonly identity: string | undefined;
  /** A duration; undefined: as the trust domain says. */
  readonly ttl: string | undefined;
  readonly requestId: string;
}

/** Why nothing was signed. */
export interface JwtRefusal {
  readonly code: 'API_IDENTITY_NOT_GRANTED' | 'API_JWT_REFUSED' | 'API_JWT_OFF' | 'API_NOT_READY';
  readonly message: string;
  readonly reasons?: readonly ProblemReason[];
}

/** Decides and signs. */
export interface JwtSigner {
  sign(wish: JwtWish): Promise<{ readonly signed: true; readonly svid: SignedJwt } | { readonly signed: false; readonly refusal: JwtRefusal }>;
}

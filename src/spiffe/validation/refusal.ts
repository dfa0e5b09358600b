import type { CertificateView } from '../certificate-view.ts';
import type { SpiffeId } from '../spiffe-id.ts';

/** Why a chain is refused: stable, for programs. */
export type RefusalCode =
  | 'CHAIN_EMPTY'
  | 'CHAIN_TOO_LONG'
  | 'LEAF_URI_COUNT'
  | 'LEAF_ID_INVALID'
  | 'LEAF_ROOT_PATH'
  | 'LEAF_IS_AUTHORITY'
  | 'LEAF_SAN_NOT_CRITICAL'
  | 'LEAF_KEY_USAGE'
  | 'LEAF_EXTENDED_KEY_USAGE'
  | 'WRONG_TRUST_DOMAIN'
  | 'WRONG_ID'
  | 'NO_ROOTS'
  | 'UNTRUSTED_ROOT'
  | 'ISSUER_MISMATCH'
  | 'KEY_IDENTIFIER_MISMATCH'
  | 'SIGNATURE_INVALID'
  | 'SIGNATURE_ALGORITHM'
  | 'WEAK_KEY'
  | 'NOT_YET_VALID'
  | 'EXPIRED'
  | 'NOT_AN_AUTHORITY'
  | 'AUTHORITY_KEY_USAGE'
  | 'AUTHORITY_EXTENDED_KEY_USAGE'
  | 'AUTHORITY_ID'
  | 'PATH_TOO_LONG'
  | 'MALFORMED_FIELDS'
  | 'MALFORMED_EXTENSIONS'
  | 'NAME_CONSTRAINTS';

/** One reason to refuse a chain. */
export interface Refusal {
  readonly code: RefusalCode;
  /** The rule that is broken: `SPIFFE-16`, `RFC 5280 §6.1.3`. */
  readonly rule: string;
  /** The certificate in question: its place in the presented chain, `'root'` for one of the bundle, `'chain'` for the whole. */
  readonly certificate: number | 'root' | 'chain';
  /** What is wrong, a whole sentence that names the certificate. */
  readonly sentence: string;
}

/** A chain that holds. */
export interface Validated {
  readonly valid: true;
  readonly spiffeId: SpiffeId;
  /** Leaf first, the root of the bundle last. */
  readonly path: readonly CertificateView[];
  /** Milliseconds since the epoch: when the first certificate of the path expires. */
  readonly validUntilMs: number;
}

/** A chain that is refused, with every reason that could be told. */
export interface Refused {
  readonly valid: false;
  readonly reasons: readonly Refusal[];
}

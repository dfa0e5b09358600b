import { oid } from './oids.ts';

/** The kinds of key that mtlsd makes and certifies. */
export type KeyAlgorithm = 'ECDSAP256' | 'ECDSAP384' | 'ECDSAP521' | 'ED25519' | 'RSA2048' | 'RSA3072' | 'RSA4096';

/** All of them, the default first. */
export const keyAlgorithms: readonly KeyAlgorithm[] = ['ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519', 'RSA2048', 'RSA3072', 'RSA4096'];

/** How a key of one kind signs: the one hash that fits its strength, and the name of the pair. */
export interface SignatureScheme {
  /** OID of the AlgorithmIdentifier (RFC 5758 §3.2, RFC 8410 §3, RFC 4055 §5). */
  readonly oid: string;
  /** Whether its parameters are NULL (RSA) or absent (the others). */
  readonly nullParameters: boolean;
  /** Hash by node's name; Ed25519 hashes by itself. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | undefined;
}

const rsa: SignatureScheme = { oid: oid.sha256WithRsa, nullParameters: true, hash: 'sha256' };

/** The scheme that a key of each algorithm signs with here. */
export const signatureSchemes: Readonly<Record<KeyAlgorithm, SignatureScheme>> = {
  ECDSAP256: { oid: oid.ecdsaWithSha256, nullParameters: false, hash: 'sha256' },
  ECDSAP384: { oid: oid.ecdsaWithSha384, nullParameters: false, hash: 'sha384' },
  ECDSAP521: { oid: oid.ecdsaWithSha512, nullParameters: false, hash: 'sha512' },
  ED25519: { oid: oid.ed25519, nullParameters: false, hash: undefined },
  RSA2048: rsa,
  RSA3072: rsa,
  RSA4096: rsa,
};

/** Whether `text` names a supported algorithm: a PublicKeyView may describe one that is not. */
export function isKeyAlgorithm(text: string): text is KeyAlgorithm {
  return (keyAlgorithms as readonly string[]).includes(text);
}

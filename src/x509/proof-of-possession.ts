import { constants, createPublicKey, verify } from 'node:crypto';
import type { PublicKey } from './public-key.ts';

/**
 * Whether the holder of `publicKey` signed `message` in the way of a PodCertificateRequest's `proofOfPossession`: RSA-PSS with
 * SHA-256 and MGF1-SHA-256, salt of any length; ECDSA over SHA-256 whatever the curve, as DER; Ed25519.
 */
export function provesPossession({ spki, algorithm }: PublicKey, message: Uint8Array, proof: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  if (algorithm === 'ED25519') return verify(undefined, message, key, proof);
  if (!algorithm.startsWith('RSA')) return verify('sha256', message, key, proof);
  return verify('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }, proof);
}

import { constants, createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { generateKeyPair, type KeyAlgorithm, parsePublicKey, provesPossession } from '../../src/x509/index.ts';

const message = Buffer.from('6f1d3a52-0000-4000-8000-000000000001');

/** As kubelet signs the UID of a pod. */
function prove(key: KeyObject, algorithm: KeyAlgorithm): Uint8Array {
  if (algorithm === 'ED25519') return sign(undefined, message, key);
  if (!algorithm.startsWith('RSA')) return sign('sha256', message, key);
  return sign('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_MAX_SIGN });
}

describe.each(['ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519', 'RSA3072'] as const)('%s', (algorithm) => {
  test('a proof holds for its key and its message, and for no other', async () => {
    const [pair, other] = await Promise.all([generateKeyPair(algorithm), generateKeyPair(algorithm)]);
    const proof = prove(createPrivateKey(pair.privateKeyPem()), algorithm);
    expect(provesPossession(pair.publicKey, message, proof)).toBe(true);
    expect(provesPossession(other.publicKey, message, proof)).toBe(false);
    expect(provesPossession(pair.publicKey, Buffer.from('another pod'), proof)).toBe(false);
    expect(provesPossession(pair.publicKey, message, new Uint8Array(0))).toBe(false);
    expect(parsePublicKey(pair.publicKey.spki).algorithm).toBe(algorithm);
  });
});

test('an RSA signature that is no PSS proves nothing', async () => {
  const pair = await generateKeyPair('RSA3072');
  expect(provesPossession(pair.publicKey, message, sign('sha256', message, createPrivateKey(pair.privateKeyPem())))).toBe(false);
});

test('a key of no supported kind has a name, and what is no key is told', () => {
  const x25519 = Buffer.from('302a300506032b656e032100'.concat('42'.repeat(32)), 'hex');
  expect(parsePublicKey(x25519).algorithm).toBe('X25519');
  expect(() => parsePublicKey(Buffer.concat([x25519, Buffer.from([0])]))).toThrow(expect.objectContaining({ code: 'X509_PUBLIC_KEY_INVALID' }) as Error);
  expect(() => parsePublicKey(Buffer.from('3000', 'hex'))).toThrow(expect.objectContaining({ code: 'X509_PUBLIC_KEY_INVALID' }) as Error);
});

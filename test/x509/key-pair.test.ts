import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isMtlsdError } from '../../src/errors/index.ts';
import { encodePem, generateKeyPair, keyAlgorithms, keyPairFromPem, parsePem, signData } from '../../src/x509/index.ts';
import { keyOf } from './hierarchy.ts';

function refusal(pem: string): Error {
  try {
    keyPairFromPem(pem);
  } catch (error) {
    if (isMtlsdError(error, 'X509_PRIVATE_KEY_INVALID')) return error;
    throw error;
  }
  throw new Error('the key was accepted');
}

const p256 = (): { pem: string; der: Uint8Array } => {
  const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  return { pem, der: parsePem(pem)[0]?.der ?? new Uint8Array(0) };
};

describe('a key pair', () => {
  test.each(keyAlgorithms)('%s survives its PEM', async (algorithm) => {
    const made = await keyOf(algorithm);
    const read = keyPairFromPem(made.privateKeyPem());
    expect(read.algorithm).toBe(algorithm);
    expect(read.publicKey).toEqual(made.publicKey);
    expect(read.privateKeyPem()).toBe(made.privateKeyPem());
    expect(made.privateKeyPem()).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  });

  test('no two are the same', async () => {
    const [a, b] = await Promise.all([generateKeyPair('ED25519'), generateKeyPair('ED25519')]);
    expect(a.publicKey.keyIdentifier).not.toBe(b.publicKey.keyIdentifier);
  });

  test.each(['RSA2048', 'RSA4096'] as const)('%s is made while the event loop goes on', async (algorithm) => {
    let turns = 0;
    let made = false;
    const count = (): void => {
      turns += 1;
      if (!made) setImmediate(count);
    };
    setImmediate(count);
    await generateKeyPair(algorithm);
    made = true;
    // Made on the loop, not one turn would have passed.
    expect(turns).toBeGreaterThan(10);
  });

  test('it does not serialise its private half', async () => {
    const pair = await keyOf('ECDSAP256');
    const secret = createPrivateKey(pair.privateKeyPem()).export({ format: 'jwk' }).d ?? '';
    expect(secret).not.toBe('');
    expect(JSON.stringify(pair)).not.toContain(secret);
    expect(JSON.stringify(pair)).not.toContain('PRIVATE KEY');
  });
});

describe('refused', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const pkcs8 = (type: 'ec' | 'rsa', options: object): string =>
    generateKeyPairSync(type as 'rsa', options as { modulusLength: number }).privateKey.export({ type: 'pkcs8', format: 'pem' });

  test.each([
    ['SEC 1', ec.export({ type: 'sec1', format: 'pem' })],
    ['encrypted PKCS#8', ec.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })],
    ['two blocks', `${p256().pem}${p256().pem}`],
    ['no block', 'nothing'],
    ['a public key', encodePem('PUBLIC KEY', p256().der)],
    ['a curve that is not supported', pkcs8('ec', { namedCurve: 'secp256k1' })],
    ['RSA of 1024 bits', pkcs8('rsa', { modulusLength: 1024 })],
    ['RSA with exponent 3', pkcs8('rsa', { modulusLength: 2048, publicExponent: 3 })],
    ['a PKCS#8 label over something else', encodePem('PRIVATE KEY', Uint8Array.of(0x30, 0))],
  ])('%s', (_name, pem) => {
    expect(refusal(pem).message).toContain('The private key is refused');
  });

  test('a private half that does not fit the public one beside it', () => {
    const [own, other] = [p256().der, p256().der];
    // The 65 octets of the point come last in both.
    const mixed = Uint8Array.from([...own.subarray(0, -65), ...other.subarray(-65)]);
    expect(refusal(encodePem('PRIVATE KEY', mixed)).message).toContain('does not fit its own public half');
  });

  test('cut or changed at every octet: refused or read, and no error holds a part of the key', () => {
    const { der } = p256();
    for (let at = 0; at < der.length; at += 1) {
      const cut = encodePem('PRIVATE KEY', at === 0 ? Uint8Array.of(0) : der.subarray(0, at));
      const error = refusal(cut);
      expect(error.cause).toBeUndefined();
      const text = `${error.message} ${error.stack ?? ''}`;
      for (let from = 0; from + 8 <= cut.length; from += 4) {
        const piece = cut.slice(from, from + 8);
        if (/^[A-Za-z0-9+/]{8}$/.test(piece)) expect(text).not.toContain(piece);
      }
    }
  });
});

describe('signData', () => {
  test.each(keyAlgorithms)('%s signs', async (algorithm) => {
    const pair = await keyOf(algorithm);
    const signature = signData(pair.privateKey, algorithm, new Uint8Array(100));
    expect(signature.length).toBeGreaterThanOrEqual(60);
  });
});

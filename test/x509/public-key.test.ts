import { createPublicKey, generateKeyPairSync, hash, type KeyObject } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isMtlsdError } from '../../src/errors/index.ts';
import { keyAlgorithms, keyIdentifierOf, validatePublicKey } from '../../src/x509/index.ts';
import { ed25519Problem, p256, p384, p521, pointProblem, toBigInt } from '../../src/x509/curves.ts';
import { encodeElement, encodeOid, encodeSequence, encodeUnsignedInteger } from '../../src/x509/der-writer.ts';
import { oid } from '../../src/x509/oids.ts';
import { keyOf } from './hierarchy.ts';
import { malformed, octets } from './malformed.ts';

const spkiOf = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ type: 'spki', format: 'der' }));
const bitString = (content: Uint8Array): Uint8Array => encodeElement(0x03, Uint8Array.of(0), content);
const nullElement = octets('0500');

function refusal(spki: Uint8Array): string {
  try {
    validatePublicKey(spki);
  } catch (error) {
    if (isMtlsdError(error, 'X509_PUBLIC_KEY_INVALID')) return error.message;
    throw error;
  }
  throw new Error('the key was accepted');
}

const p256Spki = (point: Uint8Array): Uint8Array => encodeSequence(encodeSequence(encodeOid(oid.ecPublicKey), encodeOid(oid.prime256v1)), bitString(point));
const ed25519Spki = (key: Uint8Array): Uint8Array => encodeSequence(encodeSequence(encodeOid(oid.ed25519)), bitString(key));
const rsaSpki = (modulus: Uint8Array, exponent: Uint8Array, parameters: Uint8Array = nullElement): Uint8Array =>
  encodeSequence(
    encodeSequence(encodeOid(oid.rsaEncryption), parameters),
    bitString(encodeSequence(encodeUnsignedInteger(modulus), encodeUnsignedInteger(exponent))),
  );

const toOctets = (value: bigint, length: number): Uint8Array => new Uint8Array(Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex'));

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, square, left] = [1n, base % modulus, exponent];
  for (; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

describe('sound keys', () => {
  test.each(keyAlgorithms)('%s made by OpenSSL is accepted as it is', async (algorithm) => {
    const { publicKey } = await keyOf(algorithm);
    const accepted = validatePublicKey(publicKey.spki);
    expect(accepted).toEqual(publicKey);
    expect(accepted.algorithm).toBe(algorithm);
    expect(accepted.spki).not.toBe(publicKey.spki);
  });

  test('the identifier is the first 160 bits of the SHA-256 of the key octets (RFC 7093 §2)', async () => {
    const { spki, keyIdentifier } = (await keyOf('ED25519')).publicKey;
    expect(keyIdentifier).toBe(hash('sha256', spki.subarray(-32), 'hex').slice(0, 40));
    expect(keyIdentifierOf(spki)).toBe(keyIdentifier);
  });

  test.each([
    ['P-256', p256],
    ['P-384', p384],
    ['P-521', p521],
  ])('100 points of %s are on the curve, and no neighbour of theirs is', (namedCurve, curve) => {
    for (let index = 0; index < 100; index += 1) {
      const point = spkiOf(generateKeyPairSync('ec', { namedCurve }).publicKey).subarray(-(1 + 2 * curve.octets));
      expect(pointProblem(curve, point)).toBeUndefined();
      const moved = Uint8Array.from(point);
      moved[moved.length - 1] = (moved.at(-1) ?? 0) ^ 1;
      expect(pointProblem(curve, moved)).toBe('its point is not on its curve');
    }
  }, 60_000);

  test('Ed25519 keys are accepted exactly when Euler’s criterion finds an x', () => {
    const p = 2n ** 255n - 19n;
    // d = −121665/121666 (RFC 8032 §5.1).
    const d = (-121665n * power(121666n, p - 2n, p)) % p;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        const y = toBigInt(Uint8Array.from(key).reverse()) & (2n ** 255n - 1n);
        const quotient = ((y * y - 1n) * power((((d * y * y + 1n) % p) + p) % p, p - 2n, p)) % p;
        const square = power(((quotient % p) + p) % p, (p - 1n) / 2n, p) === 1n;
        expect(ed25519Problem(key)).toBe(square ? undefined : 'it is not on its curve');
      }),
      { numRuns: 200 },
    );
  });

  test('1,000 Ed25519 keys of OpenSSL’s are accepted', () => {
    for (let index = 0; index < 1000; index += 1) {
      expect(ed25519Problem(spkiOf(generateKeyPairSync('ed25519').publicKey).subarray(-32))).toBeUndefined();
    }
  });
});

describe('points that are no keys', () => {
  const x = toOctets(5n, 32);

  test('off the curve', () => expect(refusal(p256Spki(Uint8Array.of(4, ...x, ...x)))).toContain('not on its curve'));
  test('infinity', () => expect(refusal(p256Spki(Uint8Array.of(0)))).toContain('form of its curve'));
  test('of another length', () => expect(refusal(p256Spki(Uint8Array.of(4, ...x)))).toContain('form of its curve'));
  test('compressed', () => expect(refusal(p256Spki(Uint8Array.of(2, ...x)))).toContain('compressed'));
  test('hybrid', () => expect(refusal(p256Spki(Uint8Array.of(6, ...x, ...x)))).toContain('form of its curve'));

  test('a coordinate that is not reduced, though the equation holds', () => {
    // x = 0 lies on the curve with y = √b; p is the same residue in another spelling. p ≡ 3 (mod 4).
    const y = toOctets(power(p256.b, (p256.prime + 1n) / 4n, p256.prime), 32);
    expect(validatePublicKey(p256Spki(Uint8Array.of(4, ...new Uint8Array(32), ...y))).algorithm).toBe('ECDSAP256');
    expect(refusal(p256Spki(Uint8Array.of(4, ...toOctets(p256.prime, 32), ...y)))).toContain('out of range');
  });

  test.each([
    ['0100000000000000000000000000000000000000000000000000000000000000', 'order 1'],
    ['ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'order 2'],
    ['0000000000000000000000000000000000000000000000000000000000000000', 'order 4'],
    ['0000000000000000000000000000000000000000000000000000000000000080', 'order 4, the other'],
    ['26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'order 8'],
    ['26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85', 'order 8, the second'],
    ['c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'order 8, the third'],
    ['c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa', 'order 8, the fourth'],
  ])('Ed25519 of small order: %s (%s)', (key) => {
    // OpenSSL imports it without a word.
    createPublicKey({ key: Buffer.from(ed25519Spki(octets(key))), format: 'der', type: 'spki' });
    expect(refusal(ed25519Spki(octets(key)))).toContain('small order');
  });

  test.each(['edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'])(
    'Ed25519 that is not reduced: %s',
    (key) => expect(refusal(ed25519Spki(octets(key)))).toContain('out of range'),
  );

  test('Ed25519 of 31 octets', () => expect(refusal(ed25519Spki(new Uint8Array(31).fill(9)))).toContain('32 octets'));
});

describe('RSA', () => {
  const sound = async (): Promise<{ modulus: Uint8Array; exponent: Uint8Array }> => {
    const { n } = createPublicKey({ key: Buffer.from((await keyOf('RSA2048')).publicKey.spki), format: 'der', type: 'spki' }).export({ format: 'jwk' });
    return { modulus: new Uint8Array(Buffer.from(n ?? '', 'base64url')), exponent: octets('010001') };
  };

  test('the key that the others are variants of is accepted', async () => {
    const { modulus, exponent } = await sound();
    expect(validatePublicKey(rsaSpki(modulus, exponent)).algorithm).toBe('RSA2048');
  });

  test.each([
    ['01', 'exponent 1'],
    ['03', 'exponent 3'],
    ['010000', 'an even exponent'],
    ['0100000001', 'an exponent that Go cannot read'],
    ['00', 'exponent 0'],
  ])('exponent %s (%s)', async (exponent) => {
    const { modulus } = await sound();
    expect(refusal(rsaSpki(modulus, octets(exponent)))).toContain('exponent');
  });

  test('an even modulus', async () => {
    const { modulus, exponent } = await sound();
    const even = Uint8Array.from(modulus);
    even[255] = (even[255] ?? 0) & 0xfe;
    expect(refusal(rsaSpki(even, exponent))).toContain('even');
  });

  test.each([3n, 5n, 7n, 353n, 743n, 751n])('a modulus with the factor %i', async (prime) => {
    const { modulus, exponent } = await sound();
    const value = toBigInt(modulus);
    const multiple = value - (value % prime);
    const odd = (multiple & 1n) === 1n ? multiple : multiple - prime;
    expect(refusal(rsaSpki(toOctets(odd, 256), exponent))).toContain('small factor');
  });

  test.each([1024, 2040, 2056, 5120])('%i bits', (bits) => {
    const modulus = new Uint8Array(bits / 8).fill(0xff);
    expect(refusal(rsaSpki(modulus, octets('010001')))).toContain(`RSA${bits} is not supported`);
  });

  test('2047 bits in 256 octets', () => {
    const modulus = new Uint8Array(256).fill(0xff);
    modulus[0] = 0x7f;
    expect(refusal(rsaSpki(modulus, octets('010001')))).toContain('RSA2047 is not supported');
  });

  test('without its NULL parameters', async () => {
    const { modulus, exponent } = await sound();
    expect(refusal(rsaSpki(modulus, exponent, new Uint8Array(0)))).toContain('NULL');
  });

  test('a negative modulus, an empty one, and bytes behind the key', () => {
    const key = (inner: Uint8Array): Uint8Array => encodeSequence(encodeSequence(encodeOid(oid.rsaEncryption), nullElement), bitString(inner));
    expect(refusal(key(encodeSequence(octets('020180'), octets('0203010001'))))).toContain('negative');
    expect(refusal(key(encodeSequence(octets('020100'), octets('0203010001'))))).toContain('RSA0');
    expect(refusal(key(Uint8Array.of(...encodeSequence(octets('020103'), octets('0203010001')), 0)))).toContain('trailing');
  });
});

describe('other kinds', () => {
  test.each([
    ['EC secp256k1', spkiOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)],
    ['EC secp224r1', spkiOf(generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).publicKey)],
    ['EC without a named curve', spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }).publicKey)],
    ['X25519', spkiOf(generateKeyPairSync('x25519').publicKey)],
    ['Ed448', spkiOf(generateKeyPairSync('ed448').publicKey)],
    ['RSA-PSS', spkiOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey)],
    ['1.2.3.4', encodeSequence(encodeSequence(encodeOid('1.2.3.4')), bitString(octets('00')))],
  ])('%s is named and refused', (name, spki) => {
    expect(refusal(spki)).toBe(`The public key is refused: ${name} is not supported.`);
  });

  test('Ed25519 with parameters', () => {
    const spki = encodeSequence(encodeSequence(encodeOid(oid.ed25519), nullElement), bitString(new Uint8Array(32).fill(9)));
    expect(refusal(spki)).toContain('parameters');
  });
});

describe('malformed', () => {
  test.each(Object.entries(malformed))('%s', (_name, bytes) => {
    expect(refusal(bytes)).toContain('The public key is refused');
  });

  test.each(keyAlgorithms)('%s cut at every octet, and with one octet more', async (algorithm) => {
    const { spki } = (await keyOf(algorithm)).publicKey;
    for (let length = 0; length < spki.length; length += 1) refusal(spki.subarray(0, length));
    refusal(Uint8Array.of(...spki, 0));
  });

  test('an octet changed anywhere: accepted or refused, never another error', async () => {
    const { spki } = (await keyOf('ECDSAP256')).publicKey;
    fc.assert(
      fc.property(fc.nat(spki.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(spki);
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(refusal(changed)).toContain('refused');
      }),
      { numRuns: 500 },
    );
  });
});

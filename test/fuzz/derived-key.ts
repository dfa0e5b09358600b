/**
 * P-256 keys and signatures that follow from a name: so that a certificate made from one description has the same bytes
 * on every machine. Whoever reads this file has the private keys: they prove nothing, and that is what they are for.
 */
import { createECDH, createHash } from 'node:crypto';
import { encodeSequence, encodeUnsignedInteger } from '../../src/x509/der-writer.ts';

/** FIPS 186-5, SP 800-186 §3.2.1.3: the order of P-256. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const spkiHead = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

export type SigningHash = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** A key pair: `spki` is DER, `sign` returns the signature value (ECDSA, DER). */
export interface DerivedKey {
  readonly spki: Uint8Array;
  /** Octets of the BIT STRING of `spki`. */
  readonly point: Uint8Array;
  /** PKCS#8, DER. */
  readonly pkcs8: Uint8Array;
  sign(data: Uint8Array, hash: SigningHash): Uint8Array;
}

const toInteger = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const toOctets = (value: bigint): Uint8Array => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');

/** A number from 1 to `order` - 1 that follows from `parts`. */
function scalar(...parts: readonly (string | Uint8Array)[]): bigint {
  const digest = createHash('sha512');
  for (const part of parts) digest.update(part);
  return (toInteger(digest.digest()) % (order - 1n)) + 1n;
}

function pointOf(secret: bigint): Uint8Array {
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(toOctets(secret));
  return curve.getPublicKey();
}

/** Extended Euclid; `order` is prime, so every value has an inverse. */
function inverse(value: bigint): bigint {
  let [a, b, x, y] = [value % order, order, 1n, 0n];
  while (b !== 0n) {
    const quotient = a / b;
    [a, b, x, y] = [b, a - quotient * b, y, x - quotient * y];
  }
  return ((x % order) + order) % order;
}

/** FIPS 186-5 §6.4.1, with a nonce that follows from key and message, as in RFC 6979 §3 (and not its HMAC construction). */
function ecdsa(secret: bigint, data: Uint8Array, hash: SigningHash): Uint8Array {
  const digest = createHash(hash).update(data).digest().subarray(0, 32);
  const nonce = scalar('nonce', toOctets(secret), digest);
  const r = toInteger(pointOf(nonce).subarray(1, 33)) % order;
  const s = (inverse(nonce) * (toInteger(digest) + r * secret)) % order;
  return encodeSequence(encodeUnsignedInteger(toOctets(r)), encodeUnsignedInteger(toOctets(s)));
}

const known = new Map<string, DerivedKey>();

/** The key of this name. */
export function derivedKey(name: string): DerivedKey {
  const made = known.get(name);
  if (made !== undefined) return made;
  const secret = scalar('key', name);
  const point = pointOf(secret);
  const pkcs8Head = Buffer.from('308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420', 'hex');
  const key: DerivedKey = {
    spki: new Uint8Array(Buffer.concat([spkiHead, point])),
    point,
    pkcs8: new Uint8Array(Buffer.concat([pkcs8Head, toOctets(secret), Buffer.from('a144034200', 'hex'), point])),
    sign: (data, hash) => ecdsa(secret, data, hash),
  };
  known.set(name, key);
  return key;
}

/** A 1,024-bit, or other, RSA public key that nobody has the private half of: its modulus is a number that looks like one. */
export function rsaPublicKeyOfNobody(bits: number): Uint8Array {
  const modulus = Buffer.concat(Array.from({ length: Math.ceil(bits / 256) }, (_, index) => createHash('sha256').update(`modulus ${bits} ${index}`).digest())).subarray(0, bits / 8);
  modulus[0] = (modulus[0] ?? 0) | 0x80;
  modulus[modulus.length - 1] = (modulus.at(-1) ?? 0) | 1;
  const key = encodeSequence(encodeUnsignedInteger(modulus), encodeUnsignedInteger(Buffer.from('010001', 'hex')));
  const algorithm = Buffer.from('300d06092a864886f70d0101010500', 'hex');
  const bitString = Buffer.concat([Buffer.of(0), key]);
  return encodeSequence(algorithm, Buffer.concat([Buffer.of(0x03, 0x81, bitString.length), bitString]));
}

import { hash } from 'node:crypto';
import { MtlsdError } from '../errors/index.ts';
import type { PublicKeyView } from '../spiffe/index.ts';
import { isKeyAlgorithm, type KeyAlgorithm } from './algorithm.ts';
import { type Curve, ed25519Problem, p256, p384, p521, pointProblem, toBigInt } from './curves.ts';
import { DerError, DerReader, tag } from './der-reader.ts';
import { readBitStringOctets, readOid } from './der-values.ts';
import { oid } from './oids.ts';

/**
 * A public key that may go into a certificate: of a supported algorithm, mathematically sound, in the one encoding that
 * every verifier reads. Made by `validatePublicKey`, or by the key pairs of this folder.
 */
export interface PublicKey {
  readonly __brand: 'PublicKey';
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly algorithm: KeyAlgorithm;
  /** `keyIdentifierOf(spki)`. */
  readonly keyIdentifier: string;
}

const keyIdentifierHexDigits = 40;

/**
 * RFC 7093 §2 method 1: the leftmost 160 bits of the SHA-256 of the BIT STRING's octets, here in lower-case hexadecimal.
 * It names an authority, and is what subject and authority key identifiers hold. Throws DerError when `spki` is not one.
 */
export function keyIdentifierOf(spki: Uint8Array): string {
  return identifierOfKeyOctets(splitSpki(DerReader.overChecked(spki)).key);
}

function identifierOfKeyOctets(key: Uint8Array): string {
  return hash('sha256', key, 'hex').slice(0, keyIdentifierHexDigits);
}

interface SpkiParts {
  readonly algorithm: string;
  /** The OID of the named curve, when there is one; `null` for NULL parameters, `undefined` for none. */
  readonly parameters: string | null | undefined;
  /** Content of the BIT STRING. */
  readonly key: Uint8Array;
}

/** Parameters that are neither an OID nor NULL, such as a curve that is spelled out. */
const explicitParameters = 'explicit';

function splitSpki(outer: DerReader): SpkiParts {
  const reader = outer.constructed(tag.sequence);
  const algorithm = reader.constructed(tag.sequence);
  const name = readOid(algorithm);
  let parameters: string | null | undefined;
  if (algorithm.peek() === tag.oid) parameters = readOid(algorithm);
  else if (algorithm.optional(tag.null) !== undefined) parameters = null;
  else if (!algorithm.done) {
    // Explicit curve parameters and the like: legal DER, of no use here.
    algorithm.any();
    parameters = explicitParameters;
  }
  algorithm.finish();
  const key = readBitStringOctets(reader);
  reader.finish();
  return { algorithm: name, parameters, key };
}

interface RsaKey {
  readonly modulus: Uint8Array;
  readonly bits: number;
  readonly exponent: bigint;
}

/** RFC 8017 §A.1.1. */
function readRsaKey(key: Uint8Array): RsaKey {
  const reader = DerReader.overChecked(key).constructed(tag.sequence);
  const integer = (): Uint8Array => {
    const content = reader.content(reader.element(tag.integer));
    if ((content[0] ?? 0) >= 0x80) throw new DerError('negative INTEGER in an RSA key');
    return content[0] === 0 ? content.subarray(1) : content;
  };
  const modulus = integer();
  const exponent = integer();
  reader.finish();
  const bits = modulus.length === 0 ? 0 : modulus.length * 8 - (Math.clz32(modulus[0] ?? 0) - 24);
  return { modulus, bits, exponent: exponent.length === 0 ? 0n : toBigInt(exponent) };
}

interface NamedCurve {
  readonly algorithm: KeyAlgorithm;
  readonly curve: Curve;
}

const namedCurves: Readonly<Record<string, NamedCurve>> = {
  [oid.prime256v1]: { algorithm: 'ECDSAP256', curve: p256 },
  [oid.secp384r1]: { algorithm: 'ECDSAP384', curve: p384 },
  [oid.secp521r1]: { algorithm: 'ECDSAP521', curve: p521 },
};

const otherAlgorithms: Readonly<Record<string, string>> = {
  '1.3.132.0.10': 'secp256k1',
  '1.3.132.0.33': 'secp224r1',
  '1.3.36.3.3.2.8.1.1.7': 'brainpoolP256r1',
  '1.3.36.3.3.2.8.1.1.11': 'brainpoolP384r1',
  '1.3.36.3.3.2.8.1.1.13': 'brainpoolP512r1',
  '1.3.101.110': 'X25519',
  '1.3.101.111': 'X448',
  '1.3.101.113': 'Ed448',
  '1.2.840.10040.4.1': 'DSA',
  '1.2.840.113549.1.1.10': 'RSA-PSS',
  '2.16.840.1.101.3.4.3.17': 'ML-DSA-44',
  '2.16.840.1.101.3.4.3.18': 'ML-DSA-65',
  '2.16.840.1.101.3.4.3.19': 'ML-DSA-87',
};

const nameOf = (identifier: string): string => otherAlgorithms[identifier] ?? identifier;

/** A KeyAlgorithm, or for people what it is instead. */
function describe(parts: SpkiParts): string {
  switch (parts.algorithm) {
    case oid.ecPublicKey:
      if (typeof parts.parameters !== 'string' || parts.parameters === explicitParameters) return 'EC without a named curve';
      return namedCurves[parts.parameters]?.algorithm ?? `EC ${nameOf(parts.parameters)}`;
    case oid.ed25519:
      return 'ED25519';
    case oid.rsaEncryption:
      return `RSA${readRsaKey(parts.key).bits}`;
    default:
      return nameOf(parts.algorithm);
  }
}

/** Reads the next element, of checked DER, as a SubjectPublicKeyInfo without judging the key. Throws DerError. */
export function readPublicKey(reader: DerReader): PublicKeyView {
  const element = reader.element(tag.sequence);
  const spki = reader.whole(element);
  return { spki, algorithm: describe(splitSpki(DerReader.overPassed(spki))) };
}

/**
 * Reads a SubjectPublicKeyInfo without judging the key: what it is, supported or not.
 * @throws MtlsdError `X509_PUBLIC_KEY_INVALID` when it is not strict DER
 */
export function parsePublicKey(spki: Uint8Array): PublicKeyView {
  try {
    const reader = DerReader.overChecked(new Uint8Array(spki));
    const view = readPublicKey(reader);
    reader.finish();
    return view;
  } catch (error) {
    if (error instanceof DerError) refuse(error.message, error);
    throw error;
  }
}

interface PrimeGroup {
  readonly primes: readonly number[];
  /** Below 2^53, so that one remainder by it fits a number and answers for all of them. */
  readonly product: number;
}

const isPrime = (odd: number): boolean => {
  for (let factor = 3; factor * factor <= odd; factor += 2) if (odd % factor === 0) return false;
  return true;
};

/** The odd primes below 752: a modulus with one among its factors was never made by a sound generator. */
const smallPrimes = ((): readonly PrimeGroup[] => {
  const groups: PrimeGroup[] = [];
  let [primes, product]: [number[], number] = [[], 1];
  for (let odd = 3; odd < 752; odd += 2) {
    if (!isPrime(odd)) continue;
    if (product * odd > Number.MAX_SAFE_INTEGER) {
      groups.push({ primes, product });
      [primes, product] = [[], 1];
    }
    primes.push(odd);
    product *= odd;
  }
  return [...groups, { primes, product }];
})();

/** Dividing a long number costs by its length: the product of all groups is divided by once. */
const smallPrimesProduct = smallPrimes.reduce((all, group) => all * BigInt(group.product), 1n);

function hasSmallFactor(modulus: bigint): boolean {
  const short = modulus % smallPrimesProduct;
  return smallPrimes.some(({ primes, product }) => {
    const remainder = Number(short % BigInt(product));
    return primes.some((prime) => remainder % prime === 0);
  });
}

/** Go reads the exponent into 31 bits; FIPS 186-5 §5.4 wants it odd and above 2^16. */
const exponentMin = 65537n;
const exponentMax = 2n ** 31n - 1n;

function rsaProblem(key: RsaKey): string | undefined {
  if (key.exponent < exponentMin || key.exponent > exponentMax || (key.exponent & 1n) === 0n) {
    return 'its exponent is not an odd number from 65537 to 2147483647';
  }
  const modulus = toBigInt(key.modulus);
  if ((modulus & 1n) === 0n) return 'its modulus is even';
  if (hasSmallFactor(modulus)) return 'its modulus has a small factor';
  return undefined;
}

/** What is wrong with a key of a supported algorithm, or undefined. */
function keyProblem(algorithm: KeyAlgorithm, parts: SpkiParts): string | undefined {
  if (parts.algorithm === oid.ecPublicKey) {
    const named = namedCurves[parts.parameters ?? ''];
    return named === undefined ? 'its curve is not supported' : pointProblem(named.curve, parts.key);
  }
  if (algorithm === 'ED25519') {
    // RFC 8410 §3: parameters are absent.
    return parts.parameters === undefined ? ed25519Problem(parts.key) : 'its algorithm has parameters';
  }
  // RFC 3279 §2.3.1: parameters are NULL.
  return parts.parameters === null ? rsaProblem(readRsaKey(parts.key)) : 'its algorithm lacks the NULL parameters';
}

function refuse(what: string, cause?: unknown): never {
  throw new MtlsdError('X509_PUBLIC_KEY_INVALID', `The public key is refused: ${what}.`, { cause });
}

/**
 * A key of someone else's making, checked once: a supported algorithm, a point on its curve and not of small order, an
 * RSA modulus of a supported size without small factors and with a sound exponent, strict DER.
 *
 * @throws MtlsdError `X509_PUBLIC_KEY_INVALID`
 */
export function validatePublicKey(spki: Uint8Array): PublicKey {
  let problem: string | undefined;
  try {
    // A copy of our own: what was checked is what gets certified, whatever the caller does with its buffer.
    const own = new Uint8Array(spki);
    const outer = DerReader.overChecked(own);
    const parts = splitSpki(outer);
    const algorithm = describe(parts);
    if (!isKeyAlgorithm(algorithm)) refuse(`${algorithm} is not supported`);
    problem = keyProblem(algorithm, parts);
    if (problem === undefined) return publicKeyOf(own, algorithm, parts.key);
  } catch (error) {
    if (error instanceof DerError) refuse(error.message, error);
    throw error;
  }
  return refuse(problem);
}

function publicKeyOf(spki: Uint8Array, algorithm: KeyAlgorithm, key: Uint8Array): PublicKey {
  return { spki, algorithm, keyIdentifier: identifierOfKeyOctets(key) } as PublicKey;
}

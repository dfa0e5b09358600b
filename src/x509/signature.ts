import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import type { CertificateView, PublicKeyView } from '../spiffe/index.ts';
import { isKeyAlgorithm, type KeyAlgorithm, signatureSchemes } from './algorithm.ts';
import { DerError, type DerReader, DerReader as Reader, tag } from './der-reader.ts';
import { readBitStringOctets, readOid } from './der-values.ts';
import { oid } from './oids.ts';

/** The outer shape that certificates and requests share: what is signed, how, and the signature (RFC 5280 §4.1.1). */
export interface SignedParts {
  /** Whole element, DER. */
  readonly toBeSigned: Uint8Array;
  /** Whole AlgorithmIdentifier, DER. */
  readonly algorithmIdentifier: Uint8Array;
  readonly algorithm: string;
  readonly signature: Uint8Array;
}

/** Splits `SEQUENCE { toBeSigned, algorithm, signature }` over checked DER. Throws DerError. */
export function readSignedParts(outer: DerReader): SignedParts {
  const reader = outer.constructed(tag.sequence);
  const toBeSigned = reader.whole(reader.element(tag.sequence));
  const identifier = reader.element(tag.sequence);
  const algorithm = readOid(reader.inside(identifier));
  const signature = readBitStringOctets(reader);
  reader.finish();
  return { toBeSigned, algorithmIdentifier: reader.whole(identifier), algorithm, signature };
}

type Kind = 'ec' | 'rsa' | 'ed25519';

/** The signature algorithms that are verified: what SHA-1, PSS or others signed is not trusted. */
const verifiable: Readonly<Record<string, { readonly kind: Kind; readonly hash: string | undefined }>> = {
  [oid.ecdsaWithSha256]: { kind: 'ec', hash: 'sha256' },
  [oid.ecdsaWithSha384]: { kind: 'ec', hash: 'sha384' },
  [oid.ecdsaWithSha512]: { kind: 'ec', hash: 'sha512' },
  [oid.sha256WithRsa]: { kind: 'rsa', hash: 'sha256' },
  [oid.sha384WithRsa]: { kind: 'rsa', hash: 'sha384' },
  [oid.sha512WithRsa]: { kind: 'rsa', hash: 'sha512' },
  [oid.ed25519]: { kind: 'ed25519', hash: undefined },
};

/**
 * What was found out before, by a text that decides it. Two generations: when the younger is full, the elder is forgotten, so
 * that strangers can make it neither grow nor slow.
 */
class Remembered<T> {
  static readonly #entriesMax = 512;
  #young = new Map<string, T>();
  #old = new Map<string, T>();

  get(key: string): T | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: T): void {
    if (this.#young.size >= Remembered.#entriesMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** Keys that were imported before, by their SPKI: importing costs a fifth of a verification, and an issuer verifies many. */
const keyObjects = new Remembered<KeyObject>();

function keyObjectOf({ spki }: PublicKeyView): KeyObject {
  const name = textOf(spki);
  const known = keyObjects.get(name);
  if (known !== undefined) return known;
  const made = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  keyObjects.set(name, made);
  return made;
}

/** The parts of certificates that were read by `parseCertificate`: their DER was checked then. */
const partsOf = new WeakMap<CertificateView, SignedParts>();

/** Keeps what `readSignedParts` found in `certificate`, so that verifying its signature need not read it again. */
export function keepSignedParts(certificate: CertificateView, parts: SignedParts): void {
  partsOf.set(certificate, parts);
}

/**
 * Signatures of authorities that did verify, by the SHA-256 of the certificate and the key: an authority comes with every
 * leaf that it issued, and what holds once for these bytes and this key holds always. Whether the issuer is trusted, and
 * whether anything is valid now, is asked anew each time, and so is the signature of every leaf.
 */
const authoritySignatures = new Remembered<true>();

/** Whether `key` made the signature over `parts`. False for algorithms outside `verifiable` and for keys that do not fit. */
function verifyParts(parts: SignedParts, key: PublicKeyView): boolean {
  const scheme = verifiable[parts.algorithm];
  if (scheme === undefined) return false;
  let keyObject: KeyObject;
  try {
    keyObject = keyObjectOf(key);
  } catch {
    // OpenSSL cannot make sense of the key: nothing verifies under it.
    return false;
  }
  if (keyObject.asymmetricKeyType !== scheme.kind) return false;
  return verify(scheme.hash, parts.toBeSigned, keyObject, parts.signature);
}

const kindOf = (algorithm: KeyAlgorithm): Kind => (algorithm === 'ED25519' ? 'ed25519' : algorithm.startsWith('RSA') ? 'rsa' : 'ec');

/**
 * As `verifyParts`, for a key that signed nothing but this: the key of a request is never met again, so it is imported for this
 * one verification (a fifth less than for more), and takes the place of no key that is remembered.
 */
export function verifyOwnParts(parts: SignedParts, key: PublicKeyView): boolean {
  const scheme = verifiable[parts.algorithm];
  // Of a key that is not for us, OpenSSL says what it is.
  if (scheme === undefined || !isKeyAlgorithm(key.algorithm)) return verifyParts(parts, key);
  if (kindOf(key.algorithm) !== scheme.kind) return false;
  try {
    return verify(scheme.hash, parts.toBeSigned, { key: Buffer.from(key.spki), format: 'der', type: 'spki' }, parts.signature);
  } catch {
    // OpenSSL cannot make sense of the key: nothing verifies under it.
    return false;
  }
}

/**
 * Whether the key of `issuer` signed `child`. Only the signature: names, validity and constraints are the caller's.
 * ECDSA and RSA PKCS#1 v1.5 with SHA-256 to SHA-512 and Ed25519 count, everything else is `false`.
 */
export function verifySignature(child: CertificateView, issuer: CertificateView): boolean {
  if (!child.signatureAlgorithmsMatch) return false;
  if (child.basicConstraints?.ca !== true) return verifyParsed(child, issuer.publicKey);
  const name = hash('sha256', child.der, 'latin1') + textOf(issuer.publicKey.spki);
  if (authoritySignatures.get(name) === true) return true;
  const holds = verifyParsed(child, issuer.publicKey);
  if (holds) authoritySignatures.set(name, true);
  return holds;
}

function verifyParsed(child: CertificateView, key: PublicKeyView): boolean {
  try {
    return verifyParts(partsOf.get(child) ?? readSignedParts(Reader.overChecked(child.der)), key);
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}

/**
 * Signs `data` with the one hash that fits the key: SHA-256, -384 and -512 for P-256, P-384 and P-521 (signature as DER),
 * none for Ed25519, PKCS#1 v1.5 with SHA-256 for RSA.
 */
export function signData(key: KeyObject, algorithm: KeyAlgorithm, data: Uint8Array): Uint8Array {
  return sign(signatureSchemes[algorithm].hash, data, key);
}

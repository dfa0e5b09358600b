import { createPrivateKey, createPublicKey, generateKeyPair as generate, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { promisify } from 'node:util';
import { isMtlsdError, MtlsdError } from '../errors/index.ts';
import { type KeyAlgorithm, signatureSchemes } from './algorithm.ts';
import { parsePem } from './pem.ts';
import { type PublicKey, validatePublicKey } from './public-key.ts';
import { signData } from './signature.ts';

/** A key pair of our own. The private half is a KeyObject: it leaves only by `privateKeyPem`. */
export interface KeyPair {
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: PublicKey;
  readonly privateKey: KeyObject;
  /** Unencrypted PKCS#8, PEM. */
  privateKeyPem(): string;
}

class HeldKeyPair implements KeyPair {
  readonly publicKey: PublicKey;
  readonly privateKey: KeyObject;

  constructor(publicKey: PublicKey, privateKey: KeyObject) {
    this.publicKey = publicKey;
    this.privateKey = privateKey;
  }

  get algorithm(): KeyAlgorithm {
    return this.publicKey.algorithm;
  }

  privateKeyPem(): string {
    return this.privateKey.export({ type: 'pkcs8', format: 'pem' });
  }
}

interface KeyObjects {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function publicKeyOf(key: KeyObject): PublicKey {
  return validatePublicKey(key.export({ type: 'spki', format: 'der' }));
}

/** Everything of a P-256 SubjectPublicKeyInfo (RFC 5480 §2) before the point. */
const p256SpkiHead = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

/** The same, put together here: the encoder of OpenSSL takes longer than making the key. */
function p256PublicKeyOf(key: KeyObject): PublicKey {
  return validatePublicKey(Buffer.concat([p256SpkiHead, key.export({ format: 'raw-public', type: 'uncompressed' })]));
}

const generateOffLoop = promisify(generate);

/** P-256 and Ed25519 take less time than a trip to the thread pool does; the others would hold the event loop up. */
const generators: Readonly<Record<KeyAlgorithm, () => KeyObjects | Promise<KeyObjects>>> = {
  ECDSAP256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ECDSAP384: async () => generateOffLoop('ec', { namedCurve: 'P-384' }),
  ECDSAP521: async () => generateOffLoop('ec', { namedCurve: 'P-521' }),
  ED25519: () => generateKeyPairSync('ed25519'),
  RSA2048: async () => generateOffLoop('rsa', { modulusLength: 2048, publicExponent: 65537 }),
  RSA3072: async () => generateOffLoop('rsa', { modulusLength: 3072, publicExponent: 65537 }),
  RSA4096: async () => generateOffLoop('rsa', { modulusLength: 4096, publicExponent: 65537 }),
};

/** A new key pair from the operating system's randomness, made without holding up the event loop. */
export async function generateKeyPair(algorithm: KeyAlgorithm): Promise<KeyPair> {
  const { publicKey, privateKey } = await generators[algorithm]();
  return new HeldKeyPair(algorithm === 'ECDSAP256' ? p256PublicKeyOf(publicKey) : publicKeyOf(publicKey), privateKey);
}

/** Nothing of what the parsers said is passed on: no message or cause about a private key may hold a part of it. */
function refuse(what: string): never {
  throw new MtlsdError('X509_PRIVATE_KEY_INVALID', `The private key is refused: ${what}.`);
}

function singleKeyBlock(pem: string): Uint8Array {
  try {
    const [block, ...more] = parsePem(pem);
    if (block?.label === 'PRIVATE KEY' && more.length === 0) return block.der;
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
  }
  return refuse('it is not exactly one unencrypted PKCS#8 block (BEGIN PRIVATE KEY)');
}

function importPrivateKey(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  } catch {
    return refuse('it is not PKCS#8 of a known algorithm');
  }
}

function publicHalfOf(privateKey: KeyObject): PublicKey {
  try {
    return publicKeyOf(createPublicKey(privateKey));
  } catch {
    return refuse('its public half is not a sound key of a supported algorithm');
  }
}

const probe = new TextEncoder().encode('mtlsd: does this private key fit its public half?');

/** PKCS#8 carries the public half of an EC or RSA key beside the private one: a damaged file may hold two that differ. */
function fits(privateKey: KeyObject, publicKey: PublicKey): boolean {
  try {
    const signature = signData(privateKey, publicKey.algorithm, probe);
    return verify(signatureSchemes[publicKey.algorithm].hash, probe, createPublicKey(privateKey), signature);
  } catch {
    return false;
  }
}

/**
 * The key pair in one unencrypted PKCS#8 PEM block. Its message never holds key material.
 *
 * @throws MtlsdError `X509_PRIVATE_KEY_INVALID`
 */
export function keyPairFromPem(pem: string): KeyPair {
  const privateKey = importPrivateKey(singleKeyBlock(pem));
  const publicKey = publicHalfOf(privateKey);
  if (!fits(privateKey, publicKey)) refuse('it does not fit its own public half');
  return new HeldKeyPair(publicKey, privateKey);
}

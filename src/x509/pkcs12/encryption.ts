import { createCipheriv, createDecipheriv } from 'node:crypto';
import { DerError, type DerReader, tag } from '../der-reader.ts';
import { readOid } from '../der-values.ts';
import { readCount } from './count.ts';
import { type Digest, derivedFor, derivePbkdf2, derivePkcs12, iterationsMax } from './key-derivation.ts';
import { pkcs12Oid } from './oids.ts';
import { digestOfHmac, hmacOidOf } from './digests.ts';
import { count, nullValue, objectIdentifier, octetString, sequence, type Structure } from './structure.ts';

/** What encrypts the parts of a keystore. Each call takes a fresh initialisation vector or salt. */
export interface Encryption {
  encrypt(plain: Uint8Array): Promise<Encrypted>;
}

/** A ciphertext with the AlgorithmIdentifier that says how to read it. */
export interface Encrypted {
  readonly algorithm: Structure;
  readonly ciphertext: Uint8Array;
}

/** `length` random bytes. */
export type RandomBytes = (length: number) => Uint8Array;

const modern = { digest: 'sha256', saltBytes: 16, iterations: 10_000, keyBytes: 32, ivBytes: 16 } as const;
const compatible = { saltBytes: 8, iterations: 2048, keyBytes: 24, ivBytes: 8 } as const;

function encryptCbc(cipher: string, key: Uint8Array, iv: Uint8Array, plain: Uint8Array): Uint8Array {
  const machine = createCipheriv(cipher, key, iv);
  return Buffer.concat([machine.update(plain), machine.final()]);
}

/** PBES2 with AES-256-CBC and PBKDF2-HMAC-SHA256 (RFC 8018 §6.2). The key is derived once for all that one keystore holds. */
export async function modernEncryption(password: string, randomBytes: RandomBytes): Promise<Encryption> {
  const salt = randomBytes(modern.saltBytes);
  const key = await derivePbkdf2(password, salt, modern.iterations, modern.keyBytes, modern.digest);
  const prf = sequence(objectIdentifier(hmacOidOf(modern.digest)), nullValue());
  const derivation = sequence(objectIdentifier(pkcs12Oid.pbkdf2), sequence(octetString(salt), count(modern.iterations), count(modern.keyBytes), prf));
  return {
    encrypt: async (plain) => {
      const iv = randomBytes(modern.ivBytes);
      const scheme = sequence(objectIdentifier(pkcs12Oid.aes256Cbc), octetString(iv));
      const algorithm = sequence(objectIdentifier(pkcs12Oid.pbes2), sequence(derivation, scheme));
      return Promise.resolve({ algorithm, ciphertext: encryptCbc('aes-256-cbc', key, iv, plain) });
    },
  };
}

/** pbeWithSHAAnd3-KeyTripleDES-CBC (RFC 7292 appendix C). Its salt decides the initialisation vector too: a new one each time. */
export function compatibleEncryption(password: string, randomBytes: RandomBytes): Encryption {
  return {
    encrypt: async (plain) => {
      const salt = randomBytes(compatible.saltBytes);
      const { key, iv } = await tripleDesKey(password, salt, compatible.iterations);
      const parameters = sequence(octetString(salt), count(compatible.iterations));
      return {
        algorithm: sequence(objectIdentifier(pkcs12Oid.pbeWithShaAnd3KeyTripleDesCbc), parameters),
        ciphertext: encryptCbc('des-ede3-cbc', key, iv, plain),
      };
    },
  };
}

async function tripleDesKey(password: string, salt: Uint8Array, iterations: number): Promise<{ readonly key: Uint8Array; readonly iv: Uint8Array }> {
  return {
    key: await derivePkcs12(password, salt, iterations, compatible.keyBytes, derivedFor.encryptionKey, 'sha1'),
    iv: await derivePkcs12(password, salt, iterations, compatible.ivBytes, derivedFor.initialisationVector, 'sha1'),
  };
}

/** That a ciphertext does not decrypt: nearly always a wrong password. */
export class DecryptionError extends Error {
  override readonly name = 'DecryptionError';
}

const aesKeyBytes: Readonly<Record<string, number>> = { [pkcs12Oid.aes128Cbc]: 16, [pkcs12Oid.aes192Cbc]: 24, [pkcs12Oid.aes256Cbc]: 32 };

interface Decryption {
  readonly name: 'PBES2' | 'PBE-SHA1-3DES';
  /** In words, for people. */
  readonly words: string;
  readonly cipher: string;
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

interface Pbkdf2Parameters {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly digest: Digest;
}

function readPbkdf2(algorithm: DerReader): Pbkdf2Parameters {
  const name = readOid(algorithm);
  if (name !== pkcs12Oid.pbkdf2) throw new DerError(`key derivation ${name} is not supported`);
  const parameters = algorithm.constructed(tag.sequence);
  const salt = parameters.content(parameters.element(tag.octetString));
  const iterations = readCount(parameters, iterationsMax);
  if (parameters.peek() === tag.integer) readCount(parameters, 64);
  const prf = parameters.optional(tag.sequence);
  parameters.finish();
  return { salt, iterations, digest: prf === undefined ? 'sha1' : digestOfHmac(readOid(parameters.inside(prf))) };
}

async function readPbes2(parameters: DerReader, password: string): Promise<Decryption> {
  const { salt, iterations, digest } = readPbkdf2(parameters.constructed(tag.sequence));
  const scheme = parameters.constructed(tag.sequence);
  const name = readOid(scheme);
  const keyBytes = aesKeyBytes[name];
  if (keyBytes === undefined) throw new DerError(`cipher ${name} is not supported`);
  const iv = scheme.content(scheme.element(tag.octetString));
  if (iv.length !== 16) throw new DerError('the initialisation vector has not 16 octets');
  const key = await derivePbkdf2(password, salt, iterations, keyBytes, digest);
  return { name: 'PBES2', words: `AES-${keyBytes * 8} with PBKDF2-HMAC-${digest.toUpperCase()}`, cipher: `aes-${keyBytes * 8}-cbc`, key, iv };
}

async function readTripleDes(parameters: DerReader, password: string): Promise<Decryption> {
  const salt = parameters.content(parameters.element(tag.octetString));
  if (salt.length === 0) throw new DerError('the salt is empty');
  const iterations = readCount(parameters, iterationsMax);
  return { name: 'PBE-SHA1-3DES', words: '3DES with SHA-1', cipher: 'des-ede3-cbc', ...(await tripleDesKey(password, salt, iterations)) };
}

async function readDecryption(algorithm: DerReader, password: string): Promise<Decryption> {
  const name = readOid(algorithm);
  switch (name) {
    case pkcs12Oid.pbes2:
      return readPbes2(algorithm.constructed(tag.sequence), password);
    case pkcs12Oid.pbeWithShaAnd3KeyTripleDesCbc:
      return readTripleDes(algorithm.constructed(tag.sequence), password);
    default:
      throw new DerError(`encryption ${name} is not supported`);
  }
}

/**
 * Decrypts what an AlgorithmIdentifier, over whose content `algorithm` is, describes. Answers how it was encrypted too.
 * Throws DerError for what is malformed or not supported, DecryptionError when the password does not fit.
 */
export async function decrypt(algorithm: DerReader, password: string, ciphertext: Uint8Array): Promise<{ readonly plain: Uint8Array; readonly how: string }> {
  const { words, cipher, key, iv } = await readDecryption(algorithm, password);
  try {
    const machine = createDecipheriv(cipher, key, iv);
    return { plain: Buffer.concat([machine.update(ciphertext), machine.final()]), how: words };
  } catch {
    // The cause says nothing that helps, and could hold a part of what was decrypted.
    throw new DecryptionError('the ciphertext does not decrypt');
  }
}

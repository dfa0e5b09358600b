import { createHash } from 'node:crypto';
import { parsePem } from './pem.ts';
import { compatibleEncryption, type Encryption, modernEncryption, type RandomBytes } from './pkcs12/encryption.ts';
import { makeSeal } from './pkcs12/integrity.ts';
import type { Structure } from './pkcs12/structure.ts';
import { certificateBag, encryptedContents, friendlyName, localKeyId, plainContents, sealed, shroudedKeyBag, trustedForAll } from './pkcs12/write.ts';

/** How a keystore is encrypted: as keytool of Java 17 and OpenSSL 3 do it, or as readers from before 2018 need it. */
export type KeystoreProfile = 'Modern' | 'Compatible';

/** What goes into the keystore and the trust store of one workload. */
export interface KeystoreInput {
  /** PKCS#8, PEM. */
  readonly privateKeyPem: string;
  /** Leaf first, PEM. */
  readonly chainPem: string;
  /** The alias of key and chain. */
  readonly alias: string;
  /** DER. */
  readonly roots: readonly { readonly alias: string; readonly certificate: Uint8Array }[];
}

/** The two files that Java reads. */
export interface Keystores {
  /** The key and its chain. */
  readonly keyStore: Uint8Array;
  /** The roots, each marked as trusted. */
  readonly trustStore: Uint8Array;
}

const isModern = (profile: KeystoreProfile): boolean => profile === 'Modern';

async function keyStoreContents(input: KeystoreInput, encryption: Encryption): Promise<readonly Structure[]> {
  const [leaf, ...issuers] = parsePem(input.chainPem).map((block) => block.der);
  const [key] = parsePem(input.privateKeyPem);
  if (leaf === undefined || key === undefined) throw new Error('invariant broken: a keystore needs a key and a certificate');
  // Only to tell which certificate belongs to the key.
  const names = [friendlyName(input.alias), localKeyId(createHash('sha256').update(leaf).digest())];
  const certificates = [certificateBag(leaf, names), ...issuers.map((issuer) => certificateBag(issuer, []))];
  return [await encryptedContents(certificates, encryption), plainContents([shroudedKeyBag(await encryption.encrypt(key.der), names)])];
}

async function trustStoreContents(input: KeystoreInput, encryption: Encryption): Promise<readonly Structure[]> {
  return [await encryptedContents(input.roots.map((root) => certificateBag(root.certificate, [friendlyName(root.alias), trustedForAll()])), encryption)];
}

/**
 * Makes both PKCS#12 files (RFC 7292) with one password. Keys are derived from it once for both, without holding up the
 * event loop. `password` is printable ASCII: what is outside of it, readers do not read alike. The same `randomBytes`
 * makes the same files.
 *
 * @throws MtlsdError `X509_PEM_INVALID`
 */
export async function buildKeystores(input: KeystoreInput, password: string, profile: KeystoreProfile, randomBytes: RandomBytes): Promise<Keystores> {
  const seal = await makeSeal(password, randomBytes, isModern(profile) ? 'sha256' : 'sha1');
  const encryption = isModern(profile) ? await modernEncryption(password, randomBytes) : compatibleEncryption(password, randomBytes);
  return {
    keyStore: sealed(await keyStoreContents(input, encryption), seal),
    trustStore: sealed(await trustStoreContents(input, encryption), seal),
  };
}

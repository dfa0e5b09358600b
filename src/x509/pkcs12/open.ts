import { createPublicKey } from 'node:crypto';
import { isMtlsdError, MtlsdError } from '../../errors/index.ts';
import type { Certificate } from '../certificate.ts';
import { contextTag, DerError, DerReader, tag } from '../der-reader.ts';
import { readOid, sameBytes } from '../der-values.ts';
import type { Pkcs12Certificate, Pkcs12Content, Pkcs12Entry } from './content.ts';
import { DecryptionError } from './encryption.ts';
import { checkSeal } from './integrity.ts';
import { pkcs12Oid } from './oids.ts';
import { BagReader, type Bags, type CertificateBag, type KeyBag, keystoreBytesMax } from './read-bags.ts';

/** More certificates than any chain has. */
const chainMax = 16;

/** The certificate of a key: the one that bears its identifier, else the one whose public key is the key's own. */
function leafOf(key: KeyBag, certificates: readonly CertificateBag[]): CertificateBag | undefined {
  const named = certificates.find((bag) => key.localKeyId !== undefined && bag.localKeyId === key.localKeyId);
  if (named !== undefined) return named;
  const spki = createPublicKey(key.privateKey).export({ type: 'spki', format: 'der' });
  return certificates.find((bag) => sameBytes(bag.certificate.publicKey.spki, spki));
}

/** From the leaf up by names, as Java does it. */
function chainFrom(leaf: Certificate, certificates: readonly CertificateBag[]): readonly Certificate[] {
  const chain = [leaf];
  for (let last = leaf; chain.length < chainMax; ) {
    const issuer = certificates.find(({ certificate }) => !chain.includes(certificate) && sameBytes(certificate.subject.der, last.issuer.der));
    if (issuer === undefined || sameBytes(last.issuer.der, last.subject.der)) break;
    last = issuer.certificate;
    chain.push(last);
  }
  return chain;
}

function arrange({ keys, certificates }: Bags): Omit<Pkcs12Content, 'profile'> {
  const untrusted = certificates.filter((bag) => !bag.trusted);
  const entries = keys.map((key): Pkcs12Entry => {
    const leaf = leafOf(key, untrusted);
    return { alias: key.alias ?? leaf?.alias, privateKey: key.privateKey, chain: leaf === undefined ? [] : chainFrom(leaf.certificate, untrusted) };
  });
  const inChains = new Set(entries.flatMap((entry) => entry.chain));
  const shown = ({ alias, certificate }: CertificateBag): Pkcs12Certificate => ({ alias, certificate });
  return {
    entries,
    trusted: certificates.filter((bag) => bag.trusted).map(shown),
    others: untrusted.filter((bag) => !inChains.has(bag.certificate)).map(shown),
  };
}

function profileOf(encryptions: ReadonlySet<string>, mac: string | undefined): string {
  const words = [...encryptions].sort().join(', ') || 'no encryption';
  if (words === 'AES-256 with PBKDF2-HMAC-SHA256' && mac === 'sha256') return 'Modern';
  if (words === '3DES with SHA-1' && mac === 'sha1') return 'Compatible';
  return `${words}; ${mac === undefined ? 'not sealed' : `sealed with HMAC-${mac.toUpperCase()}`}`;
}

function wrongPassword(): MtlsdError<'X509_KEYSTORE_PASSWORD'> {
  return new MtlsdError('X509_KEYSTORE_PASSWORD', 'The password does not open the keystore, or the keystore was changed after it was written.');
}

async function read(der: Uint8Array, password: string): Promise<Pkcs12Content> {
  const file = DerReader.overChecked(der, keystoreBytesMax).constructed(tag.sequence);
  const version = file.content(file.element(tag.integer));
  if (version.length !== 1 || version[0] !== 3) throw new DerError('it is not PKCS#12 of version 3');
  const authSafe = file.constructed(tag.sequence);
  if (readOid(authSafe) !== pkcs12Oid.data) throw new DerError('it is sealed with a public key, which is not supported');
  const content = authSafe.constructed(contextTag(0, true));
  const authenticatedSafe = content.content(content.element(tag.octetString));
  const mac = file.done ? undefined : await checkSeal(file.constructed(tag.sequence), authenticatedSafe, password);
  file.finish();
  if (mac?.intact === false) throw wrongPassword();
  const reader = new BagReader(password);
  await reader.authenticatedSafe(authenticatedSafe);
  return { ...arrange(reader.bags), profile: profileOf(reader.bags.encryptions, mac?.digest) };
}

/**
 * Opens a PKCS#12 file (RFC 7292) in strict DER: at most 1 MiB, sealed with HMAC or not at all, encrypted with PBES2 and AES
 * or with 3DES. Says what it holds; whether that is any good is not for it to judge. No message holds key material or a password.
 *
 * @throws MtlsdError `X509_KEYSTORE_INVALID`, `X509_KEYSTORE_PASSWORD`
 */
export async function openPkcs12(der: Uint8Array, password: string): Promise<Pkcs12Content> {
  try {
    return await read(new Uint8Array(der), password);
  } catch (error) {
    if (error instanceof DecryptionError) throw wrongPassword();
    if (error instanceof DerError) throw new MtlsdError('X509_KEYSTORE_INVALID', `The keystore cannot be read: ${error.message}.`, { cause: error });
    if (isMtlsdError(error, 'X509_CERTIFICATE_INVALID')) throw new MtlsdError('X509_KEYSTORE_INVALID', `A certificate in the keystore cannot be read: ${error.message}`, { cause: error });
    throw error;
  }
}

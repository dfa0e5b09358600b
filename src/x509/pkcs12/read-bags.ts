import { createPrivateKey, type KeyObject } from 'node:crypto';
import { type Certificate, parseCertificate } from '../certificate.ts';
import { contextTag, DerError, DerReader, tag } from '../der-reader.ts';
import { readOid, toHex } from '../der-values.ts';
import { decrypt } from './encryption.ts';
import { pkcs12Oid } from './oids.ts';

/** The most that is read: a Secret holds no more. */
export const keystoreBytesMax = 1024 * 1024;
const bagsMax = 2048;

/** A key in the order of the file. */
export interface KeyBag {
  readonly alias: string | undefined;
  readonly localKeyId: string | undefined;
  readonly privateKey: KeyObject;
}

/** A certificate in the order of the file. */
export interface CertificateBag {
  readonly alias: string | undefined;
  readonly localKeyId: string | undefined;
  readonly trusted: boolean;
  readonly certificate: Certificate;
}

/** What the bags of a file hold, and in which ways they were encrypted. */
export interface Bags {
  readonly keys: KeyBag[];
  readonly certificates: CertificateBag[];
  readonly encryptions: Set<string>;
}

interface Attributes {
  alias: string | undefined;
  localKeyId: string | undefined;
  trusted: boolean;
}

function readBmpText(bytes: Uint8Array): string {
  if (bytes.length % 2 !== 0) throw new DerError('a friendlyName has half a character');
  const text = Buffer.from(bytes).swap16().toString('utf16le');
  // It reaches terminals.
  if (/\p{Cc}|\p{Cf}/u.test(text)) throw new DerError('a friendlyName has a control character');
  return text;
}

function readAttributes(bag: DerReader): Attributes {
  const found: Attributes = { alias: undefined, localKeyId: undefined, trusted: false };
  if (bag.done) return found;
  const attributes = bag.constructed(tag.set);
  while (!attributes.done) {
    const attribute = attributes.constructed(tag.sequence);
    const type = readOid(attribute);
    const values = attribute.constructed(tag.set);
    if (type === pkcs12Oid.friendlyName) found.alias = readBmpText(values.content(values.element(tag.bmpString)));
    if (type === pkcs12Oid.localKeyId) found.localKeyId = toHex(values.content(values.element(tag.octetString)));
    if (type === pkcs12Oid.trustedKeyUsage) found.trusted = true;
  }
  return found;
}

function importKey(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  } catch {
    // What the parser says could hold a part of the key.
    throw new DerError('a private key is not PKCS#8 of a known algorithm');
  }
}

function readCertificateBag(value: DerReader): Certificate | undefined {
  const bag = value.constructed(tag.sequence);
  if (readOid(bag) !== pkcs12Oid.x509Certificate) return undefined;
  const inner = bag.constructed(contextTag(0, true));
  return parseCertificate(inner.content(inner.element(tag.octetString)));
}

/** Reads the bags of one password. Throws DerError, DecryptionError and X509_CERTIFICATE_INVALID. */
export class BagReader {
  readonly bags: Bags = { keys: [], certificates: [], encryptions: new Set() };
  readonly #password: string;
  #count = 0;

  constructor(password: string) {
    this.#password = password;
  }

  /** A SEQUENCE OF ContentInfo. */
  async authenticatedSafe(bytes: Uint8Array): Promise<void> {
    const contents = DerReader.overChecked(bytes, keystoreBytesMax).constructed(tag.sequence);
    while (!contents.done) await this.#contentInfo(contents.constructed(tag.sequence));
  }

  async #contentInfo(info: DerReader): Promise<void> {
    const type = readOid(info);
    const value = info.constructed(contextTag(0, true));
    info.finish();
    if (type === pkcs12Oid.data) {
      await this.#safeContents(value.content(value.element(tag.octetString)));
    } else if (type === pkcs12Oid.encryptedData) {
      await this.#encrypted(value.constructed(tag.sequence));
    } else {
      throw new DerError(`content ${type} is not supported`);
    }
  }

  async #encrypted(data: DerReader): Promise<void> {
    data.element(tag.integer);
    const info = data.constructed(tag.sequence);
    readOid(info);
    const algorithm = info.constructed(tag.sequence);
    await this.#safeContents(await this.#decrypt(algorithm, info.content(info.element(contextTag(0, false)))));
  }

  async #decrypt(algorithm: DerReader, ciphertext: Uint8Array): Promise<Uint8Array> {
    const { plain, how } = await decrypt(algorithm, this.#password, ciphertext);
    this.bags.encryptions.add(how);
    return plain;
  }

  async #safeContents(bytes: Uint8Array): Promise<void> {
    const contents = DerReader.overChecked(bytes, keystoreBytesMax).constructed(tag.sequence);
    while (!contents.done) {
      this.#count += 1;
      if (this.#count > bagsMax) throw new DerError(`more than ${bagsMax} bags`);
      await this.#bag(contents.constructed(tag.sequence));
    }
  }

  async #bag(bag: DerReader): Promise<void> {
    const type = readOid(bag);
    const value = bag.constructed(contextTag(0, true));
    const { trusted, ...names } = readAttributes(bag);
    switch (type) {
      case pkcs12Oid.keyBag:
        this.bags.keys.push({ ...names, privateKey: importKey(value.whole(value.element(tag.sequence))) });
        return;
      case pkcs12Oid.pkcs8ShroudedKeyBag: {
        const info = value.constructed(tag.sequence);
        const algorithm = info.constructed(tag.sequence);
        const plain = await this.#decrypt(algorithm, info.content(info.element(tag.octetString)));
        this.bags.keys.push({ ...names, privateKey: importKey(plain) });
        return;
      }
      case pkcs12Oid.certBag: {
        const certificate = readCertificateBag(value);
        if (certificate !== undefined) this.bags.certificates.push({ ...names, trusted, certificate });
        return;
      }
      default: // CRLs and secrets are of no use here.
    }
  }
}

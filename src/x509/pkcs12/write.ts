import { contextTag, tag } from '../der-reader.ts';
import { encodeElement, encodeOid, encodeSequence } from '../der-writer.ts';
import { encodeCount } from './count.ts';
import type { Encrypted, Encryption } from './encryption.ts';
import type { Seal } from './integrity.ts';
import { pkcs12Oid } from './oids.ts';

const explicit = (value: Uint8Array): Uint8Array => encodeElement(contextTag(0, true), value);
const octets = (bytes: Uint8Array): Uint8Array => encodeElement(tag.octetString, bytes);

/** X.690 §11.6: the members of a SET OF stand in the order of their encodings. */
function encodeSetOf(members: readonly Uint8Array[]): Uint8Array {
  return encodeElement(tag.set, ...[...members].sort((a, b) => Buffer.compare(a, b)));
}

function attribute(type: string, value: Uint8Array): Uint8Array {
  return encodeSequence(encodeOid(type), encodeSetOf([value]));
}

/** PKCS#9 friendlyName: what keystores call an alias. */
export function friendlyName(alias: string): Uint8Array {
  return attribute(pkcs12Oid.friendlyName, encodeElement(tag.bmpString, Buffer.from(alias, 'utf16le').swap16()));
}

/** PKCS#9 localKeyId: it is the same on a key and on its certificate. */
export function localKeyId(identifier: Uint8Array): Uint8Array {
  return attribute(pkcs12Oid.localKeyId, octets(identifier));
}

/** Java's mark of a certificate that is trusted: without it, Java shows none. */
export function trustedForAll(): Uint8Array {
  return attribute(pkcs12Oid.trustedKeyUsage, encodeOid(pkcs12Oid.anyExtendedKeyUsage));
}

/** RFC 7292 §4.2: a SafeBag. */
function bag(type: string, value: Uint8Array, attributes: readonly Uint8Array[]): Uint8Array {
  return encodeSequence(encodeOid(type), explicit(value), ...(attributes.length === 0 ? [] : [encodeSetOf(attributes)]));
}

/** A certificate (DER) with its attributes. */
export function certificateBag(certificate: Uint8Array, attributes: readonly Uint8Array[]): Uint8Array {
  return bag(pkcs12Oid.certBag, encodeSequence(encodeOid(pkcs12Oid.x509Certificate), explicit(octets(certificate))), attributes);
}

/** A key (an encrypted PrivateKeyInfo) with its attributes. */
export function shroudedKeyBag({ algorithm, ciphertext }: Encrypted, attributes: readonly Uint8Array[]): Uint8Array {
  return bag(pkcs12Oid.pkcs8ShroudedKeyBag, encodeSequence(algorithm, octets(ciphertext)), attributes);
}

/** Bags as they are, in a ContentInfo: for keys, which are encrypted already. */
export function plainContents(bags: readonly Uint8Array[]): Uint8Array {
  return encodeSequence(encodeOid(pkcs12Oid.data), explicit(octets(encodeSequence(...bags))));
}

/** Bags encrypted as a whole, in a ContentInfo (RFC 2315 §13). */
export async function encryptedContents(bags: readonly Uint8Array[], encryption: Encryption): Promise<Uint8Array> {
  const { algorithm, ciphertext } = await encryption.encrypt(encodeSequence(...bags));
  const info = encodeSequence(encodeOid(pkcs12Oid.data), algorithm, encodeElement(contextTag(0, false), ciphertext));
  return encodeSequence(encodeOid(pkcs12Oid.encryptedData), explicit(encodeSequence(encodeElement(tag.integer, Uint8Array.of(0)), info)));
}

/** The whole file (RFC 7292 §4: PFX, version 3). */
export function sealed(contents: readonly Uint8Array[], seal: Seal): Uint8Array {
  const authenticatedSafe = encodeSequence(...contents);
  return encodeSequence(encodeCount(3), encodeSequence(encodeOid(pkcs12Oid.data), explicit(octets(authenticatedSafe))), seal.over(authenticatedSafe));
}

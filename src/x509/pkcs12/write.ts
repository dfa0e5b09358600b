import { keyPurposes } from '../../spiffe/index.ts';
import type { Encrypted, Encryption } from './encryption.ts';
import type { Seal } from './integrity.ts';
import { pkcs12Oid } from './oids.ts';
import { bmpString, count, explicit, implicitOctets, objectIdentifier, octetString, sequence, setOf, type Structure, toDer } from './structure.ts';

function attribute(type: string, value: Structure): Structure {
  return sequence(objectIdentifier(type), setOf([value]));
}

/** PKCS#9 friendlyName: what keystores call an alias. */
export function friendlyName(alias: string): Structure {
  return attribute(pkcs12Oid.friendlyName, bmpString(alias));
}

/** PKCS#9 localKeyId: it is the same on a key and on its certificate. */
export function localKeyId(identifier: Uint8Array): Structure {
  return attribute(pkcs12Oid.localKeyId, octetString(identifier));
}

/** Java's mark of a certificate that is trusted: without it, Java shows none. */
export function trustedForAll(): Structure {
  return attribute(pkcs12Oid.trustedKeyUsage, objectIdentifier(keyPurposes.any));
}

/** RFC 7292 §4.2: a SafeBag. */
function bag(type: string, value: Structure, attributes: readonly Structure[]): Structure {
  return sequence(objectIdentifier(type), explicit(value), ...(attributes.length === 0 ? [] : [setOf(attributes)]));
}

/** A certificate (DER) with its attributes. */
export function certificateBag(certificate: Uint8Array, attributes: readonly Structure[]): Structure {
  return bag(pkcs12Oid.certBag, sequence(objectIdentifier(pkcs12Oid.x509Certificate), explicit(octetString(certificate))), attributes);
}

/** A key (an encrypted PrivateKeyInfo) with its attributes. */
export function shroudedKeyBag({ algorithm, ciphertext }: Encrypted, attributes: readonly Structure[]): Structure {
  return bag(pkcs12Oid.pkcs8ShroudedKeyBag, sequence(algorithm, octetString(ciphertext)), attributes);
}

/** Bags as they are, in a ContentInfo: for keys, which are encrypted already. */
export function plainContents(bags: readonly Structure[]): Structure {
  return sequence(objectIdentifier(pkcs12Oid.data), explicit(octetString(toDer(sequence(...bags)))));
}

/** Bags encrypted as a whole, in a ContentInfo (RFC 2315 §13). */
export async function encryptedContents(bags: readonly Structure[], encryption: Encryption): Promise<Structure> {
  const { algorithm, ciphertext } = await encryption.encrypt(toDer(sequence(...bags)));
  const info = sequence(objectIdentifier(pkcs12Oid.data), algorithm, implicitOctets(ciphertext));
  return sequence(objectIdentifier(pkcs12Oid.encryptedData), explicit(sequence(count(0), info)));
}

/** The whole file (RFC 7292 §4: PFX, version 3), DER. */
export function sealed(contents: readonly Structure[], seal: Seal): Uint8Array {
  const authenticatedSafe = toDer(sequence(...contents));
  return toDer(sequence(count(3), sequence(objectIdentifier(pkcs12Oid.data), explicit(octetString(authenticatedSafe))), seal.over(authenticatedSafe)));
}

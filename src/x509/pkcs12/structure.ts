// This file alone, and not the whole library: the rest (TLS, RSA, ciphers in JavaScript) takes several times as long to load at start-up.
import asn1 from 'node-forge/lib/asn1.js';

/** An ASN.1 value of node-forge: PKCS#12 is assembled of such. */
export type Structure = asn1.Asn1;

/** node-forge holds octets as text, one character each. */
const binaryText = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** node-forge's types take a tag's number for one of its own names of universal types; this is the name of 0. */
const tagZero = asn1.Type.NONE;

function primitive(type: asn1.Type, value: string): Structure {
  return asn1.create(asn1.Class.UNIVERSAL, type, false, value);
}

/** The DER of a structure. */
export function toDer(structure: Structure): Uint8Array {
  return new Uint8Array(Buffer.from(asn1.toDer(structure).getBytes(), 'latin1'));
}

export function sequence(...members: readonly Structure[]): Structure {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [...members]);
}

/** X.690 §11.6: the members of a SET OF stand in the order of their encodings. node-forge leaves them as they are. */
export function setOf(members: readonly Structure[]): Structure {
  const ordered = members.map((member) => ({ member, der: toDer(member) })).sort((a, b) => Buffer.compare(a.der, b.der));
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, ordered.map(({ member }) => member));
}

/** `dotted` is a constant of this program. */
export function objectIdentifier(dotted: string): Structure {
  return primitive(asn1.Type.OID, asn1.oidToDer(dotted).getBytes());
}

export function octetString(bytes: Uint8Array): Structure {
  return primitive(asn1.Type.OCTETSTRING, binaryText(bytes));
}

/** A small non-negative number as INTEGER. */
export function count(value: number): Structure {
  return primitive(asn1.Type.INTEGER, asn1.integerToDer(value).getBytes());
}

/** Text in UTF-16, which node-forge makes of it. */
export function bmpString(text: string): Structure {
  return primitive(asn1.Type.BMPSTRING, text);
}

export function nullValue(): Structure {
  return primitive(asn1.Type.NULL, '');
}

/** [0] EXPLICIT */
export function explicit(value: Structure): Structure {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, tagZero, true, [value]);
}

/** [0] IMPLICIT OCTET STRING */
export function implicitOctets(bytes: Uint8Array): Structure {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, tagZero, false, binaryText(bytes));
}

/**
 * Writes certificates as they are described, sound or not: no library refuses a description here, and signatures hold
 * whatever is signed. From the encoder of `src/x509/` it takes elements and times only.
 */
import { createHash } from 'node:crypto';
import { encodeElement, encodeOid, encodeSequence, encodeUnsignedInteger } from '../../src/x509/der-writer.ts';
import { encodeTime } from '../../src/x509/time.ts';
import { type DerivedKey, type SigningHash } from './derived-key.ts';

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** An extension: `value` is what its OCTET STRING holds. */
export interface ForgedExtension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** Everything that goes into one certificate. */
export interface Description {
  readonly version: 1 | 2 | 3;
  /** Content octets of the INTEGER, as they are. */
  readonly serial: Uint8Array;
  /** A common name; '' is the empty name. */
  readonly issuer: string;
  readonly subject: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly spki: Uint8Array;
  readonly extensions: readonly ForgedExtension[];
  readonly signer: DerivedKey;
  readonly hash: SigningHash;
  /** The hash that the outer algorithm names, when it is another than the inner one. */
  readonly outerHash?: SigningHash;
}

const ecdsaOids: Readonly<Record<SigningHash, string>> = {
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
};
const algorithmOf = (hash: SigningHash): Uint8Array => encodeSequence(encodeOid(ecdsaOids[hash]));

/** A name with this common name, or the empty one. */
function name(commonName: string): Uint8Array {
  if (commonName === '') return encodeSequence();
  const attribute = encodeSequence(encodeOid('2.5.4.3'), encodeElement(0x0c, Buffer.from(commonName)));
  return encodeSequence(encodeElement(0x31, attribute));
}

function extension({ oid, critical, value }: ForgedExtension): Uint8Array {
  const isCritical = critical ? [encodeElement(0x01, Uint8Array.of(0xff))] : [];
  return encodeSequence(encodeOid(oid), ...isCritical, encodeElement(0x04, value));
}

/** What is signed. */
export function toBeSigned(description: Description): Uint8Array {
  const { version, serial, issuer, subject, notBeforeMs, notAfterMs, spki, extensions, hash } = description;
  const explicitVersion = version === 1 ? [] : [encodeElement(0xa0, encodeElement(0x02, Uint8Array.of(version - 1)))];
  const explicitExtensions = extensions.length === 0 ? [] : [encodeElement(0xa3, encodeSequence(...extensions.map(extension)))];
  return encodeSequence(
    ...explicitVersion,
    encodeElement(0x02, serial),
    algorithmOf(hash),
    name(issuer),
    encodeSequence(encodeTime(notBeforeMs), encodeTime(notAfterMs)),
    name(subject),
    spki,
    ...explicitExtensions,
  );
}

/** The certificate around `tbs`, signed. */
export function signed(tbs: Uint8Array, { signer, hash, outerHash }: Pick<Description, 'signer' | 'hash' | 'outerHash'>): Uint8Array {
  return encodeSequence(tbs, algorithmOf(outerHash ?? hash), encodeElement(0x03, Uint8Array.of(0), signer.sign(tbs, hash)));
}

/** DER of the certificate. */
export function forge(description: Description): Uint8Array {
  return signed(toBeSigned(description), description);
}

/** Names of a subjectAltName, by their type. */
export const generalName = {
  email: (text: string): Uint8Array => encodeElement(0x81, ascii(text)),
  dns: (text: string): Uint8Array => encodeElement(0x82, ascii(text)),
  directory: (commonName: string): Uint8Array => encodeElement(0xa4, name(commonName)),
  uri: (text: string): Uint8Array => encodeElement(0x86, ascii(text)),
  ip: (...octets: readonly number[]): Uint8Array => encodeElement(0x87, Uint8Array.from(octets)),
} as const;

const usageBits = { digitalSignature: 0, contentCommitment: 1, keyEncipherment: 2, dataEncipherment: 3, keyAgreement: 4, keyCertSign: 5, cRLSign: 6 } as const;

/** A name of a bit of keyUsage. */
export type Usage = keyof typeof usageBits;

function keyUsageValue(usages: readonly Usage[]): Uint8Array {
  let bits = 0;
  for (const usage of usages) bits |= 0x80 >> usageBits[usage];
  const unused = bits === 0 ? 0 : 31 - Math.clz32(bits & -bits);
  return bits === 0 ? encodeElement(0x03, Uint8Array.of(0)) : encodeElement(0x03, Uint8Array.of(unused, bits));
}

const purposeOids = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2', codeSigning: '1.3.6.1.5.5.7.3.3', any: '2.5.29.37.0' } as const;

/** A name of a purpose of extKeyUsage. */
export type Purpose = keyof typeof purposeOids;

/** The identifier of a key: SHA-1 of its octets (RFC 5280 §4.2.1.2, method 1). */
export function identifierOf(key: DerivedKey): Uint8Array {
  return createHash('sha1').update(key.point).digest();
}

function subtrees(tagOctet: number, names: readonly Uint8Array[]): readonly Uint8Array[] {
  return names.length === 0 ? [] : [encodeElement(tagOctet, ...names.map((base) => encodeSequence(base)))];
}

/** The extensions, each as its standard writes it; whether it is critical is the caller's. */
export const extensionOf = {
  basicConstraints: (ca: boolean, pathLength?: number, critical = true): ForgedExtension => {
    const flag = ca ? [encodeElement(0x01, Uint8Array.of(0xff))] : [];
    const limit = pathLength === undefined ? [] : [encodeUnsignedInteger(Uint8Array.of(pathLength >> 8, pathLength & 0xff))];
    return { oid: '2.5.29.19', critical, value: encodeSequence(...flag, ...limit) };
  },
  keyUsage: (usages: readonly Usage[], critical = true): ForgedExtension => ({ oid: '2.5.29.15', critical, value: keyUsageValue(usages) }),
  extendedKeyUsage: (purposes: readonly Purpose[], critical = false): ForgedExtension => ({
    oid: '2.5.29.37',
    critical,
    value: encodeSequence(...purposes.map((purpose) => encodeOid(purposeOids[purpose]))),
  }),
  subjectAltName: (names: readonly Uint8Array[], critical = true): ForgedExtension => ({ oid: '2.5.29.17', critical, value: encodeSequence(...names) }),
  nameConstraints: (permitted: readonly Uint8Array[], excluded: readonly Uint8Array[] = [], critical = true): ForgedExtension => ({
    oid: '2.5.29.30',
    critical,
    value: encodeSequence(...subtrees(0xa0, permitted), ...subtrees(0xa1, excluded)),
  }),
  subjectKeyIdentifier: (identifier: Uint8Array, critical = false): ForgedExtension => ({ oid: '2.5.29.14', critical, value: encodeElement(0x04, identifier) }),
  authorityKeyIdentifier: (identifier: Uint8Array, critical = false): ForgedExtension => ({
    oid: '2.5.29.35',
    critical,
    value: encodeSequence(encodeElement(0x80, identifier)),
  }),
  unknown: (critical: boolean, oid = '1.3.6.1.4.1.55555.1'): ForgedExtension => ({ oid, critical, value: encodeElement(0x05) }),
} as const;

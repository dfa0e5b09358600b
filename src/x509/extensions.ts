import type { CertificateView, ExtensionView, KeyUsage, NameConstraintsView, SubjectAltNameView } from '../spiffe/index.ts';
import { contextTag, DerError, DerReader, tag } from './der-reader.ts';
import { readDefaultFalse, readOid, readSmallInteger, toHex } from './der-values.ts';
import { readNameConstraints, readSubjectAltName } from './general-names.ts';
import { oid } from './oids.ts';

/** The extensions of a certificate or request: all of them named, those that rules read interpreted. */
export interface Extensions {
  all: ExtensionView[];
  basicConstraints: CertificateView['basicConstraints'];
  keyUsage: CertificateView['keyUsage'];
  extendedKeyUsage: CertificateView['extendedKeyUsage'];
  subjectAltName: SubjectAltNameView | undefined;
  nameConstraints: NameConstraintsView | undefined;
  subjectKeyIdentifier: string | undefined;
  authorityKeyIdentifier: string | undefined;
}

/** The most extensions that one certificate may have. */
const extensionsMax = 64;

/** What a certificate without extensions has. */
export function noExtensions(): Extensions {
  return {
    all: [],
    basicConstraints: undefined,
    keyUsage: undefined,
    extendedKeyUsage: undefined,
    subjectAltName: undefined,
    nameConstraints: undefined,
    subjectKeyIdentifier: undefined,
    authorityKeyIdentifier: undefined,
  };
}

/** By bit number, RFC 5280 §4.2.1.3. */
const usageNames: readonly KeyUsage[] = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

function readKeyUsage(extension: DerReader): ReadonlySet<KeyUsage> {
  const [unused = 0, ...octets] = extension.content(extension.element(tag.bitString));
  extension.finish();
  const last = octets.at(-1);
  // X.690 §11.2.2: trailing zero bits of a named bit list are left out. RFC 5280: at least one bit is set.
  if (last === undefined || ((last >> unused) & 1) === 0) throw new DerError('keyUsage is empty or has trailing zero bits');
  const usages = new Set<KeyUsage>();
  for (const [index, octet] of octets.entries()) {
    for (let bit = 0; bit < 8; bit += 1) {
      if ((octet & (0x80 >> bit)) === 0) continue;
      const name = usageNames[index * 8 + bit];
      if (name === undefined) throw new DerError('keyUsage has an unknown bit');
      usages.add(name);
    }
  }
  return usages;
}

/** RFC 5280 §4.2.1.9. */
function readBasicConstraints(extension: DerReader, critical: boolean): CertificateView['basicConstraints'] {
  const reader = extension.constructed(tag.sequence);
  extension.finish();
  const ca = readDefaultFalse(reader);
  const pathLength = reader.done ? undefined : readSmallInteger(reader);
  reader.finish();
  return { critical, ca, pathLength };
}

function readExtendedKeyUsage(extension: DerReader): readonly string[] {
  const reader = extension.constructed(tag.sequence);
  extension.finish();
  const usages: string[] = [];
  do usages.push(readOid(reader));
  while (!reader.done);
  return usages;
}

function readSubjectKeyIdentifier(extension: DerReader): string {
  const identifier = extension.element(tag.octetString);
  extension.finish();
  return toHex(extension.content(identifier));
}

/** The keyIdentifier field only; issuer and serial number ([1], [2]) name what the chain says anyway. */
function readAuthorityKeyIdentifier(extension: DerReader): string | undefined {
  const reader = extension.constructed(tag.sequence);
  extension.finish();
  const identifier = reader.optional(contextTag(0, false));
  reader.optional(contextTag(1, true));
  reader.optional(contextTag(2, false));
  reader.finish();
  return identifier === undefined ? undefined : toHex(reader.content(identifier));
}

type Interpret = (into: Extensions, extension: DerReader, critical: boolean) => void;

const interpreters: Readonly<Record<string, Interpret>> = {
  [oid.basicConstraints]: (into, extension, critical) => {
    into.basicConstraints = readBasicConstraints(extension, critical);
  },
  [oid.keyUsage]: (into, extension, critical) => {
    into.keyUsage = { critical, usages: readKeyUsage(extension) };
  },
  [oid.extendedKeyUsage]: (into, extension, critical) => {
    into.extendedKeyUsage = { critical, usages: readExtendedKeyUsage(extension) };
  },
  [oid.subjectAltName]: (into, extension, critical) => {
    into.subjectAltName = readSubjectAltName(extension, critical);
  },
  [oid.nameConstraints]: (into, extension, critical) => {
    into.nameConstraints = readNameConstraints(extension, critical);
  },
  [oid.subjectKeyIdentifier]: (into, extension) => {
    into.subjectKeyIdentifier = readSubjectKeyIdentifier(extension);
  },
  [oid.authorityKeyIdentifier]: (into, extension) => {
    into.authorityKeyIdentifier = readAuthorityKeyIdentifier(extension);
  },
};

function readExtension(reader: DerReader, into: Extensions): void {
  const name = readOid(reader);
  const critical = readDefaultFalse(reader);
  const value = reader.content(reader.element(tag.octetString));
  reader.finish();
  // RFC 5280 §4.2: a certificate has each extension at most once.
  if (into.all.some((known) => known.oid === name)) throw new DerError(`extension ${name} appears twice`);
  into.all.push({ oid: name, critical });
  interpreters[name]?.(into, DerReader.overChecked(value), critical);
}

/** Reads the next element as Extensions (RFC 5280 §4.1.2.9). Throws DerError; an empty list is refused. */
export function readExtensions(outer: DerReader): Extensions {
  const reader = outer.constructed(tag.sequence);
  const into = noExtensions();
  do {
    if (into.all.length === extensionsMax) throw new DerError(`more than ${extensionsMax} extensions`);
    readExtension(reader.constructed(tag.sequence), into);
  } while (!reader.done);
  return into;
}

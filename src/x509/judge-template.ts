import 'reflect-metadata';
import { createPublicKey, X509Certificate as NodeCertificate } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
} from '@peculiar/x509';
import { MtlsdError } from '../errors/index.ts';
import { parseDnsName, requireSpiffeId } from '../spiffe/index.ts';
import type { KeyAlgorithm } from './algorithm.ts';
import type { Certificate } from './certificate.ts';
import { toHex } from './der-values.ts';
import { generateKeyPair, type KeyPair } from './key-pair.ts';
import type { LeafFields, LeafTemplate } from './leaf-template.ts';
import { oid } from './oids.ts';
import type { PublicKey } from './public-key.ts';
import { serialNumberOctets } from './serial-number.ts';
import { signData } from './signature.ts';
import { wholeSecondMs } from './time.ts';

/** What a certificate says in the words of the independent parser, one line a field, so that two can be compared. */
type Statement = Readonly<Record<string, string>>;

const hexOf = (buffer: ArrayBuffer): string => toHex(new Uint8Array(buffer));
const criticalText = (critical: boolean): string => (critical ? 'critical ' : '');

function extensionStatement(certificate: X509Certificate): Record<string, string> {
  const basic = certificate.getExtension(BasicConstraintsExtension);
  const usage = certificate.getExtension(KeyUsagesExtension);
  const extended = certificate.getExtension(ExtendedKeyUsageExtension);
  const authority = certificate.getExtension(AuthorityKeyIdentifierExtension);
  const subject = certificate.getExtension(SubjectKeyIdentifierExtension);
  const names = certificate.getExtension(SubjectAlternativeNameExtension);
  return {
    extensions: certificate.extensions.map((extension) => `${criticalText(extension.critical)}${extension.type}`).join(' '),
    basicConstraints: basic === null ? 'none' : `ca=${basic.ca} pathLength=${basic.pathLength ?? 'none'}`,
    keyUsage: String(usage?.usages),
    extendedKeyUsage: extended?.usages.join(' ') ?? 'none',
    authorityKeyIdentifier: authority?.keyId ?? 'none',
    subjectKeyIdentifier: subject?.keyId ?? 'none',
    subjectAltName: names?.names.items.map((name) => `${name.type}:${name.value}`).join(' ') ?? 'none',
  };
}

const signatureNames: Readonly<Record<KeyAlgorithm, string>> = {
  ECDSAP256: 'ECDSA SHA-256',
  ECDSAP384: 'ECDSA SHA-384',
  ECDSAP521: 'ECDSA SHA-512',
  ED25519: 'Ed25519',
  RSA2048: 'RSASSA-PKCS1-v1_5 SHA-256',
  RSA3072: 'RSASSA-PKCS1-v1_5 SHA-256',
  RSA4096: 'RSASSA-PKCS1-v1_5 SHA-256',
};

function signatureNameOf(algorithm: X509Certificate['signatureAlgorithm']): string {
  const { name, hash } = algorithm as { readonly name: string; readonly hash?: { readonly name: string } };
  return hash === undefined ? name : `${name} ${hash.name}`;
}

function statementOf(certificate: X509Certificate): Statement {
  return {
    signatureAlgorithm: signatureNameOf(certificate.signatureAlgorithm),
    // OpenSSL writes the number with its sign; the parser above would hide a missing sign octet.
    serialNumber: new NodeCertificate(Buffer.from(certificate.rawData)).serialNumber.toLowerCase(),
    issuer: hexOf(certificate.issuerName.toArrayBuffer()),
    subject: hexOf(certificate.subjectName.toArrayBuffer()),
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    publicKey: hexOf(certificate.publicKey.rawData),
    ...extensionStatement(certificate),
  };
}

const subjectOf = (commonName: string | undefined): Name => new Name(commonName === undefined ? [] : [{ CN: [{ utf8String: commonName }] }]);

/** What was asked for, in the same words. */
function statementOfFields(fields: LeafFields, issuer: Certificate, signatureAlgorithm: KeyAlgorithm): Statement {
  const names = [`url:${fields.spiffeId.toString()}`, ...fields.dnsNames.map((name) => `dns:${name}`)];
  return {
    signatureAlgorithm: signatureNames[signatureAlgorithm],
    serialNumber: toHex(fields.serialNumber).replace(/^(?:00)+/, ''),
    issuer: toHex(issuer.subject.der),
    subject: hexOf(subjectOf(fields.commonName).toArrayBuffer()),
    notBefore: new Date(wholeSecondMs(fields.notBeforeMs)).toISOString(),
    notAfter: new Date(wholeSecondMs(fields.notAfterMs)).toISOString(),
    publicKey: toHex(fields.publicKey.spki),
    extensions: [
      `critical ${oid.basicConstraints}`,
      `critical ${oid.keyUsage}`,
      oid.extendedKeyUsage,
      oid.authorityKeyIdentifier,
      oid.subjectKeyIdentifier,
      `${criticalText(fields.commonName === undefined)}${oid.subjectAltName}`,
    ].join(' '),
    basicConstraints: 'ca=false pathLength=none',
    keyUsage: String(KeyUsageFlags.digitalSignature),
    extendedKeyUsage: `${oid.serverAuth} ${oid.clientAuth}`,
    authorityKeyIdentifier: issuer.subjectKeyIdentifier ?? 'none',
    subjectKeyIdentifier: fields.publicKey.keyIdentifier,
    subjectAltName: names.join(' '),
  };
}

/** One throw-away key an algorithm and process: an RSA key takes half a second to make, and a sample proves no more with a new one. */
const throwAwayKeys = new Map<KeyAlgorithm, Promise<KeyPair>>();

async function throwAwayKey(algorithm: KeyAlgorithm): Promise<KeyPair> {
  const known = throwAwayKeys.get(algorithm);
  if (known !== undefined) return known;
  const made = generateKeyPair(algorithm);
  throwAwayKeys.set(algorithm, made);
  return made;
}

/** Each variant of the profile, and the serial numbers and names whose encoding is easy to get wrong. */
function samples(publicKey: PublicKey, issuer: Certificate): readonly LeafFields[] {
  const plain: LeafFields = {
    serialNumber: Uint8Array.from({ length: serialNumberOctets }, (_, index) => index + 1),
    notBeforeMs: issuer.notBeforeMs,
    notAfterMs: issuer.notAfterMs,
    publicKey,
    spiffeId: requireSpiffeId('spiffe://template.example/ns/a/sa/b'),
    dnsNames: [],
    commonName: undefined,
  };
  const long = requireSpiffeId(`spiffe://template.example/${'p'.repeat(300)}`);
  const dnsNames = Array.from({ length: 20 }, (_, index) => parseDnsName(`name-${index}.template.example`));
  return [
    plain,
    { ...plain, serialNumber: plain.serialNumber.map((octet, index) => (index === 0 ? 0xff : octet)) },
    { ...plain, serialNumber: plain.serialNumber.map((octet, index) => (index < 3 ? 0 : octet)) },
    { ...plain, dnsNames, commonName: 'template' },
    { ...plain, spiffeId: long, dnsNames },
  ];
}

function differences(expected: Statement, found: Statement): readonly string[] {
  return Object.keys({ ...expected, ...found })
    .filter((field) => expected[field] !== found[field])
    .map((field) => `${field} is ${found[field] ?? 'none'} instead of ${expected[field] ?? 'none'}`);
}

/** Signs a sample with the throw-away key and compares what two other parsers read from it with what was asked. */
function judgeSample(template: LeafTemplate, fields: LeafFields, key: KeyPair): readonly string[] {
  const tbs = template.toBeSigned(fields);
  const der = template.assemble(tbs, signData(key.privateKey, key.algorithm, tbs));
  const expected = statementOfFields(fields, template.issuer, key.algorithm);
  try {
    const found = differences(expected, statementOf(new X509Certificate(new Uint8Array(der))));
    const verifies = new NodeCertificate(der).verify(createPublicKey(key.privateKey));
    return verifies ? found : [...found, 'the signature does not verify'];
  } catch (error) {
    return [`it cannot be read: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/**
 * Holds a compiled template to what it is for: samples of every variant, signed with a throw-away key, are read back by
 * `@peculiar/x509` and OpenSSL, which share no code with this folder's parser, and compared field by field. Run before an
 * issuer signs with the template, and in tests.
 *
 * @throws MtlsdError `X509_TEMPLATE_UNSOUND` with every difference
 */
export async function judgeTemplate(template: LeafTemplate, issuer: Certificate, signatureAlgorithm: KeyAlgorithm): Promise<void> {
  const found: string[] = [];
  if (template.issuer !== issuer || template.signatureAlgorithm !== signatureAlgorithm) found.push('it was compiled for another issuer');
  const key = await throwAwayKey(signatureAlgorithm);
  const subject = await throwAwayKey('ECDSAP256');
  for (const fields of [...samples(subject.publicKey, template.issuer), ...samples(key.publicKey, template.issuer)]) {
    found.push(...judgeSample(template, fields, key));
  }
  if (found.length === 0) return;
  throw new MtlsdError('X509_TEMPLATE_UNSOUND', `The leaf template is not sound: ${found.join('; ')}. Nothing was signed with it.`, {
    details: { differences: found },
  });
}

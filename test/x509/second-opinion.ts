import 'reflect-metadata';
import { X509Certificate as NodeCertificate } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
} from '@peculiar/x509';
import { expect } from 'vitest';
import type { Certificate } from '../../src/x509/index.ts';
import { toHex } from '../../src/x509/der-values.ts';

const hexOf = (buffer: ArrayBuffer): string => toHex(new Uint8Array(buffer));

const usageNames = {
  digitalSignature: 'digitalSignature',
  nonRepudiation: 'contentCommitment',
  keyEncipherment: 'keyEncipherment',
  dataEncipherment: 'dataEncipherment',
  keyAgreement: 'keyAgreement',
  keyCertSign: 'keyCertSign',
  cRLSign: 'cRLSign',
  encipherOnly: 'encipherOnly',
  decipherOnly: 'decipherOnly',
} as const;

function usagesOf(flags: KeyUsageFlags): ReadonlySet<string> {
  const set = Object.entries(usageNames).filter(([name]) => (flags & KeyUsageFlags[name as keyof typeof usageNames]) !== 0);
  return new Set(set.map(([, name]) => name));
}

/** Compares every field with what `@peculiar/x509` and OpenSSL read from the same bytes. */
export function expectSameReading(ours: Certificate): void {
  const theirs = new X509Certificate(new Uint8Array(ours.der));
  const node = new NodeCertificate(ours.der);

  expect(BigInt(`0x${ours.serialNumber}`)).toBe(BigInt(`0x${node.serialNumber}`));
  expect(toHex(ours.issuer.der)).toBe(hexOf(theirs.issuerName.toArrayBuffer()));
  expect(toHex(ours.subject.der)).toBe(hexOf(theirs.subjectName.toArrayBuffer()));
  expect([ours.notBeforeMs, ours.notAfterMs]).toEqual([theirs.notBefore.getTime(), theirs.notAfter.getTime()]);
  expect([ours.notBeforeMs, ours.notAfterMs]).toEqual([node.validFromDate.getTime(), node.validToDate.getTime()]);
  expect(toHex(ours.publicKey.spki)).toBe(hexOf(theirs.publicKey.rawData));
  expect(toHex(ours.publicKey.spki)).toBe(node.publicKey.export({ type: 'spki', format: 'der' }).toString('hex'));
  expect(ours.signatureAlgorithmsMatch).toBe(true);
  expect(ours.version).toBe(3);

  expect(ours.extensions).toEqual(theirs.extensions.map(({ type, critical }) => ({ oid: type, critical })));
  const basic = theirs.getExtension(BasicConstraintsExtension);
  expect(ours.basicConstraints).toEqual(basic === null ? undefined : { critical: basic.critical, ca: basic.ca, pathLength: basic.pathLength });
  expect(ours.basicConstraints?.ca ?? false).toBe(node.ca);
  const usage = theirs.getExtension(KeyUsagesExtension);
  expect(ours.keyUsage).toEqual(usage === null ? undefined : { critical: usage.critical, usages: usagesOf(usage.usages) });
  const extended = theirs.getExtension(ExtendedKeyUsageExtension);
  expect(ours.extendedKeyUsage).toEqual(extended === null ? undefined : { critical: extended.critical, usages: extended.usages });
  expect(ours.subjectKeyIdentifier).toBe(theirs.getExtension(SubjectKeyIdentifierExtension)?.keyId);
  expect(ours.authorityKeyIdentifier).toBe(theirs.getExtension(AuthorityKeyIdentifierExtension)?.keyId);

  const names = theirs.getExtension(SubjectAlternativeNameExtension);
  expect(ours.subjectAltName?.critical).toBe(names?.critical);
  const ofType = (type: string): readonly string[] => names?.names.items.filter((name) => name.type === type).map(({ value }) => value) ?? [];
  expect(ours.subjectAltName?.uris ?? []).toEqual(ofType('url'));
  expect(ours.subjectAltName?.dnsNames ?? []).toEqual(ofType('dns'));
  expect(ours.subjectAltName?.emails ?? []).toEqual(ofType('email'));
}

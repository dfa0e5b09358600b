import * as fc from 'fast-check';
import type { CertificateView, KeyUsage, NameView } from '../../src/spiffe/index.ts';

/** Views that no sane parser makes: any text anywhere, any number, extensions that disagree with the fields. */

const bytes = fc.uint8Array({ maxLength: 8 });
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('spiffe://', 'spiffe://a', 'spiffe://a/', 'spiffe://a/b', 'https://a/b', '*.a', '10.0.0.1', 'xn--', '[::1]', '%00', '\ud800', '.', '@', 'a.b'),
  fc.tuple(fc.constantFrom('spiffe://', 'https://', ''), fc.webAuthority(), fc.webPath()).map((parts) => parts.join('')),
);
const texts = fc.array(text, { maxLength: 4 });
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 8.64e15));
const name: fc.Arbitrary<NameView> = fc.record({ der: bytes, text, empty: fc.boolean() });
const usages = fc.subarray<KeyUsage>(['digitalSignature', 'keyCertSign', 'cRLSign', 'keyEncipherment', 'keyAgreement']);
const oid = fc.oneof(text, fc.constantFrom('2.5.29.14', '2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.30', '2.5.29.35', '2.5.29.37'));
const algorithm = fc.oneof(text, fc.constantFrom('ECDSAP256', 'ED25519', 'RSA2048', 'RSA1', 'RSA999999'));
const constraints = fc.record({
  critical: fc.boolean(),
  permittedUris: texts,
  excludedUris: texts,
  permittedDnsNames: texts,
  excludedDnsNames: texts,
  others: fc.nat(2),
});

export const arbitraryView: fc.Arbitrary<CertificateView> = fc.record({
  der: bytes,
  version: number,
  serialNumber: fc.oneof(text, fc.constantFrom('', '0', '00', 'ff', '5a5a')),
  signatureAlgorithm: fc.oneof(text, fc.constant('1.2.840.10045.4.3.2')),
  signatureAlgorithmsMatch: fc.boolean(),
  issuer: name,
  subject: name,
  notBeforeMs: number,
  notAfterMs: number,
  publicKey: fc.record({ spki: bytes, algorithm }),
  extensions: fc.array(fc.record({ oid, critical: fc.boolean() }), { maxLength: 6 }),
  basicConstraints: optional(fc.record({ critical: fc.boolean(), ca: fc.boolean(), pathLength: optional(fc.integer()) })),
  keyUsage: optional(fc.record({ critical: fc.boolean(), usages: usages.map((list) => new Set(list)) })),
  extendedKeyUsage: optional(fc.record({ critical: fc.boolean(), usages: texts })),
  subjectAltName: optional(
    fc.record({ critical: fc.boolean(), uris: texts, dnsNames: texts, ipAddresses: texts, emails: texts, others: fc.nat(2) }),
  ),
  nameConstraints: optional(constraints),
  subjectKeyIdentifier: optional(text),
  authorityKeyIdentifier: optional(text),
});

import type { CertificateView, Role } from '../../src/spiffe/index.ts';
import { clientAuth, constraintsView, nameView, sanView, serverAuth, usageView } from './certificate-builder.ts';

/** A certificate that is sound but for `overrides`. */
export interface Fixture {
  /** The defect, or what is special about a good one. */
  readonly name: string;
  readonly role: Role;
  readonly overrides: Partial<CertificateView>;
  /** Rules beyond the one in question that it cannot help breaking. */
  readonly also?: readonly string[];
}

const leaf = (name: string, overrides: Partial<CertificateView>, also: readonly string[] = []): Fixture => ({ name, role: 'leaf', overrides, also });
const authority = (name: string, overrides: Partial<CertificateView>, also: readonly string[] = []): Fixture => ({ name, role: 'authority', overrides, also });
const uris = (...list: readonly string[]): Partial<CertificateView> => ({ subjectAltName: sanView({ uris: list }) });
const dnsNames = (...list: readonly string[]): Partial<CertificateView> => ({
  subjectAltName: sanView({ uris: ['spiffe://shop.example/ns/shop/sa/cart'], dnsNames: list }),
});
const extension = (oid: string, critical: boolean): Partial<CertificateView> => ({ extensions: [{ oid, critical }] });
const key = (algorithm: string): Partial<CertificateView> => ({ publicKey: { spki: new Uint8Array(), algorithm } });
const path = `/${'a'.repeat(2048 - 'spiffe://shop.example/'.length)}`;

/** For every rule by its id: what keeps it narrowly, and what breaks it. */
export const ruleFixtures: Readonly<Record<string, { readonly good: readonly Fixture[]; readonly bad: readonly Fixture[] }>> = {
  'SPIFFE-1': {
    good: [leaf('a plain SPIFFE ID', uris('spiffe://shop.example/cart'))],
    bad: [
      leaf('an https URI', uris('https://shop.example/cart')),
      leaf('no URI syntax at all', uris('cart')),
      leaf('a query', uris('spiffe://shop.example/cart?x=1')),
      leaf('a fragment', uris('spiffe://shop.example/cart#x')),
      leaf('user info', uris('spiffe://me@shop.example/cart')),
      leaf('a port', uris('spiffe://shop.example:8443/cart')),
    ],
  },
  'SPIFFE-2': {
    good: [leaf('a trust domain that looks like an IPv4 address', uris('spiffe://10.1.2.3/cart')), leaf('255 bytes', uris(`spiffe://${'a'.repeat(255)}/cart`))],
    bad: [
      leaf('an empty trust domain', uris('spiffe:///cart')),
      leaf('percent-encoding in the trust domain', uris('spiffe://shop%2eexample/cart')),
      leaf('an IPv6 literal', uris('spiffe://[::1]/cart')),
      leaf('256 bytes', uris(`spiffe://${'a'.repeat(256)}/cart`)),
      leaf('Unicode in the trust domain', uris('spiffe://bücher.example/cart')),
    ],
  },
  'SPIFFE-3': {
    good: [leaf('every allowed character', uris('spiffe://shop.example/AZaz09._-/...'))],
    bad: [
      leaf('an empty segment', uris('spiffe://shop.example//cart')),
      leaf('a dot segment', uris('spiffe://shop.example/./cart')),
      leaf('a dot-dot segment', uris('spiffe://shop.example/../cart')),
      leaf('a trailing slash', uris('spiffe://shop.example/cart/')),
      leaf('percent-encoding in the path', uris('spiffe://shop.example/c%61rt')),
      leaf('a space in the path', uris('spiffe://shop.example/my cart')),
    ],
  },
  'SPIFFE-4': {
    good: [leaf('2,048 bytes', uris(`spiffe://shop.example${path}`))],
    bad: [leaf('2,049 bytes', uris(`spiffe://shop.example${path}a`))],
  },
  'SPIFFE-5': {
    good: [leaf('upper case in the path', uris('spiffe://shop.example/Cart'))],
    bad: [leaf('an upper-case scheme', uris('SPIFFE://shop.example/cart')), leaf('an upper-case trust domain', uris('spiffe://Shop.example/cart'))],
  },
  'SPIFFE-6': {
    good: [leaf('DNS names and addresses beside one URI', { subjectAltName: sanView({ uris: ['spiffe://a/b'], dnsNames: ['a.b'], ipAddresses: ['10.0.0.1'], others: 1 }) })],
    bad: [
      leaf('two SPIFFE IDs', uris('spiffe://shop.example/a', 'spiffe://shop.example/b')),
      leaf('an https URI beside the SPIFFE ID', uris('spiffe://shop.example/a', 'https://shop.example/'), ['SPIFFE-1']),
      leaf('no subject alternative name', { subjectAltName: undefined }),
      leaf('DNS names only', { subjectAltName: sanView({ dnsNames: ['a.b'] }) }),
    ],
  },
  'SPIFFE-7': {
    good: [leaf('one segment', uris('spiffe://shop.example/a'))],
    bad: [leaf('no path', uris('spiffe://shop.example')), leaf('the root path', uris('spiffe://shop.example/'), ['SPIFFE-3'])],
  },
  'SPIFFE-8': {
    good: [
      leaf('a subject and a SAN that is not critical', { subject: nameView('CN=cart'), subjectAltName: sanView({ critical: false, uris: ['spiffe://a/b'] }) }),
      leaf('no subject and a critical SAN', { subject: nameView(''), subjectAltName: sanView({ critical: true, uris: ['spiffe://a/b'] }) }),
    ],
    bad: [leaf('no subject and a SAN that is not critical', { subjectAltName: sanView({ critical: false, uris: ['spiffe://a/b'] }) })],
  },
  'SPIFFE-9': {
    good: [leaf('cA=false, not critical', { basicConstraints: { critical: false, ca: false, pathLength: undefined } })],
    bad: [leaf('cA=true', { basicConstraints: { critical: true, ca: true, pathLength: undefined } })],
  },
  'SPIFFE-9.explicit': {
    good: [leaf('basicConstraints', {})],
    bad: [leaf('no basicConstraints', { basicConstraints: undefined })],
  },
  'SPIFFE-9.path-length': {
    good: [leaf('no path length', {})],
    bad: [leaf('a path length of 0', { basicConstraints: { critical: true, ca: false, pathLength: 0 } })],
  },
  'SPIFFE-10.critical': {
    good: [leaf('a critical keyUsage', {})],
    bad: [leaf('no keyUsage', { keyUsage: undefined }), leaf('a keyUsage that is not critical', { keyUsage: usageView(false, 'digitalSignature') })],
  },
  'SPIFFE-10.digital-signature': {
    good: [leaf('digitalSignature among others', { ...key('RSA2048'), keyUsage: usageView(true, 'keyEncipherment', 'digitalSignature') })],
    bad: [leaf('keyEncipherment alone', { ...key('RSA2048'), keyUsage: usageView(true, 'keyEncipherment') })],
  },
  'SPIFFE-10.no-signing': {
    good: [leaf('contentCommitment', { keyUsage: usageView(true, 'digitalSignature', 'contentCommitment') })],
    bad: [
      leaf('keyCertSign', { keyUsage: usageView(true, 'digitalSignature', 'keyCertSign') }),
      leaf('cRLSign', { keyUsage: usageView(true, 'digitalSignature', 'cRLSign') }),
    ],
  },
  'SPIFFE-10.noise': {
    good: [leaf('keyEncipherment for an RSA key', { ...key('RSA3072'), keyUsage: usageView(true, 'digitalSignature', 'keyEncipherment') })],
    bad: [
      leaf('keyEncipherment for an ECDSA key', { keyUsage: usageView(true, 'digitalSignature', 'keyEncipherment') }),
      leaf('keyAgreement for an Ed25519 key', { ...key('ED25519'), keyUsage: usageView(true, 'digitalSignature', 'keyAgreement') }),
    ],
  },
  'SPIFFE-11': {
    good: [
      leaf('no extKeyUsage', { extendedKeyUsage: undefined }),
      leaf('a third purpose', { extendedKeyUsage: { critical: true, usages: ['1.3.6.1.5.5.7.3.4', clientAuth, serverAuth] } }),
    ],
    bad: [
      leaf('serverAuth alone', { extendedKeyUsage: { critical: false, usages: [serverAuth] } }),
      leaf('clientAuth alone', { extendedKeyUsage: { critical: false, usages: [clientAuth] } }),
      leaf('an empty extKeyUsage', { extendedKeyUsage: { critical: false, usages: [] } }),
    ],
  },
  'SPIFFE-12.ca': {
    good: [authority('no path length', { basicConstraints: { critical: true, ca: true, pathLength: undefined } })],
    bad: [
      authority('cA=false', { basicConstraints: { critical: true, ca: false, pathLength: undefined } }),
      authority('no basicConstraints', { basicConstraints: undefined }),
    ],
  },
  'SPIFFE-12.critical': {
    good: [authority('critical basicConstraints', {})],
    bad: [authority('basicConstraints that are not critical', { basicConstraints: { critical: false, ca: true, pathLength: 0 } })],
  },
  'SPIFFE-12.cert-sign': {
    good: [authority('keyCertSign without cRLSign', { keyUsage: usageView(true, 'keyCertSign') })],
    bad: [authority('digitalSignature alone', { keyUsage: usageView(true, 'digitalSignature') }), authority('no keyUsage', { keyUsage: undefined })],
  },
  'SPIFFE-12.key-usage-critical': {
    good: [authority('a critical keyUsage', {})],
    bad: [authority('a keyUsage that is not critical', { keyUsage: usageView(false, 'keyCertSign') })],
  },
  'SPIFFE-13': {
    good: [authority('no SPIFFE ID', { subjectAltName: undefined }), authority('an https URI', uris('https://ca.shop.example/'))],
    bad: [
      authority('a path', uris('spiffe://shop.example/ca')),
      authority('the root path', uris('spiffe://shop.example/')),
      authority('two SPIFFE IDs', uris('spiffe://a.example', 'spiffe://b.example')),
      authority('a SPIFFE ID in upper case', uris('spiffe://SHOP.example')),
    ],
  },
  'SPIFFE-14.critical': {
    good: [authority('critical name constraints', { nameConstraints: constraintsView({ permittedUris: ['shop.example'] }) })],
    bad: [authority('name constraints that are not critical', { nameConstraints: constraintsView({ critical: false, permittedUris: ['shop.example'] }) })],
  },
  'SPIFFE-14.types': {
    good: [authority('DNS constraints', { nameConstraints: constraintsView({ permittedDnsNames: ['svc'] }) })],
    bad: [authority('constraints on IP addresses', { nameConstraints: constraintsView({ others: 1 }) })],
  },
  'SPIFFE-14.authority-only': {
    good: [leaf('no name constraints', {})],
    bad: [leaf('name constraints on a leaf', { nameConstraints: constraintsView({ permittedUris: ['shop.example'] }) })],
  },
  'SPIFFE-15': {
    good: [authority('no extKeyUsage', {})],
    bad: [authority('an extKeyUsage', { extendedKeyUsage: { critical: false, usages: [serverAuth, clientAuth] } })],
  },
  'RFC5280-version': {
    good: [leaf('version 3', {})],
    bad: [leaf('version 1', { version: 1 }), authority('version 2', { version: 2 })],
  },
  'RFC5280-serial': {
    good: [
      leaf('20 octets', { serialNumber: '7f'.repeat(20) }),
      leaf('1', { serialNumber: '01' }),
      leaf('a leading octet that keeps it positive', { serialNumber: `00${'ff'.repeat(16)}` }),
    ],
    bad: [
      leaf('zero', { serialNumber: '00' }),
      leaf('a negative number', { serialNumber: 'ff01' }),
      leaf('21 octets', { serialNumber: '7f'.repeat(21) }),
      leaf('no octet', { serialNumber: '' }),
      authority('a needless leading octet', { serialNumber: '007f' }),
    ],
  },
  'RFC5280-issuer': {
    good: [leaf('an issuer', {})],
    bad: [leaf('an empty issuer', { issuer: nameView('') })],
  },
  'RFC5280-authority-subject': {
    good: [authority('a subject', {})],
    bad: [authority('an empty subject', { subject: nameView(''), subjectAltName: undefined })],
  },
  'RFC5280-validity': {
    good: [leaf('a second of life', { notBeforeMs: 0, notAfterMs: 1000 })],
    bad: [leaf('ends before it begins', { notBeforeMs: 1000, notAfterMs: 0 }), leaf('no life', { notBeforeMs: 0, notAfterMs: 0 }), leaf('times that are no numbers', { notBeforeMs: Number.NaN })],
  },
  'RFC5280-subject-key-identifier': {
    good: [authority('a subject key identifier', {})],
    bad: [authority('no subject key identifier', { subjectKeyIdentifier: undefined })],
  },
  'RFC5280-leaf-subject-key-identifier': {
    good: [leaf('a subject key identifier', {})],
    bad: [leaf('no subject key identifier', { subjectKeyIdentifier: undefined })],
  },
  'RFC5280-authority-key-identifier': {
    good: [authority('self-issued without one', { issuer: nameView('CN=root'), subject: nameView('CN=root'), authorityKeyIdentifier: undefined })],
    bad: [leaf('no authority key identifier', { authorityKeyIdentifier: undefined }), authority('an issuing authority without one', { authorityKeyIdentifier: undefined })],
  },
  'RFC5280-key-identifiers-not-critical': {
    good: [leaf('key identifiers that are not critical', extension('2.5.29.35', false))],
    bad: [leaf('a critical authority key identifier', extension('2.5.29.35', true)), authority('a critical subject key identifier', extension('2.5.29.14', true))],
  },
  'RFC5280-unknown-critical-extension': {
    good: [leaf('an unknown extension that is not critical', extension('1.2.3.4', false))],
    bad: [leaf('an unknown critical extension', extension('1.2.3.4', true)), authority('critical policy constraints', extension('2.5.29.36', true))],
  },
  'RFC5280-duplicate-extension': {
    good: [leaf('no extension twice', {})],
    bad: [leaf('one extension twice', { extensions: [{ oid: '1.2.3.4', critical: false }, { oid: '1.2.3.4', critical: false }] })],
  },
  'RFC5280-signature-algorithms-match': {
    good: [leaf('one algorithm', {})],
    bad: [leaf('two algorithms', { signatureAlgorithmsMatch: false })],
  },
  'HOUSE-signature-algorithm': {
    good: [leaf('Ed25519', { signatureAlgorithm: '1.3.101.112' }), leaf('RSA with SHA-512', { signatureAlgorithm: '1.2.840.113549.1.1.13' })],
    bad: [
      leaf('RSA with SHA-1', { signatureAlgorithm: '1.2.840.113549.1.1.5' }),
      leaf('RSA with MD5', { signatureAlgorithm: '1.2.840.113549.1.1.4' }),
      authority('ECDSA with SHA-1', { signatureAlgorithm: '1.2.840.10045.4.1' }),
      authority('RSA-PSS', { signatureAlgorithm: '1.2.840.113549.1.1.10' }),
      leaf('an unknown algorithm', { signatureAlgorithm: '1.2.3' }),
    ],
  },
  'HOUSE-key-strength': {
    good: [leaf('RSA of 2,048 bits', key('RSA2048')), leaf('RSA of 8,192 bits', key('RSA8192')), leaf('P-521', key('ECDSAP521'))],
    bad: [
      leaf('RSA of 2,047 bits', key('RSA2047')),
      authority('RSA of 1,024 bits', key('RSA1024')),
      leaf('RSA of 16,384 bits', key('RSA16384')),
      leaf('secp256k1', key('EC secp256k1')),
      leaf('no algorithm', key('')),
    ],
  },
  'HOUSE-dns-names': {
    good: [leaf('whole host names', dnsNames('cart.shop.svc', 'xn--bcher-kva.example'))],
    bad: [
      leaf('a wildcard', dnsNames('*.shop.svc')),
      leaf('upper case', dnsNames('Cart.shop.svc')),
      leaf('a trailing dot', dnsNames('cart.shop.svc.')),
      leaf('an IP address as a DNS name', dnsNames('10.0.0.1')),
    ],
  },
  'HOUSE-distinct-dns-names': {
    good: [leaf('two names', dnsNames('a.svc', 'b.svc'))],
    bad: [leaf('one name twice', dnsNames('a.svc', 'b.svc', 'a.svc'))],
  },
};

import type { CertificateView, ExtensionView, KeyUsage, NameConstraintsView, NameView, SubjectAltNameView } from '../../src/spiffe/index.ts';

/** Certificates as plain views: what a rule reads, without DER. Every field that a test does not name is sound. */

/** 2030-01-01T00:00:00Z, within the validity of everything that is built here. */
export const nowMs = Date.UTC(2030, 0, 1);
const hourMs = 3_600_000;

export function nameView(text: string): NameView {
  return { der: new TextEncoder().encode(text), text, empty: text === '' };
}

export function sanView(names: Partial<SubjectAltNameView>): SubjectAltNameView {
  return { critical: true, uris: [], dnsNames: [], ipAddresses: [], emails: [], others: 0, ...names };
}

export function constraintsView(constraints: Partial<NameConstraintsView>): NameConstraintsView {
  return { critical: true, permittedUris: [], excludedUris: [], permittedDnsNames: [], excludedDnsNames: [], others: 0, ...constraints };
}

export function usageView(critical: boolean, ...usages: readonly KeyUsage[]): NonNullable<CertificateView['keyUsage']> {
  return { critical, usages: new Set(usages) };
}

export const serverAuth = '1.3.6.1.5.5.7.3.1';
export const clientAuth = '1.3.6.1.5.5.7.3.2';

/** The extensions that the other fields speak of, so that a view agrees with itself. */
function extensionsOf(view: Omit<CertificateView, 'extensions'>): readonly ExtensionView[] {
  const found: ExtensionView[] = [];
  const add = (oid: string, value: unknown, critical: boolean | undefined): void => {
    if (value !== undefined) found.push({ oid, critical: critical ?? false });
  };
  add('2.5.29.19', view.basicConstraints, view.basicConstraints?.critical);
  add('2.5.29.15', view.keyUsage, view.keyUsage?.critical);
  add('2.5.29.37', view.extendedKeyUsage, view.extendedKeyUsage?.critical);
  add('2.5.29.17', view.subjectAltName, view.subjectAltName?.critical);
  add('2.5.29.30', view.nameConstraints, view.nameConstraints?.critical);
  add('2.5.29.14', view.subjectKeyIdentifier, false);
  add('2.5.29.35', view.authorityKeyIdentifier, false);
  return found;
}

let built = 0;

function complete(view: Omit<CertificateView, 'extensions' | 'der'>, overrides: Partial<CertificateView>): CertificateView {
  built += 1;
  const whole = { der: new TextEncoder().encode(`certificate ${built}`), ...view, ...overrides };
  return { ...whole, extensions: overrides.extensions ?? extensionsOf(whole) };
}

/** A sound leaf of `spiffe://shop.example/ns/shop/sa/cart`, issued by `CN=issuing` with the key `bb`. */
export function leafView(overrides: Partial<CertificateView> = {}): CertificateView {
  const view = {
    version: 3,
    serialNumber: '5a'.repeat(16),
    signatureAlgorithm: '1.2.840.10045.4.3.2',
    signatureAlgorithmsMatch: true,
    issuer: nameView('CN=issuing'),
    subject: nameView(''),
    notBeforeMs: nowMs - hourMs,
    notAfterMs: nowMs + hourMs,
    publicKey: { spki: new Uint8Array(), algorithm: 'ECDSAP256' },
    basicConstraints: { critical: true, ca: false, pathLength: undefined },
    keyUsage: usageView(true, 'digitalSignature'),
    extendedKeyUsage: { critical: false, usages: [serverAuth, clientAuth] },
    subjectAltName: sanView({ uris: ['spiffe://shop.example/ns/shop/sa/cart'] }),
    nameConstraints: undefined,
    subjectKeyIdentifier: 'cc',
    authorityKeyIdentifier: 'bb',
  };
  return complete(view, overrides);
}

/** A sound authority `CN=issuing` with the key `bb`, issued by `CN=root` with the key `aa`. */
export function issuingView(overrides: Partial<CertificateView> = {}): CertificateView {
  const view = {
    version: 3,
    serialNumber: '6b'.repeat(16),
    signatureAlgorithm: '1.2.840.10045.4.3.3',
    signatureAlgorithmsMatch: true,
    issuer: nameView('CN=root'),
    subject: nameView('CN=issuing'),
    notBeforeMs: nowMs - 10 * hourMs,
    notAfterMs: nowMs + 10 * hourMs,
    publicKey: { spki: new Uint8Array(), algorithm: 'ECDSAP384' },
    basicConstraints: { critical: true, ca: true, pathLength: 0 },
    keyUsage: usageView(true, 'keyCertSign', 'cRLSign'),
    extendedKeyUsage: undefined,
    subjectAltName: sanView({ critical: false, uris: ['spiffe://shop.example'] }),
    nameConstraints: undefined,
    subjectKeyIdentifier: 'bb',
    authorityKeyIdentifier: 'aa',
  };
  return complete(view, overrides);
}

/** A sound root `CN=root` with the key `aa`. */
export function rootView(overrides: Partial<CertificateView> = {}): CertificateView {
  return issuingView({
    issuer: nameView('CN=root'),
    subject: nameView('CN=root'),
    notBeforeMs: nowMs - 100 * hourMs,
    notAfterMs: nowMs + 100 * hourMs,
    basicConstraints: { critical: true, ca: true, pathLength: undefined },
    subjectKeyIdentifier: 'aa',
    authorityKeyIdentifier: undefined,
    ...overrides,
  });
}

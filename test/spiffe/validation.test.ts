import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CertificateView,
  parseTrustDomainName,
  type Refusal,
  type Refused,
  requireSpiffeId,
  type Validated,
  validateX509Svid,
  type ValidationOptions,
} from '../../src/spiffe/index.ts';
import { arbitraryView } from './arbitrary-view.ts';
import { clientAuth, constraintsView, issuingView, leafView, nameView, nowMs, rootView, sanView, serverAuth, usageView } from './certificate-builder.ts';

const trustDomain = parseTrustDomainName('shop.example');
const id = 'spiffe://shop.example/ns/shop/sa/cart';

/** What a test chain is made of: the leaf, what it is presented with, and the roots of the bundle. */
interface Chain {
  readonly chain: readonly CertificateView[];
  readonly roots: readonly CertificateView[];
}

/** Signatures are plain facts here: a certificate is signed by the key identifier that its issuer's view has. */
const signedBy = (child: CertificateView, issuer: CertificateView): boolean => child.authorityKeyIdentifier === issuer.subjectKeyIdentifier;

function sound(overrides: { leaf?: Partial<CertificateView>; issuing?: Partial<CertificateView>; root?: Partial<CertificateView> } = {}): Chain {
  return { chain: [leafView(overrides.leaf), issuingView(overrides.issuing)], roots: [rootView(overrides.root)] };
}

function validate({ chain, roots }: Chain, options: Partial<ValidationOptions> = {}): Validated | Refused {
  return validateX509Svid(chain, { trustDomain, roots }, { nowMs, verifySignature: signedBy, ...options });
}

/** `CODE at place` of every reason. */
function reasons(result: Validated | Refused): string[] {
  const told = ({ code, certificate }: Refusal): string => `${code} at ${certificate}`;
  return result.valid ? [] : result.reasons.map(told);
}

describe('a sound chain', () => {
  test('is accepted, with its ID, its path and the first expiry', () => {
    const parts = sound();
    const result = validate(parts, { expectedId: requireSpiffeId(id) });
    if (!result.valid) throw new Error(JSON.stringify(result));
    expect(result.spiffeId.toString()).toBe(id);
    expect(result.path).toEqual([...parts.chain, ...parts.roots]);
    expect(result.validUntilMs).toBe(parts.chain[0]?.notAfterMs);
  });

  test('may end with the root, if the bundle has it', () => {
    const { chain, roots } = sound();
    expect(validate({ chain: [...chain, ...roots], roots })).toMatchObject({ valid: true, path: { length: 3 } });
  });

  test('finds its root among a hundred of one name (L19)', () => {
    const { chain } = sound();
    const others = Array.from({ length: 99 }, (_, index) => rootView({ subjectKeyIdentifier: `k${index}` }));
    expect(validate({ chain, roots: [...others, rootView()] }).valid).toBe(true);
  });

  test('may be issued by a root directly', () => {
    const leaf = leafView({ issuer: nameView('CN=root'), authorityKeyIdentifier: 'aa' });
    expect(validate({ chain: [leaf], roots: [rootView()] }).valid).toBe(true);
  });

  test('may end at an issuing authority that the bundle names as a root', () => {
    const { chain } = sound();
    const [leaf, issuing] = chain;
    if (leaf === undefined || issuing === undefined) throw new Error('no chain');
    expect(validate({ chain, roots: [issuing] })).toMatchObject({ valid: true, path: [leaf, issuing] });
  });

  test('is valid from notBefore to notAfter, both included, and not a millisecond longer (L13)', () => {
    const [leaf] = sound().chain;
    if (leaf === undefined) throw new Error('no leaf');
    expect(reasons(validate(sound(), { nowMs: leaf.notBeforeMs }))).toEqual([]);
    expect(reasons(validate(sound(), { nowMs: leaf.notAfterMs }))).toEqual([]);
    expect(reasons(validate(sound(), { nowMs: leaf.notBeforeMs - 1 }))).toEqual(['NOT_YET_VALID at 0']);
    expect(reasons(validate(sound(), { nowMs: leaf.notAfterMs + 1 }))).toEqual(['EXPIRED at 0']);
  });

  test('reads a missing basicConstraints of a leaf as cA=false', () => {
    expect(reasons(validate(sound({ leaf: { basicConstraints: undefined } })))).toEqual([]);
  });
});

describe('refused for its leaf', () => {
  test.each<[string, Partial<CertificateView>, string[], string]>([
    ['no URI', { subjectAltName: sanView({ dnsNames: ['cart'] }) }, ['LEAF_URI_COUNT at 0'], 'SPIFFE-16'],
    ['two SPIFFE IDs', { subjectAltName: sanView({ uris: [id, id] }) }, ['LEAF_URI_COUNT at 0'], 'SPIFFE-16'],
    ['an https URI beside the SPIFFE ID', { subjectAltName: sanView({ uris: [id, 'https://a/'] }) }, ['LEAF_URI_COUNT at 0'], 'SPIFFE-16'],
    ['an https URI', { subjectAltName: sanView({ uris: ['https://shop.example/cart'] }) }, ['LEAF_ID_INVALID at 0'], 'SPIFFE-16'],
    ['a bad path', { subjectAltName: sanView({ uris: ['spiffe://shop.example/a//b'] }) }, ['LEAF_ID_INVALID at 0'], 'SPIFFE-3'],
    ['the ID of the trust domain', { subjectAltName: sanView({ uris: ['spiffe://shop.example'] }) }, ['LEAF_ROOT_PATH at 0'], 'SPIFFE-16'],
    ['the root path', { subjectAltName: sanView({ uris: ['spiffe://shop.example/'] }) }, ['LEAF_ROOT_PATH at 0'], 'SPIFFE-16'],
    ['cA=true', { basicConstraints: { critical: true, ca: true, pathLength: undefined } }, ['LEAF_IS_AUTHORITY at 0'], 'SPIFFE-16'],
    ['keyCertSign', { keyUsage: usageView(true, 'digitalSignature', 'keyCertSign') }, ['LEAF_KEY_USAGE at 0'], 'SPIFFE-16'],
    ['cRLSign', { keyUsage: usageView(true, 'digitalSignature', 'cRLSign') }, ['LEAF_KEY_USAGE at 0'], 'SPIFFE-16'],
    ['no keyUsage', { keyUsage: undefined }, ['LEAF_KEY_USAGE at 0'], 'SPIFFE-10'],
    ['serverAuth alone', { extendedKeyUsage: { critical: false, usages: [serverAuth] } }, ['LEAF_EXTENDED_KEY_USAGE at 0'], 'SPIFFE-11'],
    ['clientAuth alone', { extendedKeyUsage: { critical: false, usages: [clientAuth] } }, ['LEAF_EXTENDED_KEY_USAGE at 0'], 'SPIFFE-11'],
    ['RSA of 1,024 bits', { publicKey: { spki: new Uint8Array(), algorithm: 'RSA1024' } }, ['WEAK_KEY at 0'], 'NIST SP 800-131A §3'],
    ['a SHA-1 signature', { signatureAlgorithm: '1.2.840.113549.1.1.5' }, ['SIGNATURE_ALGORITHM at 0'], 'RFC 9155 §2'],
    ['two signature algorithms', { signatureAlgorithmsMatch: false }, ['SIGNATURE_ALGORITHM at 0'], 'RFC 5280 §4.1.1.2'],
    ['an unknown critical extension', { extensions: [{ oid: '1.2.3', critical: true }] }, ['MALFORMED_EXTENSIONS at 0'], 'RFC 5280 §4.2'],
    [
      'one extension twice',
      { extensions: [{ oid: '1.2.3', critical: false }, { oid: '1.2.3', critical: false }] },
      ['MALFORMED_EXTENSIONS at 0'],
      'RFC 5280 §4.2',
    ],
    ['an issuer that nobody presented', { issuer: nameView('CN=other') }, ['ISSUER_MISMATCH at 0'], 'RFC 5280 §6.1.3 (a)(4)'],
    ['an empty issuer', { issuer: nameView('') }, ['ISSUER_MISMATCH at 0'], 'RFC 5280 §6.1.3 (a)(4)'],
    ['the key of another issuer', { authorityKeyIdentifier: 'dd' }, ['KEY_IDENTIFIER_MISMATCH at 0'], 'RFC 5280 §4.2.1.1'],
    ['a signature that is not of its issuer', { authorityKeyIdentifier: undefined }, ['SIGNATURE_INVALID at 0'], 'RFC 5280 §6.1.3 (a)(1)'],
  ])('%s', (_, leaf, codes, rule) => {
    const result = validate(sound({ leaf }));
    expect(reasons(result)).toEqual(codes);
    expect(result).toMatchObject({ valid: false, reasons: [{ rule }] });
  });

  test('another trust domain: no signature is even tried (SPIFFE-17)', () => {
    const parts = sound({ leaf: { subjectAltName: sanView({ uris: ['spiffe://other.example/cart'] }) } });
    const verifySignature = (): boolean => {
      throw new Error('tried');
    };
    expect(reasons(validate(parts, { verifySignature }))).toEqual(['WRONG_TRUST_DOMAIN at 0']);
  });

  test('another ID than the expected one', () => {
    const result = validate(sound(), { expectedId: requireSpiffeId('spiffe://shop.example/ns/shop/sa/Cart') });
    expect(reasons(result)).toEqual(['WRONG_ID at 0']);
  });

  test('every reason is told at once', () => {
    const leaf = { keyUsage: usageView(true, 'keyCertSign'), publicKey: { spki: new Uint8Array(), algorithm: 'RSA512' }, notAfterMs: nowMs - 1 };
    expect(reasons(validate(sound({ leaf })))).toEqual(['LEAF_KEY_USAGE at 0', 'LEAF_KEY_USAGE at 0', 'EXPIRED at 0', 'WEAK_KEY at 0']);
  });
});

describe('refused for an issuing authority', () => {
  const ca = { critical: true, ca: true, pathLength: undefined };
  test.each<[string, Partial<CertificateView>, string[]]>([
    ['cA=false', { basicConstraints: { ...ca, ca: false } }, ['NOT_AN_AUTHORITY at 1']],
    ['no basicConstraints', { basicConstraints: undefined }, ['NOT_AN_AUTHORITY at 1']],
    ['version 1', { version: 1 }, ['NOT_AN_AUTHORITY at 1']],
    ['no keyCertSign', { keyUsage: usageView(true, 'cRLSign') }, ['AUTHORITY_KEY_USAGE at 1']],
    ['no keyUsage', { keyUsage: undefined }, ['AUTHORITY_KEY_USAGE at 1']],
    ['serverAuth alone', { extendedKeyUsage: { critical: false, usages: [serverAuth] } }, ['AUTHORITY_EXTENDED_KEY_USAGE at 1']],
    ['a SPIFFE ID with a path', { subjectAltName: sanView({ uris: ['spiffe://shop.example/ca'] }) }, ['AUTHORITY_ID at 1']],
    ['the SPIFFE ID of another trust domain', { subjectAltName: sanView({ uris: ['spiffe://other.example'] }) }, ['AUTHORITY_ID at 1']],
    ['a malformed SPIFFE ID', { subjectAltName: sanView({ uris: ['spiffe://'] }) }, ['AUTHORITY_ID at 1']],
    ['expired', { notAfterMs: nowMs - 1 }, ['EXPIRED at 1']],
    ['from the future (L13)', { notBeforeMs: nowMs + 1 }, ['NOT_YET_VALID at 1']],
    ['RSA of 1,024 bits', { publicKey: { spki: new Uint8Array(), algorithm: 'RSA1024' } }, ['WEAK_KEY at 1']],
    ['a SHA-1 signature', { signatureAlgorithm: '1.2.840.113549.1.1.5' }, ['SIGNATURE_ALGORITHM at 1']],
    ['a critical extension that nobody knows', { extensions: [{ oid: '2.5.29.36', critical: true }] }, ['MALFORMED_EXTENSIONS at 1']],
    ['a root of another name', { issuer: nameView('CN=other root') }, ['UNTRUSTED_ROOT at 1']],
    ['another key of the root', { authorityKeyIdentifier: 'ee' }, ['UNTRUSTED_ROOT at 1']],
    ['a signature that is not of the root', { authorityKeyIdentifier: undefined }, ['SIGNATURE_INVALID at 1']],
  ])('%s', (_, issuing, codes) => {
    expect(reasons(validate(sound({ issuing })))).toEqual(codes);
  });
});

describe('refused for its root', () => {
  const ca = { critical: true, ca: true, pathLength: undefined };
  test.each<[string, Partial<CertificateView>, string[]]>([
    ['expired', { notAfterMs: nowMs - 1 }, ['EXPIRED at root']],
    ['cA=false', { basicConstraints: { ...ca, ca: false } }, ['NOT_AN_AUTHORITY at root']],
    ['a path length of 0 above an issuing authority', { basicConstraints: { ...ca, pathLength: 0 } }, ['PATH_TOO_LONG at root']],
    ['RSA of 1,024 bits', { publicKey: { spki: new Uint8Array(), algorithm: 'RSA1024' } }, ['WEAK_KEY at root']],
  ])('%s', (_, root, codes) => {
    expect(reasons(validate(sound({ root })))).toEqual(codes);
  });

  test('its own signature does not count: the bundle vouches for it', () => {
    expect(reasons(validate(sound({ root: { signatureAlgorithm: '1.2.840.113549.1.1.5' } })))).toEqual([]);
  });
});

describe('refused as a chain', () => {
  const { chain, roots } = sound();
  const [leaf, issuing] = chain as readonly [CertificateView, CertificateView];

  test.each<[string, Chain, string[]]>([
    ['empty', { chain: [], roots }, ['CHAIN_EMPTY at chain']],
    ['nine certificates', { chain: [leaf, ...Array.from({ length: 8 }, () => issuing)], roots }, ['CHAIN_TOO_LONG at chain']],
    ['a bundle without roots', { chain, roots: [] }, ['NO_ROOTS at chain']],
    ['a missing intermediate', { chain: [leaf], roots }, ['UNTRUSTED_ROOT at 0']],
    ['a root that the bundle does not have', { chain: [...chain, rootView({ subjectKeyIdentifier: 'ff' })], roots }, ['KEY_IDENTIFIER_MISMATCH at 1', 'UNTRUSTED_ROOT at 2']],
    ['a leaf that signed itself', { chain: [leafView({ subject: nameView('CN=issuing') })], roots }, ['UNTRUSTED_ROOT at 0']],
    ['a copy of the root that differs in its bytes', { chain: [...chain, rootView({ authorityKeyIdentifier: 'aa', issuer: nameView('CN=x') })], roots }, ['UNTRUSTED_ROOT at 2']],
    ['the issuing authority first', { chain: [issuing, leaf], roots }, ['LEAF_ROOT_PATH at 0', 'LEAF_IS_AUTHORITY at 0', ...Array.from({ length: 3 }, () => 'LEAF_KEY_USAGE at 0')]],
    ['a certificate that is not part of the path', { chain: [leaf, issuing, issuingView({ subject: nameView('CN=extra') })], roots }, ['ISSUER_MISMATCH at 1']],
    ['one certificate twice', { chain: [leaf, issuing, issuing], roots }, ['ISSUER_MISMATCH at 1']],
  ])('%s', (_, parts, codes) => {
    expect(reasons(validate(parts))).toEqual(codes);
  });

  test('path length counts the authorities between, and not the leaf', () => {
    const upper = issuingView({ subject: nameView('CN=upper'), subjectKeyIdentifier: 'uu', basicConstraints: { critical: true, ca: true, pathLength: 0 } });
    const lower = issuingView({ issuer: nameView('CN=upper'), authorityKeyIdentifier: 'uu' });
    expect(reasons(validate({ chain: [leaf, lower, upper], roots }))).toEqual(['PATH_TOO_LONG at 2']);
    const roomy = { ...upper, basicConstraints: { critical: true, ca: true, pathLength: 1 } };
    expect(reasons(validate({ chain: [leaf, lower, roomy], roots }))).toEqual([]);
  });
});

describe('name constraints (RFC 5280 §4.2.1.10)', () => {
  const dns = (name: string): Partial<CertificateView> => ({ subjectAltName: sanView({ uris: [id], dnsNames: [name] }) });
  const ip = { subjectAltName: sanView({ uris: ['spiffe://10.0.0.1/cart'] }) };
  test.each<[string, Parameters<typeof constraintsView>[0], Partial<CertificateView>, boolean]>([
    ['the host of the trust domain', { permittedUris: ['shop.example'] }, {}, true],
    ['another host', { permittedUris: ['other.example'] }, {}, false],
    ['a host is not its subdomains', { permittedUris: ['example'] }, {}, false],
    ['a leading dot is subdomains', { permittedUris: ['.example'] }, {}, true],
    ['a leading dot is not the host itself', { permittedUris: ['.shop.example'] }, {}, false],
    ['one of several', { permittedUris: ['other.example', 'SHOP.example'] }, {}, true],
    ['an excluded host', { excludedUris: ['shop.example'] }, {}, false],
    ['excluded before permitted', { permittedUris: ['shop.example'], excludedUris: ['.example'] }, {}, false],
    ['everything excluded', { excludedUris: [''] }, {}, false],
    ['a permitted DNS name', { permittedDnsNames: ['shop.svc'] }, dns('cart.shop.svc'), true],
    ['the permitted DNS name itself', { permittedDnsNames: ['shop.svc'] }, dns('shop.svc'), true],
    ['a DNS name that only ends alike', { permittedDnsNames: ['shop.svc'] }, dns('evilshop.svc'), false],
    ['another DNS name', { permittedDnsNames: ['shop.svc'] }, dns('cart.other.svc'), false],
    ['no DNS name under DNS constraints', { permittedDnsNames: ['shop.svc'] }, {}, true],
    ['an excluded DNS name', { excludedDnsNames: ['shop.svc'] }, dns('CART.shop.svc'), false],
    ['a wildcard that reaches an excluded name', { excludedDnsNames: ['db.shop.svc'] }, dns('*.shop.svc'), false],
    ['types that cannot be applied', { others: 1 }, {}, false],
  ])('%s', (_, constraints, leaf, holds) => {
    const expected = holds ? [] : ['NAME_CONSTRAINTS at 0'];
    const issuing = { subjectAltName: undefined };
    expect(reasons(validate(sound({ leaf, issuing: { ...issuing, nameConstraints: constraintsView(constraints) } })))).toEqual(expected);
  });

  test('those of the root hold for the issuing authority too', () => {
    const nameConstraints = constraintsView({ permittedUris: ['other.example'] });
    expect(reasons(validate(sound({ root: { nameConstraints } })))).toEqual(['NAME_CONSTRAINTS at 0', 'NAME_CONSTRAINTS at 1']);
  });

  test('a trust domain that is an address cannot be compared, and is refused', () => {
    const parts = sound({ leaf: ip, issuing: { subjectAltName: undefined, nameConstraints: constraintsView({ permittedUris: ['10.0.0.1'] }) } });
    const result = validateX509Svid(parts.chain, { trustDomain: parseTrustDomainName('10.0.0.1'), roots: [rootView({ subjectAltName: undefined })] }, { nowMs, verifySignature: signedBy });
    expect(reasons(result)).toEqual(['NAME_CONSTRAINTS at 0']);
  });
});

test('validation never throws, and whatever it accepts keeps SPIFFE-16', () => {
  const chain = fc.array(arbitraryView, { maxLength: 4 });
  fc.assert(
    fc.property(chain, fc.array(arbitraryView, { maxLength: 3 }), fc.boolean(), (chain, roots, signed) => {
      const result = validateX509Svid(chain, { trustDomain: parseTrustDomainName('a'), roots }, { nowMs, verifySignature: () => signed });
      if (result.valid) expect(chain[0]?.basicConstraints?.ca ?? false).toBe(false);
      else expect(result.reasons.length).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});

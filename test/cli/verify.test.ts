import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { verifyCommand } from '../../src/cli/verify.ts';
import { encodeSpiffeBundle, parseTrustDomainName } from '../../src/spiffe/index.ts';
import { type Certificate, parseCertificate, parsePem } from '../../src/x509/index.ts';
import { cartId, type Made, type Making, OpensslFolder, opensslIsThere, type Outcome, type Run, runCli } from './verify-fixtures.ts';

const dayMs = 86_400_000;

function certificateIn(file: string): Certificate {
  const [block] = parsePem(readFileSync(file, 'utf8'));
  return parseCertificate(block?.der ?? new Uint8Array());
}

describe.skipIf(!opensslIsThere())('mtlsd verify', () => {
  const openssl = new OpensslFolder();
  afterAll(() => openssl[Symbol.dispose]());
  // Authorities outlive the leaf, even when a second passes between making them.
  const root = openssl.root({ days: 60 });
  const issuing = openssl.issuing(root, { days: 60 });
  const leaf = openssl.leaf(issuing);
  const chain = openssl.join('tls.crt', leaf.certificate, issuing.certificate);
  const nowMs = certificateIn(leaf.certificate).notBeforeMs + 60_000;

  const verify = (args: readonly string[], run: Partial<Run> = {}): Promise<Outcome> => runCli(verifyCommand, args, { nowMs, ...run });
  const against = (...files: readonly string[]): Promise<Outcome> => verify(['--bundle', root.certificate, openssl.join('chain.pem', ...files), '--output', 'json']);

  describe('accepts', () => {
    test('a sound chain, and says until when and whose claim the trust domain is', async () => {
      const outcome = await verify(['--bundle', root.certificate, chain]);
      expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
      expect(outcome.stdout).toContain(`valid  ${chain}: ${cartId}\n`);
      expect(outcome.stdout).toContain("shop.example is the leaf's own claim");
    });

    test('the expected ID or trust domain, without a word about claims', async () => {
      for (const option of [['--spiffe-id', cartId], ['--trust-domain', 'shop.example']]) {
        const outcome = await verify(['--bundle', root.certificate, chain, ...option]);
        expect(outcome.exitCode).toBe(0);
        expect(outcome.stdout).not.toContain('claim');
      }
    });

    test('a credential bundle (its key is left alone), standard input, and a presented root', async () => {
      const bundle = openssl.join('credential-bundle.pem', leaf.key, leaf.certificate, issuing.certificate, root.certificate);
      expect((await verify(['--bundle', root.certificate, bundle])).exitCode).toBe(0);
      expect((await verify(['--bundle', root.certificate, '-'], { stdin: readFileSync(chain) })).exitCode).toBe(0);
    });

    test('a SPIFFE bundle, and one DER certificate issued by the root', async () => {
      const direct = openssl.leaf(root);
      const der = openssl.write('leaf.der', certificateIn(direct.certificate).der);
      const bundle = { trustDomain: parseTrustDomainName('shop.example'), x509Roots: [certificateIn(root.certificate).der], jwtKeys: [], sequence: 1n, refreshHintSeconds: 60 };
      const json = openssl.write('bundle.json', encodeSpiffeBundle(bundle));
      expect((await verify(['--bundle', json, der])).exitCode).toBe(0);
      const empty = openssl.write('revoked.json', encodeSpiffeBundle({ ...bundle, x509Roots: [] }));
      const refused = await verify(['--bundle', empty, der]);
      expect(refused).toMatchObject({ exitCode: 1 });
      expect(refused.stdout).toContain('NO_ROOTS');
    });

    test.each([
      ['P-384', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384']],
      ['P-521', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521']],
      ['Ed25519', ['-algorithm', 'ED25519']],
      ['RSA-2048', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']],
    ])('a chain of %s keys throughout', async (_, key) => {
      const top = openssl.root({ key });
      const middle = openssl.issuing(top, { key });
      const bottom = openssl.leaf(middle, { key });
      const file = openssl.join('keys.pem', bottom.certificate, middle.certificate);
      expect(await verify(['--bundle', top.certificate, file])).toMatchObject({ exitCode: 0 });
    });

    test('name constraints that permit the trust domain', async () => {
      const constrained = openssl.issuing(root, { extensions: { nameConstraints: 'critical,permitted;URI:shop.example' } });
      expect(await against(openssl.leaf(constrained).certificate, constrained.certificate)).toMatchObject({ exitCode: 0 });
    });

    test('as JSON', async () => {
      const { stdout } = await verify(['--bundle', root.certificate, chain, '--output', 'json']);
      expect(JSON.parse(stdout)).toMatchObject({ valid: true, spiffeId: cartId, trustDomain: 'shop.example', assumedTrustDomain: true, path: { length: 3 } });
    });
  });

  /** What is wrong with the leaf, and nothing else is. */
  const leafDefects: readonly [name: string, making: Making, code: string, rule: string][] = [
    ['two-uris', { extensions: { subjectAltName: `critical,URI:${cartId},URI:${cartId}2` } }, 'LEAF_URI_COUNT', 'SPIFFE-16'],
    ['https-uri-beside-spiffe-id', { extensions: { subjectAltName: `critical,URI:${cartId},URI:https://a/` } }, 'LEAF_URI_COUNT', 'SPIFFE-16'],
    ['no-uri', { extensions: { subjectAltName: 'critical,DNS:cart.shop.svc' } }, 'LEAF_URI_COUNT', 'SPIFFE-16'],
    ['no-san', { subject: 'CN=cart', extensions: { subjectAltName: undefined } }, 'LEAF_URI_COUNT', 'SPIFFE-16'],
    ['https-uri', { extensions: { subjectAltName: 'critical,URI:https://shop.example/cart' } }, 'LEAF_ID_INVALID', 'SPIFFE-16'],
    ['upper-case-trust-domain', { extensions: { subjectAltName: 'critical,URI:spiffe://Shop.example/cart' } }, 'LEAF_ID_INVALID', 'SPIFFE-5'],
    ['root-path', { extensions: { subjectAltName: 'critical,URI:spiffe://shop.example' } }, 'LEAF_ROOT_PATH', 'SPIFFE-16'],
    ['leaf-is-authority', { extensions: { basicConstraints: 'critical,CA:TRUE' } }, 'LEAF_IS_AUTHORITY', 'SPIFFE-16'],
    ['leaf-with-cert-sign', { extensions: { keyUsage: 'critical,digitalSignature,keyCertSign' } }, 'LEAF_KEY_USAGE', 'SPIFFE-16'],
    ['leaf-with-crl-sign', { extensions: { keyUsage: 'critical,digitalSignature,cRLSign' } }, 'LEAF_KEY_USAGE', 'SPIFFE-16'],
    ['leaf-without-digital-signature', { extensions: { keyUsage: 'critical,keyAgreement' } }, 'LEAF_KEY_USAGE', 'SPIFFE-10'],
    ['leaf-without-key-usage', { extensions: { keyUsage: undefined } }, 'LEAF_KEY_USAGE', 'SPIFFE-10'],
    ['server-auth-alone', { extensions: { extendedKeyUsage: 'serverAuth' } }, 'LEAF_EXTENDED_KEY_USAGE', 'SPIFFE-11'],
    ['sha-1-signature', { sign: ['-sha1'] }, 'SIGNATURE_ALGORITHM', 'RFC 9155 §2'],
    ['rsa-1024-key', { key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'] }, 'WEAK_KEY', 'NIST SP 800-131A §3'],
    ['secp256k1-key', { key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1'] }, 'WEAK_KEY', 'NIST SP 800-131A §3'],
    ['unknown-critical-extension', { extensions: { '1.2.3.4': 'critical,ASN1:NULL' } }, 'MALFORMED_EXTENSIONS', 'RFC 5280 §4.2'],
  ];

  test.each(leafDefects)('refuses %s', async (_, making, code, rule) => {
    const outcome = await against(openssl.leaf(issuing, making).certificate, issuing.certificate);
    expect(outcome.exitCode).toBe(1);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ valid: false, reasons: expect.arrayContaining([expect.objectContaining({ code, rule, certificate: 0 })]) as unknown });
  });

  /** What is wrong with the issuing authority, and nothing else is. */
  const issuingDefects: readonly [name: string, making: Making, code: string, certificate: number][] = [
    ['issuing-is-no-authority', { extensions: { basicConstraints: 'critical,CA:FALSE' } }, 'NOT_AN_AUTHORITY', 1],
    ['issuing-without-basic-constraints', { extensions: { basicConstraints: undefined } }, 'NOT_AN_AUTHORITY', 1],
    ['issuing-without-cert-sign', { extensions: { keyUsage: 'critical,cRLSign' } }, 'AUTHORITY_KEY_USAGE', 1],
    ['issuing-for-servers-only', { extensions: { extendedKeyUsage: 'serverAuth' } }, 'AUTHORITY_EXTENDED_KEY_USAGE', 1],
    ['issuing-of-another-trust-domain', { extensions: { subjectAltName: 'URI:spiffe://other.example' } }, 'AUTHORITY_ID', 1],
    ['trust-domain-not-permitted', { extensions: { nameConstraints: 'critical,permitted;URI:other.example' } }, 'NAME_CONSTRAINTS', 0],
    ['trust-domain-excluded', { extensions: { nameConstraints: 'critical,excluded;URI:shop.example' } }, 'NAME_CONSTRAINTS', 0],
    ['constraints-of-another-type', { extensions: { nameConstraints: 'critical,permitted;IP:10.0.0.0/255.0.0.0' } }, 'NAME_CONSTRAINTS', 0],
    ['issuing-rsa-1024', { key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'] }, 'WEAK_KEY', 1],
  ];

  test.each(issuingDefects)('refuses %s', async (_, making, code, certificate) => {
    const defective = openssl.issuing(root, making);
    const outcome = await against(openssl.leaf(defective).certificate, defective.certificate);
    expect(outcome.exitCode).toBe(1);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ valid: false, reasons: [{ code, certificate }] });
  });

  /** Chains whose certificates are sound, and do not belong together. */
  const otherRoot = openssl.root();
  const deep = openssl.issuing(root, { subject: 'CN=deep' });
  const deeper = openssl.issuing(deep, { subject: 'CN=deeper' });
  const imposter = openssl.issuing(otherRoot);
  const withoutKeyIdentifier: Making = { extensions: { authorityKeyIdentifier: 'none' } };
  const chainDefects: readonly [name: string, files: readonly Made[], code: string, ...more: string[]][] = [
    ['missing-intermediate', [leaf], 'UNTRUSTED_ROOT'],
    ['root-of-that-name-and-another-key', [openssl.leaf(imposter), imposter], 'UNTRUSTED_ROOT'],
    ['root-that-is-not-in-the-bundle', [openssl.leaf(otherRoot), otherRoot], 'UNTRUSTED_ROOT'],
    ['path-length-exceeded', [openssl.leaf(deeper), deeper, deep], 'PATH_TOO_LONG'],
    ['wrong-order', [leaf, root, issuing], 'ISSUER_MISMATCH', 'ISSUER_MISMATCH'],
    ['certificate-that-is-not-in-the-path', [leaf, issuing, deep], 'ISSUER_MISMATCH'],
    ['same-name-and-another-key', [openssl.leaf(imposter), issuing], 'KEY_IDENTIFIER_MISMATCH'],
    ['signed-by-another-key-without-key-identifier', [openssl.leaf(otherRoot, withoutKeyIdentifier)], 'SIGNATURE_INVALID'],
    ['nine-certificates', [leaf, issuing, issuing, issuing, issuing, issuing, issuing, issuing, issuing], 'CHAIN_TOO_LONG'],
  ];

  test.each(chainDefects)('refuses %s', async (_, files, ...codes) => {
    const outcome = await against(...files.map((made) => made.certificate));
    expect(outcome.exitCode).toBe(1);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ valid: false, reasons: codes.map((code) => ({ code })) });
  });

  test('refuses one flipped bit of the signature', async () => {
    const der = new Uint8Array(certificateIn(leaf.certificate).der);
    der[der.length - 3] = (der.at(-3) ?? 0) ^ 1;
    const body = Buffer.from(der).toString('base64').replaceAll(/.{64}/gu, '$&\n');
    const flipped = openssl.write('flipped.pem', `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`);
    const outcome = await against(flipped, issuing.certificate);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stdout).toContain('SIGNATURE_INVALID');
  });

  test('accepts no certificate in which a single byte was changed', async () => {
    const der = certificateIn(openssl.leaf(root).certificate).der;
    expect(await verify(['--bundle', root.certificate, '-'], { stdin: der })).toMatchObject({ exitCode: 0 });
    await fc.assert(
      fc.asyncProperty(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), async (at, difference) => {
        const changed = Buffer.from(der);
        changed[at] = (changed[at] ?? 0) ^ difference;
        const { exitCode } = await verify(['--bundle', root.certificate, '-'], { stdin: changed });
        expect([1, 2]).toContain(exitCode);
      }),
      { numRuns: 200 },
    );
  });

  describe('time', () => {
    const at = (ms: number): Promise<Outcome> => verify(['--bundle', root.certificate, chain, '--at', new Date(ms).toISOString()]);
    const { notBeforeMs, notAfterMs } = certificateIn(leaf.certificate);

    test('is exact: no leeway on either side', async () => {
      expect((await at(notBeforeMs)).exitCode).toBe(0);
      expect((await at(notAfterMs)).exitCode).toBe(0);
      expect((await at(notBeforeMs - 1)).stdout).toContain('NOT_YET_VALID');
      expect((await at(notAfterMs + 1)).stdout).toContain('EXPIRED');
    });

    test('counts for the authorities too', async () => {
      const brief = openssl.issuing(root, { days: 1 });
      const file = openssl.join('brief.pem', openssl.leaf(brief).certificate, brief.certificate);
      const outcome = await verify(['--bundle', root.certificate, file], { nowMs: nowMs + 2 * dayMs });
      expect(outcome.exitCode).toBe(1);
      expect(outcome.stdout).toMatch(/Intermediate 1 \(CN=issuing\) expired/u);
      expect(outcome.stdout).not.toContain('The leaf');
    });
  });

  test('refuses another ID and another trust domain', async () => {
    const id = await verify(['--bundle', root.certificate, chain, '--spiffe-id', `${cartId}2`]);
    expect(id).toMatchObject({ exitCode: 1 });
    expect(id.stdout).toContain('WRONG_ID');
    const domain = await verify(['--bundle', root.certificate, chain, '--trust-domain', 'other.example']);
    expect(domain).toMatchObject({ exitCode: 1 });
    expect(domain.stdout).toContain('SPIFFE-17; WRONG_TRUST_DOMAIN');
  });

  test('escapes what a stranger wrote into a name', async () => {
    const hostile = openssl.leaf(issuing, { extensions: { subjectAltName: undefined }, subject: 'CN=\u001b[2J' });
    const outcome = await verify(['--bundle', root.certificate, hostile.certificate], { isTerminal: true });
    expect(outcome.stdout).not.toContain('\u001b[2J');
  });

  describe('cannot be answered, with status 2', () => {
    const bundle = ['--bundle', root.certificate];
    const empty = openssl.write('empty.pem', '');
    const garbage = openssl.write('garbage', 'hello\n');
    const huge = openssl.write('huge.pem', Buffer.alloc(1024 * 1024 + 1, 0x20));
    const halfWritten = openssl.write('half.pem', readFileSync(chain, 'utf8').slice(0, -40));
    const twoLeaves = openssl.join('two.pem', leaf.certificate, openssl.leaf(issuing).certificate);
    const request = openssl.request('/CN=x', `URI:${cartId}`);

    test.each<[string, readonly string[], string]>([
      ['a missing file', [...bundle, '/nowhere/tls.crt'], 'does not exist'],
      ['a folder', [...bundle, openssl.path], `${openssl.path}/tls.crt`],
      ['an empty file', [...bundle, empty], 'is empty'],
      ['an empty standard input', [...bundle, '-'], 'Standard input is empty'],
      ['garbage', [...bundle, garbage], 'PEM'],
      ['more than 1 MiB', [...bundle, huge], 'larger than 1 MiB'],
      ['a half-written file', [...bundle, halfWritten], 'END line'],
      ['two leaves', [...bundle, twoLeaves], 'Certificates 1 and 2 are leaves'],
      ['a private key alone', [...bundle, leaf.key], 'holds no certificate'],
      ['a request', [...bundle, request.certificate], 'holds no certificate'],
      ['a missing bundle', ['--bundle', '/nowhere/ca.crt', chain], '/nowhere/ca.crt does not exist'],
      ['a bundle that is a private key', ['--bundle', root.key, chain], 'holds a private key'],
      ['a bundle that is the chain itself', ['--bundle', chain, chain], 'holds the certificate of a workload: give a file of root certificates only'],
      ['a bundle that is a request', ['--bundle', request.certificate, chain], 'holds no certificate'],
      ['a bundle in JSON that is none', ['--bundle', openssl.write('x.json', '{"kind":"Secret"}'), chain], 'has no "keys"'],
      ['a chain in JSON', [...bundle, openssl.write('y.json', '{}')], '--bundle'],
      ['both from standard input', ['--bundle', '-', '-'], 'read once'],
      ['no bundle option', [chain], '--bundle'],
      ['no file', [...bundle], "missing required argument 'file'"],
      ['a bad SPIFFE ID', [...bundle, chain, '--spiffe-id', 'cart'], 'spiffe://'],
      ['the ID of a trust domain', [...bundle, chain, '--spiffe-id', 'spiffe://shop.example'], 'use --trust-domain shop.example'],
      ['a bad trust domain', [...bundle, chain, '--trust-domain', 'Shop'], 'write "shop"'],
      ['both an ID and a trust domain', [...bundle, chain, '--spiffe-id', cartId, '--trust-domain', 'shop.example'], 'cannot be used with'],
      ['a time without a zone', [...bundle, chain, '--at', '2026-11-25T10:00:00'], 'with the zone'],
      ['a day that does not exist', [...bundle, chain, '--at', '2026-02-30'], 'is no time'],
      ['words for a time', [...bundle, chain, '--at', 'tomorrow'], 'is no time'],
      ['an unknown format', [...bundle, chain, '--output', 'yaml'], 'text, json'],
    ])('%s', async (_, args, hint) => {
      const outcome = await verify(args);
      expect(outcome.exitCode).toBe(2);
      expect(outcome.stdout).toBe('');
      expect(outcome.stderr).toContain(hint);
    });
  });
});

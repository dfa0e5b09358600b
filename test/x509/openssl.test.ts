import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Certificate, encodePem, keyAlgorithms, keyPairFromPem, parseCertificate, parseCertificateRequest, parsePem, validatePublicKey, verifySignature } from '../../src/x509/index.ts';
import { dayMs, issueLeaf, keyOf, leafFields, makeHierarchy, startMs } from './hierarchy.ts';
import { expectSameReading } from './second-opinion.ts';

// OpenSSL's command line judges what we make, and makes what we read.
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mtlsd-x509-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function openssl(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

const write = (name: string, ...certificates: readonly Certificate[]): string => {
  writeFileSync(join(folder, name), certificates.map(({ der }) => encodePem('CERTIFICATE', der)).join(''));
  return name;
};

const readFirst = (pem: string): Uint8Array => parsePem(pem)[0]?.der ?? new Uint8Array(0);

const pairs = keyAlgorithms.flatMap((authority) => keyAlgorithms.map((leaf) => ({ leaf, authority })));

describe.skipIf(!hasOpenssl)('OpenSSL verifies by the letter', () => {
  test.each(pairs)('$leaf leaf by $authority', async ({ leaf, authority }) => {
    const hierarchy = await makeHierarchy(authority);
    const issued = issueLeaf(hierarchy, leafFields((await keyOf(leaf)).publicKey));
    const [root, chain] = [write('root.pem', hierarchy.root), write('chain.pem', issued, hierarchy.issuing)];
    const verify = (atMs: number, purpose: string): string =>
      openssl('verify', '-x509_strict', '-attime', String(atMs / 1000), '-purpose', purpose, '-CAfile', root, '-untrusted', chain, chain);
    expect(verify(startMs + 1000, 'sslserver')).toBe('chain.pem: OK\n');
    expect(verify(startMs + dayMs - 1000, 'sslclient')).toBe('chain.pem: OK\n');
    expect(() => verify(startMs + dayMs + 1000, 'sslserver')).toThrow('certificate has expired');
  });

  test('a chain across 2050', async () => {
    const from = Date.UTC(2049, 11, 31);
    const hierarchy = await makeHierarchy('ECDSAP256', from);
    const fields = leafFields((await keyOf('ED25519')).publicKey, { notBeforeMs: from + 1000, notAfterMs: from + 2 * dayMs });
    const [root, chain] = [write('root.pem', hierarchy.root), write('chain.pem', issueLeaf(hierarchy, fields), hierarchy.issuing)];
    const at = String(from / 1000 + 100_000);
    expect(openssl('verify', '-x509_strict', '-attime', at, '-CAfile', root, '-untrusted', chain, chain)).toBe('chain.pem: OK\n');
  });
});

describe.skipIf(!hasOpenssl)('OpenSSL reads', () => {
  test('what was meant', async () => {
    const hierarchy = await makeHierarchy('ECDSAP256');
    const issued = issueLeaf(hierarchy, leafFields((await keyOf('ECDSAP384')).publicKey, { serialNumber: new Uint8Array(16).fill(0xab) }));
    const text = openssl('x509', '-in', write('leaf.pem', issued), '-noout', '-text');
    expect(text).toContain(`Serial Number:\n            ${Array.from({ length: 16 }, () => 'ab').join(':')}`);
    expect(text).toContain('Version: 3 (0x2)');
    expect(text).toContain('Issuer: CN = shop.example issuing 1');
    expect(text).toContain('Not Before: Jan  1 00:00:00 2030 GMT\n            Not After : Jan  2 00:00:00 2030 GMT');
    expect(text).toMatch(/Subject: *\n/);
    expect(text).toContain('X509v3 Basic Constraints: critical\n                CA:FALSE\n');
    expect(text).toContain('X509v3 Key Usage: critical\n                Digital Signature\n');
    expect(text).toContain('X509v3 Extended Key Usage: \n                TLS Web Server Authentication, TLS Web Client Authentication\n');
    expect(text).toContain(
      'X509v3 Subject Alternative Name: critical\n                URI:spiffe://shop.example/ns/shop/sa/cart, DNS:cart.shop.svc, DNS:cart.shop.svc.cluster.local\n',
    );
  });
});

describe.skipIf(!hasOpenssl)('we read what OpenSSL makes', () => {
  const keyOptions = {
    ECDSAP256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    ECDSAP384: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
    ECDSAP521: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
    ED25519: ['-algorithm', 'ED25519'],
    RSA2048: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
    RSA3072: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'],
    RSA4096: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:4096'],
  } as const;
  const names = 'subjectAltName=URI:spiffe://shop.example/cart,DNS:cart.shop.svc,IP:10.0.0.1,IP:2001:db8::1,email:a@b.example,RID:1.2.3.4';

  test.each(keyAlgorithms)('%s: key, request and certificate', (algorithm) => {
    const key = openssl('genpkey', ...keyOptions[algorithm]);
    writeFileSync(join(folder, 'key.pem'), key);
    const pair = keyPairFromPem(key);
    expect(pair.algorithm).toBe(algorithm);
    const subject = ['-key', 'key.pem', '-subj', '/C=DE/O=Shop, Inc./CN=cart', '-addext', names];
    const request = parseCertificateRequest(readFirst(openssl('req', '-new', ...subject)));
    expect(request).toMatchObject({ signatureValid: true, subject: { text: 'CN=cart,O=Shop\\, Inc.,C=DE' } });
    expect(request.subjectAltName).toMatchObject({ uris: ['spiffe://shop.example/cart'], ipAddresses: ['10.0.0.1', '2001:db8::1'], others: 1 });
    expect(validatePublicKey(request.publicKey.spki)).toEqual(pair.publicKey);

    const constraints = ['-addext', 'nameConstraints=critical,permitted;URI:.example,excluded;DNS:bad.example,permitted;IP:10.0.0.0/255.0.0.0'];
    const usage = ['-addext', 'keyUsage=critical,keyCertSign,decipherOnly,keyAgreement', '-addext', 'extendedKeyUsage=serverAuth,1.2.3.4'];
    const certificate = parseCertificate(readFirst(openssl('req', '-new', '-x509', ...subject, ...constraints, ...usage)));
    expectSameReading(certificate);
    expect(verifySignature(certificate, certificate)).toBe(true);
    expect(certificate.nameConstraints).toEqual({
      critical: true,
      permittedUris: ['.example'],
      excludedUris: [],
      permittedDnsNames: [],
      excludedDnsNames: ['bad.example'],
      others: 1,
    });
  }, 60_000);
});

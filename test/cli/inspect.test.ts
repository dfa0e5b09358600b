import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { inspectCommand } from '../../src/cli/inspect.ts';
import type { InspectReport } from '../../src/cli/inspect-report.ts';
import { encodeSpiffeBundle, parseTrustDomainName, type PublicJwk } from '../../src/spiffe/index.ts';
import { type Certificate, parseCertificate, parsePem } from '../../src/x509/index.ts';
import { cartId, OpensslFolder, opensslIsThere, type Outcome, type Run, runCli } from './verify-fixtures.ts';

const dayMs = 86_400_000;

function certificateIn(file: string): Certificate {
  const [block] = parsePem(readFileSync(file, 'utf8'));
  return parseCertificate(block?.der ?? new Uint8Array());
}

describe.skipIf(!opensslIsThere())('mtlsd inspect', () => {
  const openssl = new OpensslFolder();
  afterAll(() => openssl[Symbol.dispose]());
  const root = openssl.root();
  const issuing = openssl.issuing(root);
  const leaf = openssl.leaf(issuing);
  const other = openssl.leaf(issuing);
  const nowMs = certificateIn(leaf.certificate).notBeforeMs + dayMs;

  const inspect = (args: readonly string[], run: Partial<Run> = {}): Promise<Outcome> => runCli(inspectCommand, args, { nowMs, ...run });
  const report = async (...args: readonly string[]): Promise<InspectReport> =>
    JSON.parse((await inspect([...args, '--output', 'json'])).stdout) as InspectReport;

  test('tells a chain: what, whose, how long, and that its links hold', async () => {
    const file = openssl.join('tls.crt', leaf.certificate, issuing.certificate);
    const outcome = await inspect([file]);
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
    expect(outcome.stdout).toContain(`${file}: a chain of 2 certificates (PEM)\n`);
    expect(outcome.stdout).toContain(`1. leaf  ${cartId}\n`);
    expect(outcome.stdout).toMatch(/life left {2}29d 0h of 30d 0h \(96 %\)/u);
    expect(outcome.stdout).toMatch(/signed by {2}certificate 2/u);
    expect(outcome.stdout.match(/rules {6}all hold/gu)).toHaveLength(2);
  });

  test('aligns the values of a certificate in one column, and colours them in a terminal alone', async () => {
    const plain = (await inspect([leaf.certificate])).stdout;
    const lines = plain.split('\n').filter((line) => line.startsWith('   '));
    expect(lines).toHaveLength(9);
    for (const line of lines) expect(line).toMatch(/^ {3}\S.{8} {2}\S/u);
    expect(plain).toBe(stripVTControlCharacters(plain));
    const coloured = (await inspect([leaf.certificate], { isTerminal: true })).stdout;
    expect(coloured).not.toBe(plain);
    expect(stripVTControlCharacters(coloured)).toBe(plain);
  });

  test.each([
    ['one DER certificate', () => openssl.write('leaf.der', certificateIn(leaf.certificate).der), 'the certificate of a workload (leaf) (DER)'],
    ['a root', () => root.certificate, 'the certificate of an authority (PEM)'],
    ['a bundle of roots, which is no chain', () => openssl.join('ca.crt', root.certificate, openssl.root().certificate), 'the certificates of 2 authorities (PEM)'],
    ['a credential bundle', () => openssl.join('cb.pem', leaf.key, leaf.certificate, issuing.certificate), 'credential bundle: a private key and a chain of 2 certificates (PEM)'],
    ['a private key', () => leaf.key, '1 private key (PEM)'],
    ['a request', () => openssl.request('/CN=cart', `URI:${cartId}`).certificate, '1 certificate signing request (PEM)'],
    ['text in front of a certificate', () => openssl.join('text.pem', openssl.write('text', 'a note\n'), leaf.certificate), 'the certificate of a workload (leaf) (PEM)'],
    ['CRLF line ends', () => openssl.write('crlf.pem', readFileSync(leaf.certificate, 'utf8').replaceAll('\n', '\r\n')), 'the certificate of a workload (leaf) (PEM)'],
  ])('knows %s', async (_, make, what) => {
    const file = make();
    expect(await report(file)).toMatchObject({ file, what, problems: [], sound: true });
    expect((await inspect([file])).exitCode).toBe(0);
    expect(await inspect(['-'], { stdin: readFileSync(file) })).toMatchObject({ exitCode: 0 });
  });

  test('knows a SPIFFE bundle, and what readers leave out of it', async () => {
    const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }) as PublicJwk;
    const bundle = {
      trustDomain: parseTrustDomainName('shop.example'),
      x509Roots: [certificateIn(root.certificate).der],
      jwtKeys: [{ keyId: 'k1', jwk }],
      sequence: 2n ** 64n - 1n,
      refreshHintSeconds: 300,
    };
    const file = openssl.write('bundle.json', encodeSpiffeBundle(bundle));
    expect(await report(file)).toMatchObject({
      what: 'SPIFFE bundle: 1 X.509 root, 1 JWT key (JSON)',
      bundle: { sequence: '18446744073709551615', refreshHintSeconds: 300, jwtKeys: [{ keyId: 'k1', type: 'EC P-256' }], dropped: [] },
      certificates: [{ role: 'authority', subject: 'CN=root', findings: [] }],
      sound: true,
    });
    const text = (await inspect([file])).stdout;
    expect(text).toContain('18446744073709551615');
    expect(text).toContain('k1 (EC P-256)');
    const incomplete = openssl.write('incomplete.json', '{"keys":[{"kty":"EC","use":"sig"}]}');
    expect(await inspect([incomplete])).toMatchObject({ exitCode: 1 });
    expect((await report(incomplete)).problems).toEqual([
      'Readers leave out an element: keys[0] has the unknown use "sig" (SPIFFE-21). Have the publisher correct it.',
      'The bundle is empty: everything of its trust domain is revoked (SPIFFE-18).',
    ]);
  });

  test('tells each broken rule with its citation and what to do', async () => {
    const broken = openssl.leaf(issuing, { extensions: { keyUsage: 'digitalSignature', extendedKeyUsage: 'serverAuth' } });
    const { exitCode, stdout } = await inspect([broken.certificate]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('✗ SPIFFE-10.critical (X509-SVID §4.3)\n     It has a keyUsage that is not critical.\n     Issue it with');
    expect(stdout).toContain('✗ SPIFFE-11 (X509-SVID §4.4)\n');
  });

  test('a warning alone is no failure', async () => {
    const warned = openssl.leaf(issuing, { extensions: { subjectAltName: `critical,URI:${cartId},DNS:*.shop.svc` } });
    const { exitCode, stdout } = await inspect([warned.certificate]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('! HOUSE-dns-names');
  });

  test('a leaf that is marked as an authority is judged as the leaf that it is', async () => {
    const authority = openssl.leaf(issuing, { extensions: { basicConstraints: 'critical,CA:TRUE', keyUsage: 'critical,digitalSignature,keyCertSign' } });
    const { certificates } = await report(authority.certificate);
    expect(certificates[0]).toMatchObject({ role: 'leaf', findings: [{ rule: 'SPIFFE-9' }, { rule: 'SPIFFE-10.no-signing' }] });
  });

  describe('finds what is wrong with the whole', () => {
    test.each<[string, () => string, string]>([
      ['a key of another certificate (L5)', () => openssl.join('mixed.pem', other.key, leaf.certificate, issuing.certificate), 'The private key does not belong to certificate 1'],
      ['a key of another kind', () => openssl.join('kind.pem', openssl.key(['-algorithm', 'ED25519']), leaf.certificate), 'The private key does not belong to certificate 1'],
      ['a chain in the wrong order', () => openssl.join('order.pem', leaf.certificate, root.certificate, issuing.certificate), 'Certificate 1 was issued by CN=issuing'],
      ['an issuer of that name and another key', () => openssl.join('alike.pem', leaf.certificate, openssl.issuing(root).certificate), 'Certificate 1 names another key of its issuer'],
      ['a request that another key signed', () => forgedRequest(), 'The request is not signed by the key in it'],
      ['a request with a weak key', () => weakRequest(), 'The public key is refused'],
    ])('%s', async (_, make, problem) => {
      const file = make();
      const { problems } = await report(file);
      expect(problems.some((sentence) => sentence.startsWith(problem))).toBe(true);
      const outcome = await inspect([file]);
      expect(outcome.exitCode).toBe(1);
      expect(outcome.stdout).toContain(`✗ ${problem}`);
    });

    test('a certificate that has expired, and one that is not valid yet', async () => {
      const later = await inspect([leaf.certificate], { nowMs: nowMs + 100 * dayMs });
      expect(later).toMatchObject({ exitCode: 1 });
      expect(later.stdout).toContain('life left  expired 71d 0h ago');
      const earlier = await inspect([leaf.certificate], { nowMs: nowMs - 2 * dayMs });
      expect(earlier).toMatchObject({ exitCode: 1 });
      expect(earlier.stdout).toContain('not yet valid');
    });

    test('two leaves: both are shown, and the status says that it is no credential', async () => {
      const outcome = await inspect([openssl.join('two.pem', leaf.certificate, other.certificate)]);
      expect(outcome.exitCode).toBe(2);
      expect(outcome.stdout).toContain('2. leaf');
      expect(outcome.stderr).toContain('Certificates 1 and 2 are leaves: put each into a file of its own');
    });

    /** A request whose signature has one bit flipped. */
    function forgedRequest(): string {
      const { certificate } = openssl.request('/CN=cart', `URI:${cartId}`);
      const [block] = parsePem(readFileSync(certificate, 'utf8'));
      const der = new Uint8Array(block?.der ?? []);
      der[der.length - 3] = (der.at(-3) ?? 0) ^ 1;
      return openssl.write('forged.der', der);
    }

    function weakRequest(): string {
      const key = openssl.key(['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024']);
      const file = openssl.write('weak.csr', '');
      openssl.openssl('req', '-new', '-key', key, '-subj', '/CN=weak', '-out', file);
      return file;
    }
  });

  describe('never prints a private key', () => {
    const rsa = openssl.key(['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']);
    const converted = (name: string, ...args: readonly string[]): string => {
      const file = openssl.write(name, '');
      openssl.openssl(...args, '-out', file);
      return file;
    };
    const damaged = readFileSync(leaf.key, 'utf8').replace(/(?<=KEY-----\n).{8}/u, 'AAAAAAAA');

    test.each<[string, string, string, number]>([
      ['PKCS#8', leaf.key, 'private key  ECDSAP256', 0],
      ['PKCS#8 in DER', converted('p8.der', 'pkcs8', '-topk8', '-nocrypt', '-in', leaf.key, '-outform', 'DER'), 'private key  ECDSAP256', 0],
      ['SEC 1', converted('sec1.pem', 'ec', '-in', leaf.key), 'private key  ECDSAP256', 0],
      ['PKCS#1', converted('pkcs1.pem', 'rsa', '-in', rsa, '-traditional'), 'private key  RSA2048', 0],
      ['Ed25519', openssl.key(['-algorithm', 'ED25519']), 'private key  ED25519', 0],
      ['a curve that is not supported', openssl.key(['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1']), 'private key  EC secp256k1', 0],
      ['encrypted', converted('enc.pem', 'pkcs8', '-topk8', '-in', leaf.key, '-passout', 'pass:x'), 'private key  encrypted', 0],
      ['damaged', openssl.write('damaged.pem', damaged), '', 2],
    ])('%s', async (_, file, told, status) => {
      for (const format of ['text', 'json']) {
        const outcome = await inspect([file, '--output', format]);
        expect(outcome.exitCode).toBe(status);
        const shown = outcome.stdout + outcome.stderr;
        const secret = readFileSync(file, 'latin1').split('\n').filter((line) => line.length >= 40 && !line.includes('-----'));
        for (const line of secret) expect(shown).not.toContain(line.slice(8, 40));
      }
      expect((await inspect([file])).stdout).toContain(told);
    });
  });

  describe('cannot read, with status 2', () => {
    const half = readFileSync(leaf.certificate, 'utf8').slice(0, 300);
    const der = certificateIn(leaf.certificate).der;
    test.each<[string, readonly string[], string]>([
      ['a missing file', ['/nowhere/tls.crt'], '/nowhere/tls.crt does not exist'],
      ['a path through a file', [`${leaf.key}/x`], 'a part of its path is a file'],
      ['a folder', [`${openssl.path}/`], `name a file in it, such as ${openssl.path}/tls.crt`],
      ['an empty file', [openssl.write('empty', '')], 'is empty'],
      ['white space', [openssl.write('white', '\n \n')], 'nothing but white space'],
      ['garbage', [openssl.write('random', randomBytes(2000).fill(0, 0, 1))], 'none of the files that are known here'],
      ['a huge file', [openssl.write('huge', Buffer.alloc(1024 * 1024 + 1))], 'larger than 1 MiB'],
      ['an endless file', ['/dev/zero'], 'larger than 1 MiB'],
      ['a half-written PEM file', [openssl.write('half.pem', half)], 'END line'],
      ['a half-written DER file', [openssl.write('half.der', der.slice(0, -5))], 'neither a certificate'],
      ['a DER file with bytes behind', [openssl.write('tail.der', Buffer.concat([der, der]))], 'neither a certificate'],
      ['a PEM block that is no certificate', [openssl.write('not.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')], 'Block 1 of'],
      ['bare base64', [openssl.write('b64', Buffer.from(der).toString('base64'))], 'base64 -d'],
      ['UTF-16', [openssl.write('utf16.pem', Buffer.from(`\u{feff}${readFileSync(leaf.certificate, 'utf8')}`, 'utf16le'))], 'UTF-16'],
      ['a public key alone', [publicKey()], 'neither a certificate, a request nor a private key'],
      ['JSON that is no bundle', [openssl.write('secret.json', '{"kind":"Secret"}')], 'has no "keys"'],
      ['no argument', [], "missing required argument 'file'"],
      ['two files', [leaf.certificate, leaf.certificate], 'too many arguments'],
      ['an unknown format', [leaf.certificate, '--output', 'yaml'], 'text, json'],
    ])('%s', async (_, args, hint) => {
      const outcome = await inspect(args);
      expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
      expect(outcome.stderr).toContain(hint);
      expect(outcome.stderr.length).toBeLessThan(700);
    });

    function publicKey(): string {
      const file = openssl.write('public.pem', '');
      openssl.openssl('pkey', '-in', leaf.key, '-pubout', '-out', file);
      return file;
    }
  });

  test('an endless standard input is cut off', async () => {
    const outcome = await inspect(['-'], { stdin: Buffer.alloc(1024 * 1024 + 1, 0x20) });
    expect(outcome).toMatchObject({ exitCode: 2 });
    expect(outcome.stderr).toContain('Standard input is larger than 1 MiB');
  });

  test('bytes that were flipped, cut or repeated are told apart or refused, and never crash it', async () => {
    const chain = openssl.join('fuzz.pem', leaf.key, leaf.certificate, issuing.certificate);
    const originals = [readFileSync(chain), Buffer.from(certificateIn(leaf.certificate).der), readFileSync(openssl.request('/CN=x', `URI:${cartId}`).certificate)];
    const mutated = fc
      .record({ original: fc.constantFrom(...originals), flips: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), cut: fc.nat(), repeat: fc.boolean() })
      .map(({ original, flips, cut, repeat }) => {
        const bytes = Buffer.from(original);
        for (const [at, value] of flips) bytes[at % bytes.length] = value;
        const kept = cut % 3 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
        return repeat ? Buffer.concat([kept, kept]) : kept;
      });
    await fc.assert(
      fc.asyncProperty(mutated, async (stdin) => {
        const { exitCode, stdout, stderr } = await inspect(['-'], { stdin });
        expect(exitCode === 2 ? stderr : stdout).not.toBe('');
      }),
      { numRuns: 200 },
    );
  });
});

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { inspectCommand } from '../../src/cli/inspect.ts';
import type { InspectReport } from '../../src/cli/inspect-report.ts';
import { verifyCommand } from '../../src/cli/verify.ts';
import { buildKeystores, encodePem, type KeystoreProfile } from '../../src/x509/index.ts';
import { atMs, cartId, derOf, issuingLink, leafLink, rootLink } from '../fuzz/forged-chain.ts';
import { extensionOf, generalName } from '../fuzz/forge.ts';
import { OpensslFolder, opensslIsThere, type Outcome, runCli } from './verify-fixtures.ts';

const root = rootLink();
const issuing = issuingLink(root);
const leaf = leafLink(issuing);
const pemOf = (...links: readonly (typeof leaf)[]): string => links.map((link) => encodePem('CERTIFICATE', derOf(link))).join('');
const secret = 'correct horse';

describe.skipIf(!opensslIsThere())('a PKCS#12 file', () => {
  const folder = new OpensslFolder();
  afterAll(() => folder[Symbol.dispose]());
  const password = ['--password-file', folder.write('password', `${secret}\n`)];
  const bundle = folder.write('ca.crt', pemOf(root));
  const key = folder.write('tls.key', encodePem('PRIVATE KEY', leaf.key.pkcs8));
  const chain = folder.write('tls.crt', pemOf(leaf, issuing));

  const exported = (name: string, ...args: readonly string[]): string => {
    const file = `${folder.path}/${name}`;
    folder.openssl('pkcs12', '-export', '-out', file, '-passout', `pass:${secret}`, ...args);
    return file;
  };
  const made = async (profile: KeystoreProfile): Promise<{ keyStore: string; trustStore: string }> => {
    const input = { privateKeyPem: readFileSync(key, 'utf8'), chainPem: pemOf(leaf, issuing), alias: 'cart', roots: [{ alias: 'root-1', certificate: derOf(root) }] };
    const { keyStore, trustStore } = await buildKeystores(input, secret, profile, randomBytes);
    return { keyStore: folder.write(`${profile}-key.p12`, keyStore), trustStore: folder.write(`${profile}-trust.p12`, trustStore) };
  };
  const inspect = (...args: readonly string[]): Promise<Outcome> => runCli(inspectCommand, args, { nowMs: atMs });
  const verify = (...args: readonly string[]): Promise<Outcome> => runCli(verifyCommand, args, { nowMs: atMs });
  const report = async (...args: readonly string[]): Promise<InspectReport> => JSON.parse((await inspect(...args, '--output', 'json')).stdout) as InspectReport;

  const fromOpenssl = exported('openssl.p12', '-inkey', key, '-in', chain, '-name', 'cart');

  test('of OpenSSL is told: aliases, the key and whether it fits, the chain, and never the key', async () => {
    expect(await report(fromOpenssl, ...password)).toMatchObject({
      what: 'keystore: 1 private key (PKCS#12, Modern)',
      privateKeys: [{ alias: 'cart', algorithm: 'ECDSAP256', matches: true }],
      certificates: [{ alias: 'cart', role: 'leaf', spiffeId: cartId, link: { holds: true } }, { role: 'authority' }],
      problems: [],
      sound: true,
    });
    const { stdout, exitCode } = await inspect(fromOpenssl, ...password);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('private key  cart  ECDSAP256, fits\n');
    expect(stdout).toMatch(/alias {5,}cart\n/u);
    expect(stdout).not.toContain(Buffer.from(leaf.key.pkcs8.subarray(36, 68)).toString('base64'));
  });

  test.each(['Modern', 'Compatible'] as const)('of mtlsd, %s, is inspected and verified, trust store included', async (profile) => {
    const { keyStore, trustStore } = await made(profile);
    expect(await report(keyStore, ...password)).toMatchObject({ what: `keystore: 1 private key (PKCS#12, ${profile})`, sound: true });
    expect(await report(trustStore, ...password)).toMatchObject({
      what: `trust store: 1 trusted certificate (PKCS#12, ${profile})`,
      certificates: [{ alias: 'root-1', role: 'authority', selfSigned: true }],
      sound: true,
    });
    const outcome = await verify(keyStore, '--bundle', trustStore, ...password, '--spiffe-id', cartId);
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('with a certificate that Java would not show says so', async () => {
    const untrusted = exported('untrusted.p12', '-nokeys', '-in', bundle);
    const seen = await report(untrusted, ...password);
    expect(seen).toMatchObject({ what: 'keystore: 1 other certificate (PKCS#12, Modern)', sound: false });
    expect(seen.problems.join()).toContain('Java shows none of them');
    expect((await inspect(untrusted, ...password)).exitCode).toBe(1);
    expect((await verify(chain, '--bundle', untrusted, ...password)).stderr).toContain('no certificate that is marked as trusted');
  });

  test('is refused without its password, with another one, cut short, and in the wrong place', async () => {
    const wrong = ['--password-file', folder.write('wrong', 'battery staple')];
    expect(await inspect(fromOpenssl)).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('--password-file') as unknown });
    const refused = await inspect(fromOpenssl, ...wrong);
    expect(refused).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('is not opened by the password') as unknown });
    expect(refused.stderr).not.toContain('battery');
    const cut = folder.write('cut.p12', readFileSync(fromOpenssl).subarray(0, 400));
    expect(await inspect(cut, ...password)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is a PKCS#12 keystore. The keystore cannot be read') as unknown });
    expect((await verify(fromOpenssl, '--bundle', fromOpenssl, ...password)).stderr).toContain('holds a private key');
    const { trustStore } = await made('Modern');
    expect((await verify(trustStore, '--bundle', bundle, ...password)).stderr).toContain('no private key with a chain');
  });

  describe('of several keys is verified by --alias', () => {
    const webId = 'spiffe://shop.example/ns/shop/sa/web';
    const web = leafLink(issuing, { keyName: 'web', extensions: { subjectAltName: extensionOf.subjectAltName([generalName.uri(webId)]) } });
    const webKey = folder.write('web.key', encodePem('PRIVATE KEY', web.key.pkcs8));
    const both = exported('both.p12', '-inkey', key, '-in', chain, '-name', 'cart');
    const alone = exported('web.p12', '-inkey', webKey, '-in', folder.write('web.crt', pemOf(web, issuing)), '-name', 'web');
    // One process, one key more: OpenSSL writes one key into a file.
    execFileSync('keytool', ['-J-XX:TieredStopAtLevel=1', '-importkeystore', '-noprompt', '-srckeystore', alone, '-srcstorepass', secret, '-destkeystore', both, '-deststorepass', secret], { stdio: 'ignore' });
    const verifyBoth = (...args: readonly string[]): Promise<Outcome> => verify(both, '--bundle', bundle, ...password, ...args);

    test.each([['cart', cartId], ['web', webId]])('%s', async (alias, spiffeId) => {
      expect(await verifyBoth('--alias', alias, '--spiffe-id', spiffeId)).toMatchObject({ exitCode: 0, stderr: '' });
    });

    test('and lists the aliases when none is named, or one that is not there', async () => {
      expect(await verifyBoth()).toMatchObject({ exitCode: 2, stdout: '', stderr: `${both} holds 2 private keys: choose one by --alias ("cart", "web").` });
      expect((await verifyBoth('--alias', 'pay')).stderr).toBe(`${both} holds no private key with the alias "pay": there is "cart", "web".`);
    });

    test('which a store of one key may be given too, and nothing else', async () => {
      expect(await verify(fromOpenssl, '--bundle', bundle, ...password, '--alias', 'cart')).toMatchObject({ exitCode: 0 });
      expect((await verify(fromOpenssl, '--bundle', bundle, ...password, '--alias', 'web')).stderr).toContain('there is "cart".');
      expect((await verify(chain, '--bundle', bundle, '--alias', 'cart')).stderr).toBe(`--alias is for PKCS#12 keystores, and ${chain} is none: leave the option out.`);
    });
  });
});

import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { openPkcs12 } from '../../src/x509/index.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';
import { until } from './wait.ts';

const withKeystore = identity('cart', { formats: { der: true, pkcs12: { passwordFile: 'passwords/cart' } } });

/** Which password the keystores open with, of these. */
async function opensWith(sandbox: Sandbox, ...passwords: readonly string[]): Promise<string | undefined> {
  const folder = sandbox.identity('cart').folder;
  for (const password of passwords) {
    const opened = ['keystore.p12', 'truststore.p12'].map(async (name) => openPkcs12(readFileSync(join(folder, name)), password));
    if ((await Promise.allSettled(opened)).every(({ status }) => status === 'fulfilled')) return password;
  }
  return undefined;
}

const modeOf = (sandbox: Sandbox, name: string): string => (statSync(sandbox.identity('cart').file(name)).mode & 0o777).toString(8);

test('the password comes from a file beside the manifests; a change of it writes the keystores again and nothing else', async () => {
  await using sandbox = new Sandbox();
  sandbox.write('all.yaml', trustDomain(), withKeystore);
  sandbox.start('--log-level', 'warn');
  const before = (await sandbox.issued('cart')).now();
  const status = (): string => readFileSync(join(sandbox.out, 'status/WorkloadIdentity/shop/cart.yaml'), 'utf8');
  await until('the missing file is told', () => status().includes('the file passwords/cart, which holds the password, cannot be used: there is no such file; create it'));

  sandbox.write('passwords/cart', 'open sesame\n');
  await until('the keystores are written', async () => (await opensWith(sandbox, 'open sesame')) !== undefined);
  sandbox.write('passwords/cart', 'close sesame\n');
  await until('the other password counts', async () => (await opensWith(sandbox, 'close sesame')) !== undefined);
  const after = sandbox.identity('cart').now();
  expect(after.leaf.serialNumber).toBe(before.leaf.serialNumber);
  expect(after.generation).not.toBe(before.generation);
  expect(readFileSync(sandbox.identity('cart').file('tls.der')).equals(after.leaf.raw)).toBe(true);
  expect(['keystore.p12', 'truststore.p12', 'key.der', 'tls.der', 'chain.der', 'ca.der'].map((name) => modeOf(sandbox, name))).toEqual(['600', '600', '600', '644', '644', '644']);
  expect(readFileSync(join(sandbox.out, 'identities/shop/cart/..data/..meta.json'), 'utf8')).not.toContain('sesame');
});

test('a restart writes nothing, and a file that is only touched leads to no write', async () => {
  await using sandbox = new Sandbox();
  sandbox.write('passwords/cart', 'open sesame\n');
  sandbox.write('all.yaml', trustDomain(), withKeystore);
  await sandbox.once();
  const { generation } = sandbox.identity('cart').now();
  await sandbox.once();
  writeFileSync(join(sandbox.manifests, 'passwords/cart'), 'open sesame');
  await sandbox.once();
  expect(sandbox.identity('cart').now().generation).toBe(generation);
  expect(await opensWith(sandbox, 'open sesame')).toBe('open sesame');
});

test.each([
  ['a link out of the folder', (sandbox: Sandbox) => symlinkSync('/etc/hostname', join(sandbox.manifests, 'link')), 'link', 'it leads out of the folder of manifests; put the file itself there'],
  ['a folder', (sandbox: Sandbox) => sandbox.write('link/x', 'open sesame'), 'link', 'it is a folder; name the file in it'],
  ['a large file', (sandbox: Sandbox) => sandbox.write('link', 'x'.repeat(5000)), 'link', 'it has more than 4096 bytes'],
])('%s is no password, and says so', async (_, make, passwordFile, problem) => {
  await using sandbox = new Sandbox();
  make(sandbox);
  sandbox.write('all.yaml', trustDomain(), identity('cart', { formats: { pkcs12: { passwordFile } } }));
  await sandbox.once();
  expect(readFileSync(join(sandbox.out, 'status/WorkloadIdentity/shop/cart.yaml'), 'utf8')).toContain(`the file link, which holds the password, cannot be used: ${problem}`);
  expect(sandbox.identity('cart').now().spiffeId).toBe('spiffe://shop.example/ns/shop/sa/cart');
});

test('a token is a file that its owner alone reads; another one comes beside the same certificate, and none after a restart', async () => {
  await using sandbox = new Sandbox();
  const audiences = [{ name: 'bank', audience: 'https://bank.example' }];
  sandbox.write('all.yaml', trustDomain('shop.example', { jwt: { issuer: 'https://tokens.shop.example' } }), identity('cart', { jwt: { audiences } }));
  await sandbox.once();
  const token = (): string => readFileSync(sandbox.identity('cart').file('bank.jwt'), 'utf8');
  const { generation, leaf } = sandbox.identity('cart').now();
  const keys = (parse(readFileSync(join(sandbox.out, 'status/TrustDomain/shop.example.yaml'), 'utf8')) as { status: { jwt: { keys: { keyIdentifier: string }[] } } }).status.jwt.keys;
  expect(decodeProtectedHeader(token())).toEqual({ alg: 'ES256', kid: keys[0]?.keyIdentifier, typ: 'JWT' });
  expect(decodeJwt(token())).toMatchObject({ iss: 'https://tokens.shop.example', sub: 'spiffe://shop.example/ns/shop/sa/cart', aud: ['https://bank.example'] });
  expect(modeOf(sandbox, 'bank.jwt')).toBe('600');
  await sandbox.once();
  expect(sandbox.identity('cart').now().generation).toBe(generation);
  sandbox.write('all.yaml', trustDomain('shop.example', { jwt: { ttl: '1m' } }), identity('cart', { jwt: { audiences } }));
  sandbox.start('--log-level', 'warn');
  await until('the token is another one', () => decodeJwt(token()).iss === undefined);
  expect(sandbox.identity('cart').now().leaf.serialNumber).toBe(leaf.serialNumber);
});

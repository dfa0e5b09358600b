import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { onceInProcess } from './in-process.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';

const restarts = 200;
const keysIn = (sandbox: Sandbox): object => (JSON.parse(readFileSync(sandbox.record(), 'utf8')) as { data: object }).data;

test('L18: two hundred restarts leave authorities, bundle, leaves and the number of files as they were', { timeout: 180_000 }, async () => {
  await using sandbox = new Sandbox();
  sandbox.write('all.yaml', trustDomain(), identity('cart'), identity('kept', { keyAlgorithm: 'ED25519' }));
  expect(await onceInProcess(sandbox)).toEqual([]);
  const look = (): object => ({
    record: readFileSync(sandbox.record(), 'utf8'),
    status: readFileSync(join(sandbox.out, 'status/TrustDomain/shop.example.yaml'), 'utf8'),
    bundles: ['cart', 'kept'].map((name) => readFileSync(sandbox.identity(name).file('bundle.json'), 'utf8')),
    leaves: ['cart', 'kept'].map((name) => sandbox.identity(name).now().leaf.serialNumber),
    files: [sandbox.out, sandbox.state].flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' })).sort(),
  });
  const before = look();
  for (let count = 0; count < restarts; count += 1) await onceInProcess(sandbox);
  expect(look()).toEqual(before);
});

test('L10: a state that was written under other settings, or by an mtlsd with other defaults, is never keyed anew', async () => {
  await using sandbox = new Sandbox();
  const spoken = { rootAuthority: { keyAlgorithm: 'ECDSAP521', lifetime: '4000h' }, issuingAuthority: { keyAlgorithm: 'ECDSAP384', lifetime: '100h' }, svid: { ttl: '2h', maxTTL: '4h' } };
  sandbox.write('shop.yaml', trustDomain('shop.example', spoken));
  sandbox.write('cart.yaml', identity('cart'));
  expect(await sandbox.once()).toMatchObject({ status: 0 });
  const [keys, root] = [keysIn(sandbox), sandbox.identity('cart').now().roots[0]?.fingerprint256];
  // What was said is left to the defaults now, which are all different. Only the limit of lives is kept: the next test is of that.
  for (const spec of [{ svid: { maxTTL: '4h' } }, { rootAuthority: { keyAlgorithm: 'RSA3072' }, issuingAuthority: { keyAlgorithm: 'ECDSAP256', lifetime: '336h' }, svid: { maxTTL: '4h' } }]) {
    sandbox.write('shop.yaml', trustDomain('shop.example', spec));
    expect(await sandbox.once()).toMatchObject({ status: 0, stderr: '' });
    expect(keysIn(sandbox)).toEqual(keys);
    expect(sandbox.identity('cart').now().roots.map((each) => each.fingerprint256)).toEqual([root]);
  }
});

test('L10, L20: a longer limit of lives turns the issuing authority over when it must, and leaves the root alone', async () => {
  await using sandbox = new Sandbox();
  sandbox.write('shop.yaml', trustDomain('shop.example', { issuingAuthority: { lifetime: '10h' }, svid: { maxTTL: '2h' } }));
  sandbox.write('cart.yaml', identity('cart'));
  expect(await sandbox.once()).toMatchObject({ status: 0 });
  const before = sandbox.identity('cart').now();
  sandbox.write('shop.yaml', trustDomain('shop.example'));
  sandbox.write('cart.yaml', identity('cart', { ttl: '24h' }));
  expect(await sandbox.once()).toMatchObject({ status: 0, stderr: '' });
  const after = sandbox.identity('cart').now();
  expect(after.roots.map((each) => each.fingerprint256)).toEqual(before.roots.map((each) => each.fingerprint256));
  expect(after.issuing.fingerprint256).not.toBe(before.issuing.fingerprint256);
  expect(after.notAfterMs).toBeLessThanOrEqual(after.issuing.validToDate.getTime());
});

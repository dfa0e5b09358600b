import { expect, test } from 'vitest';
import { clockBehind, onceInProcess } from './in-process.ts';
import { run } from './command.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';

const dayMs = 86_400_000;
const short = { rootAuthority: { lifetime: '1000h' }, issuingAuthority: { lifetime: '400h' }, svid: { ttl: '1h', maxTTL: '24h' } };

test('L25: leaves and issuing authority expired long ago: it heals unaided, under the same root', async () => {
  await using sandbox = new Sandbox();
  sandbox.write('all.yaml', trustDomain(), identity('cart'));
  expect(await onceInProcess(sandbox, clockBehind(60 * dayMs))).toEqual([]);
  expect(() => sandbox.identity('cart').now()).toThrow('is not valid now');
  const told = await run('status', '--out', sandbox.out);
  expect(told.status).toBe(1);
  expect(told.stdout).toMatch(/WorkloadIdentity shop\/cart {2}RenewalOverdue\n.*is mtlsd running\?/u);
  expect(told.stdout).toMatch(/shop\/cart .*░{12} 0s/u);
  expect(await sandbox.once()).toMatchObject({ status: 0, stderr: '' });
  const healed = sandbox.identity('cart').now();
  expect(healed.roots).toHaveLength(1);
  expect(healed.roots[0]?.validFromDate.getTime()).toBeLessThan(Date.now() - 59 * dayMs);
  expect(await run('status', '--out', sandbox.out)).toMatchObject({ status: 0 });
});

test('L25: stopped for three lives of the root: it says the one thing to do, other trust domains go on, and that one thing heals it', async () => {
  await using sandbox = new Sandbox();
  sandbox.write('all.yaml', trustDomain('shop.example', { ...short, default: true }), identity('cart'));
  expect(await onceInProcess(sandbox, clockBehind(125 * dayMs))).toEqual([]);
  sandbox.write('bank.yaml', trustDomain('bank.example'), identity('healthy', { trustDomain: 'bank.example' }));
  const outcome = await sandbox.once();
  expect(outcome.status).toBe(1);
  expect(outcome.stderr).toMatch(/^TrustDomain shop\.example: RootExpired: root authority [0-9a-f]{40} of shop\.example expired at \S+: to replace it, annotate the TrustDomain with mtlsd\.io\/new-root: [0-9a-f]{40} /mu);
  sandbox.identity('healthy').now();
  // It waits for the word of a person, however often it is started.
  expect((await sandbox.once()).stderr).toBe(outcome.stderr);

  const key = /mtlsd\.io\/new-root: ([0-9a-f]{40})/u.exec(outcome.stderr)?.[1] ?? '';
  sandbox.write('all.yaml', { ...trustDomain('shop.example', { ...short, default: true }), metadata: { name: 'shop.example', annotations: { 'mtlsd.io/new-root': key } } }, identity('cart'));
  expect(await sandbox.once()).toMatchObject({ status: 0, stderr: '' });
  expect(sandbox.identity('cart').now().spiffeId).toBe('spiffe://shop.example/ns/shop/sa/cart');
});

test('L13: authorities from the future are refused, with the clock as the thing to look at, and nothing is replaced', async () => {
  await using sandbox = new Sandbox();
  sandbox.write('all.yaml', trustDomain(), identity('cart'));
  expect(await onceInProcess(sandbox, clockBehind(-2 * dayMs))).toEqual([]);
  const outcome = await sandbox.once();
  expect(outcome.status).toBe(1);
  expect(outcome.stderr).toContain('TrustDomain shop.example: ClockBehind: the authorities of shop.example are not valid yet by the clock of this machine: set the clock');
});

import { expect, test, vi } from 'vitest';
import type { Secret } from '../../src/resources/index.ts';
import { hourMs, minuteMs, removeIdentity, restart, startBench } from './bench.ts';

/** The judge of templates has tests of its own and takes most of a start's time: here it judges one template in fifty. */
const judged = vi.hoisted(() => ({ count: 0 }));
vi.mock(import('../../src/x509/judge-template.ts'), async (original) => {
  const { judgeTemplate } = await original();
  return { judgeTemplate: async (...parameters: Parameters<typeof judgeTemplate>) => ((judged.count += 1) % 50 === 1 ? judgeTemplate(...parameters) : undefined) };
});

/** What becomes of Secrets whose identity is deleted, claims another one, or goes with the definition of its kind. */

test.each(['Delete', 'Retain'] as const)('L9: deletionPolicy %s decides over the Secret of a deleted identity, edited late or not', async (policy) => {
  const bench = await startBench();
  bench.put('cart', { deletionPolicy: policy === 'Delete' ? 'Retain' : 'Delete' });
  await bench.world.drain();
  bench.put('cart', { deletionPolicy: policy });
  removeIdentity(bench, 'cart');
  await bench.pass(minuteMs);
  expect(bench.secret('cart-mtls') !== undefined).toBe(policy === 'Retain');
  await restart(bench);
  expect(bench.secret('cart-mtls') !== undefined).toBe(policy === 'Retain');
});

test.each(['Delete', 'Retain'] as const)('L9: deletionPolicy %s of an identity that claims another Secret decides over the one before, written into it or not', async (policy) => {
  const bench = await startBench();
  bench.put('cart', { deletionPolicy: policy === 'Delete' ? 'Retain' : 'Delete' });
  await bench.world.drain();
  // Denied: what the Secret says of its policy is not written again before the identity leaves it.
  const dnsNames = ['evil.example.com'];
  bench.put('cart', { dnsNames, deletionPolicy: policy });
  await bench.world.drain();
  bench.put('cart', { dnsNames, secretName: 'other-mtls', deletionPolicy: 'Delete' });
  await bench.world.drain();
  // What is to be kept says so itself by now, to the next process too.
  if (policy === 'Retain') await restart(bench);
  removeIdentity(bench, 'cart');
  await bench.pass(minuteMs);
  expect(bench.secret('cart-mtls') !== undefined).toBe(policy === 'Retain');
});

test('L9: a copy that somebody made of a Secret, and an opaque Secret in the way, are never touched', async () => {
  const bench = await startBench();
  bench.put('cart');
  await bench.world.drain();
  const original = bench.secret('cart-mtls') as Secret;
  const { labels = {}, annotations = {} } = original.metadata;
  bench.world.asUser('copy', () => {
    bench.world.store.apply({ apiVersion: 'v1', kind: 'Secret', type: original.type, metadata: { namespace: 'shop', name: 'backup', labels, annotations }, data: original.data });
    bench.world.store.apply({ apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { namespace: 'shop', name: 'till-mtls' }, data: {} });
  });
  bench.put('till');
  removeIdentity(bench, 'cart');
  await bench.pass(10 * minuteMs);
  expect(bench.secret('cart-mtls')).toBeUndefined();
  expect(bench.secret('backup')?.data).toEqual(original.data);
  expect(bench.secret('till-mtls')?.type).toBe('Opaque');
  expect(bench.reason('till')).toBe('SecretNotOurs');
});

test('L9: Secrets stay while the definition of WorkloadIdentity is going away', async () => {
  const bench = await startBench();
  bench.put('cart');
  await bench.world.drain();
  bench.world.store.setServed('WorkloadIdentity', false);
  removeIdentity(bench, 'cart');
  await bench.pass(hourMs);
  expect(bench.secret('cart-mtls')).toBeDefined();
});

test('L14: Secrets stay when the definition comes back without the identities, and follow an identity that comes back', async () => {
  const bench = await startBench();
  bench.put('cart');
  await bench.world.drain();
  const before = bench.pair('cart-mtls').leaf.serialNumber;
  bench.world.store.setServed('WorkloadIdentity', false);
  removeIdentity(bench, 'cart');
  await bench.pass(minuteMs);
  bench.world.store.setServed('WorkloadIdentity', true);
  await restart(bench);
  await bench.pass(10 * minuteMs);
  expect(bench.pair('cart-mtls').leaf.serialNumber).toBe(before);
  bench.put('cart');
  await bench.world.drain();
  removeIdentity(bench, 'cart');
  await bench.world.drain();
  expect(bench.secret('cart-mtls')).toBeUndefined();
});

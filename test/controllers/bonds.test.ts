import { expect, test } from 'vitest';
import type { ObjectMeta } from '../../src/resources/index.ts';
import { hourMs, startBench } from './bench.ts';
import { FleetBench } from './fleet-bench.ts';

/** What others put into the metadata of a Secret of ours. */
const bonds = {
  finalizers: ['backup.example/hold'],
  ownerReferences: [{ apiVersion: 'apps.example/v1', kind: 'Release', name: 'web', uid: 'release-1' }],
} satisfies Partial<ObjectMeta>;

test('what holds a Secret, or takes it along, for others stays over renewals, edits and repairs, and a deletion waits for it', async () => {
  const bench = await startBench();
  bench.put('web', { ttl: '1h' });
  await bench.world.drain();
  const first = bench.secret('web-mtls');
  if (first === undefined) throw new Error('no Secret');
  bench.world.asUser('others hold it', () => bench.world.store.apply({ ...first, metadata: { ...first.metadata, ...bonds, labels: { ...first.metadata.labels, 'backup.example/set': 'daily' } } }));
  await bench.pass(2 * hourMs);
  const renewed = bench.secret('web-mtls');
  if (renewed === undefined) throw new Error('no Secret any more');
  expect(renewed.data['tls.crt']).not.toBe(first.data['tls.crt']);
  expect(renewed.metadata).toMatchObject({ ...bonds, labels: { 'backup.example/set': 'daily' } });

  bench.world.asUser('somebody breaks it', () => bench.world.store.apply({ ...renewed, data: { 'tls.crt': '' } }));
  await bench.pass(60_000);
  expect(bench.secret('web-mtls')?.data['tls.crt']).not.toBe('');
  expect(bench.secret('web-mtls')?.metadata).toMatchObject(bonds);

  bench.world.asUser('remove web', () => bench.world.store.remove({ kind: 'WorkloadIdentity', namespace: 'shop', name: 'web' }));
  await bench.pass(10 * 60_000);
  expect(bench.secret('web-mtls')?.metadata).toMatchObject({ ...bonds, deletionTimestamp: expect.any(String) as string });
});

test('an identity is told that its namespace goes away when that begins', async () => {
  const bench = await FleetBench.start();
  const namespace = (finalizers: readonly string[]): void => bench.world.asUser('namespace shop', () => bench.world.store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: {}, finalizers } }));
  namespace(['example.com/hold']);
  bench.account('shop', 'cart');
  bench.world.asUser('identity', () => bench.world.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace: 'shop', name: 'cart' }, spec: {} }));
  await bench.pass(5);
  const issued = () => bench.identity('shop', 'cart')?.status?.conditions?.find(({ type }) => type === 'Issued');
  expect(issued()?.reason).toBe('Issued');
  bench.world.asUser('remove namespace shop', () => bench.world.store.remove({ kind: 'Namespace', name: 'shop' }));
  await bench.pass(5);
  expect(issued()).toMatchObject({ status: 'False', reason: 'NamespaceTerminating' });
});

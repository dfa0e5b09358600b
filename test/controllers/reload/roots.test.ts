/** Which roots pods are told of: those of their own trust domain, and of others that it federates with. */
import { expect, test, vi } from 'vitest';
import { documentOf, rootOf, Servers } from '../federation/peers.ts';
import { boundSeconds, http, ReloadBench } from './reload-bench.ts';
import { newRoots, WorkloadBench } from './workload-bench.ts';

/** The judge of templates has tests of its own and takes most of a start's time: here it judges one template in fifty. */
const judged = vi.hoisted(() => ({ count: 0 }));
vi.mock(import('../../../src/x509/judge-template.ts'), async (original) => {
  const { judgeTemplate } = await original();
  return { judgeTemplate: async (...parameters: Parameters<typeof judgeTemplate>) => ((judged.count += 1) % 50 === 1 ? judgeTemplate(...parameters) : undefined) };
});

const bound = boundSeconds + 30;
const others = /^a\.example\/1\+[0-9a-f]{16}$/u;

/** An identity whose pod was told of its first roots. */
async function told(): Promise<ReloadBench> {
  const bench = await ReloadBench.start();
  bench.identity('cart', { onBundle: { http } });
  await bench.pod('a');
  await bench.fleet.pass(bound, 5);
  return bench;
}

/** The server of a trust domain of others, which has other roots each time that it is told so. */
async function partner(): Promise<{ readonly servers: Servers; readonly next: () => Promise<void> }> {
  const servers = new Servers();
  let sequence = 0;
  const next = async (): Promise<void> => servers.serve('partner.example', documentOf('partner.example', (sequence += 1), [await rootOf('partner.example')], 10));
  await next();
  return { servers, next };
}

function federate({ fleet: { world } }: ReloadBench): void {
  const federatesWith = [{ trustDomain: 'partner.example', bundleEndpoint: { url: 'https://partner.example/bundle', profile: 'https_web' as const } }];
  world.asUser('federate', () => world.store.edit({ kind: 'TrustDomain', name: 'a.example' }, (current) => ({ ...current, spec: { ...current.spec, federatesWith } })));
}

test('pods are told of the roots of another trust domain, whatever their generation', async () => {
  const bench = await told();
  const { world } = bench.fleet;
  world.asUser('put b.example', () => world.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'b.example' }, spec: {} }));
  bench.identity('cart', { onBundle: { http } }, { trustDomain: 'b.example' });
  await bench.fleet.pass(bound, 5);
  expect(bench.status()).toMatchObject({ trustDomain: 'b.example', bundleGeneration: 1, reload: { onBundle: { version: 'b.example/1', reloaded: 1 } } });
  expect(bench.told.map(({ bundleGeneration }) => bundleGeneration)).toEqual([1, 1]);
});

test('pods are told of changed roots of a trust domain that is federated with, once for each change', async () => {
  const { servers, next } = await partner();
  const bench = await ReloadBench.start({ fetchBundle: servers.fetch });
  federate(bench);
  bench.identity('cart', { onBundle: { http } }, { federatesWith: ['partner.example'] });
  await bench.pod('a');
  await bench.fleet.pass(2 * bound, 5);
  const version = bench.status().reload?.onBundle?.version;
  expect(version).toMatch(others);
  const before = bench.told.length;
  await next();
  await bench.fleet.pass(2 * bound, 5);
  expect(bench.told).toHaveLength(before + 1);
  expect(bench.status().reload?.onBundle?.version).not.toBe(version);
  await bench.fleet.pass(600, 30);
  expect(bench.told).toHaveLength(before + 1);
});

test('one whose roots change all the time keeps nobody from being told of their own', async () => {
  const { servers, next } = await partner();
  const bench = await ReloadBench.start({ fetchBundle: servers.fetch });
  federate(bench);
  bench.identity('cart', { onBundle: { http } }, { federatesWith: ['partner.example'], ttl: '4h' });
  await bench.pod('a');
  await bench.fleet.pass(2 * bound, 5);
  await newRoots(bench);
  for (let seconds = 0; seconds < 2 * bound; seconds += 15) {
    await next();
    await bench.fleet.pass(15, 5);
  }
  expect(bench.toldOf(2)).not.toEqual([]);
  expect(bench.status().reload?.onBundle?.bundleGeneration).toBe(2);
});

test('workloads are restarted for roots of others once an hour at the most, and for their own at any time', async () => {
  const { servers, next } = await partner();
  const workloads = await WorkloadBench.start({ fetchBundle: servers.fetch });
  const { bench } = workloads;
  federate(bench);
  bench.identity('cart', { onBundle: { rolloutRestart: {} } }, { ttl: '4h', federatesWith: ['partner.example'] });
  await workloads.deployment('a');
  await bench.fleet.pass(2 * bound, 5);
  const restarts = new Set<string | undefined>();
  const flips = async (minutes: number): Promise<void> => {
    for (let minute = 0; minute < minutes; minute += 3) {
      await next();
      await bench.fleet.pass(170, 10);
      await workloads.rollOut();
      restarts.add(workloads.restarts()['a']);
    }
    restarts.delete(undefined);
  };
  await flips(51);
  expect([...restarts]).toEqual([]);
  await flips(129);
  expect(restarts.size).toBeGreaterThanOrEqual(1);
  expect(restarts.size).toBeLessThanOrEqual(3);
  await newRoots(bench);
  await bench.fleet.pass(2 * bound, 5);
  expect(workloads.restarts()['a']).toMatch(/^a\.example\/2/u);
});

test('a status that names a generation alone is taken for what there is: nobody is told again by an upgrade', async () => {
  const bench = await told();
  const { world } = bench.fleet;
  const key = { kind: 'WorkloadIdentity', namespace: 'shop', name: 'cart' } as const;
  const { metadata, status } = world.store.peek(key) ?? {};
  const { version: _none, ...onBundle } = status?.reload?.onBundle ?? { bundleGeneration: 1, time: '', pods: 1, reloaded: 1 };
  world.crash();
  void world.store.patchStatus(key, { ...status, conditions: status?.conditions ?? [], reload: { onBundle } }, { uid: metadata?.uid ?? '', resourceVersion: metadata?.resourceVersion ?? '' });
  await world.drain();
  expect(bench.status().reload).toEqual({ onBundle });
  world.start();
  await bench.fleet.pass(2 * bound, 5);
  expect(bench.told).toHaveLength(1);
  expect(bench.status().reload?.onBundle).toEqual({ ...onBundle, version: 'a.example/1', time: expect.any(String) as string });
});

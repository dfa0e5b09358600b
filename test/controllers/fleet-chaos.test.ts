import { expect, test, vi } from 'vitest';
import { matching } from '../../src/controllers/cluster-identity/selection.ts';
import { Random } from '../model/random.ts';
import { FleetBench } from './fleet-bench.ts';

/** The judge of templates has tests of its own and takes most of a start's time: here it judges one template in fifty. */
const judged = vi.hoisted(() => ({ count: 0 }));
vi.mock(import('../../src/x509/judge-template.ts'), async (original) => {
  const { judgeTemplate } = await original();
  return { judgeTemplate: async (...parameters: Parameters<typeof judgeTemplate>) => ((judged.count += 1) % 50 === 1 ? judgeTemplate(...parameters) : undefined) };
});

const spaces = ['shop', 'bank'] as const;
const accounts = ['cart', 'till', 'web'] as const;
const fleets = ['a', 'b'] as const;

/** What people do by chance. */
function act(bench: FleetBench, random: Random): void {
  const [space, account, fleet] = [random.pick(spaces), random.pick(accounts), random.pick(fleets)];
  const labels: Readonly<Record<string, string>> = random.chance(0.6) ? { team: 'shop' } : {};
  const tier: Readonly<Record<string, string>> = random.chance(0.5) ? { tier: 'web' } : {};
  const selector = random.chance(0.3) ? { serviceAccountSelector: { matchLabels: { tier: 'web' } } } : {};
  const actions = [
    () => bench.namespace(space, labels),
    () => bench.account(space, account, tier),
    () => bench.account(space, account, tier),
    () => (bench.world.store.peek({ kind: 'ServiceAccount', namespace: space, name: account }) === undefined ? undefined : bench.removeAccount(space, account)),
    () => bench.fleet(fleet, { priority: random.below(2), ttl: random.pick(['1h', '2h']), ...selector }),
    () => bench.fleet(fleet, { priority: random.below(2), ttl: random.pick(['1h', '2h']), ...selector }),
    () => (bench.world.store.peek({ kind: 'ClusterWorkloadIdentity', name: fleet }) === undefined ? undefined : bench.removeFleet(fleet)),
  ];
  random.pick(actions)();
}

/** Who should have which identity, by the rules alone. */
function wanted(bench: FleetBench): Readonly<Record<string, string>> {
  const { store } = bench.world;
  const found: Record<string, string> = {};
  for (const { metadata } of store.all('ServiceAccount')) {
    const space = store.peek({ kind: 'Namespace', name: metadata.namespace ?? '' });
    if (space === undefined) continue;
    const [first] = matching(store.all('ClusterWorkloadIdentity'), { namespaceLabels: space.metadata.labels ?? {}, name: metadata.name, labels: metadata.labels ?? {} });
    if (first !== undefined) found[`${metadata.namespace ?? ''}/${metadata.name}`] = `${first.metadata.name} ${first.spec.ttl ?? ''}`;
  }
  return found;
}

function made(bench: FleetBench): Readonly<Record<string, string>> {
  const all = bench.world.store.all('WorkloadIdentity');
  return Object.fromEntries(all.map(({ metadata, spec }) => [`${metadata.namespace ?? ''}/${metadata.name}`, `${metadata.annotations?.['mtlsd.io/cluster-identity'] ?? ''} ${spec.ttl ?? ''}`]));
}

const seeds = Number(process.env['SIM_SEEDS'] ?? 12);

test.each(Array.from({ length: seeds }, (_, index) => index + 1))('seed %i: crashes, conflicts, refusals and lost deliveries end in what the rules say, and in rest', { timeout: 180_000 }, async (seed) => {
  const random = new Random(seed);
  const bench = await FleetBench.start();
  const { world } = bench;
  for (const space of spaces) bench.namespace(space, { team: 'shop' });
  for (const account of accounts) bench.account('shop', account);
  for (const name of fleets) bench.fleet(name, { ttl: '1h' });
  world.inject({ conflict: 0.15, unavailable: 0.2, refused: 0.08, duplicate: 0.1, lose: 0.1, interrupt: 0.05 });
  for (let turn = 0; turn < 25; turn += 1) {
    if (random.chance(0.6)) act(bench, random);
    if (random.chance(0.1)) {
      world.crash();
      world.start();
    }
    await bench.pass(2, 1);
  }
  world.calmDown();
  await bench.pass(1_200, 20);
  expect(made(bench)).toEqual(wanted(bench));
  for (const { metadata, status } of world.store.all('ClusterWorkloadIdentity')) {
    const own = Object.values(made(bench)).filter((line) => line.startsWith(`${metadata.name} `)).length;
    expect(status).toMatchObject({ identities: own, ready: own, conflictCount: 0, observedGeneration: metadata.generation });
  }
  const writes = bench.writes();
  await bench.restart();
  expect(bench.writes()).toBe(writes);
});

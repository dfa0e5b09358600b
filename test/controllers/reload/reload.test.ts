/** Pods that are told of what has changed, over the real reconcilers: in the ordinary course, and when things go wrong. */
import { describe, expect, test, vi } from 'vitest';
import { boundSeconds, http, ReloadBench } from './reload-bench.ts';
import { newRoots } from './workload-bench.ts';

/** The judge of templates has tests of its own and takes most of a start's time: here it judges one template in fifty. */
const judged = vi.hoisted(() => ({ count: 0 }));
vi.mock(import('../../../src/x509/judge-template.ts'), async (original) => {
  const { judgeTemplate } = await original();
  return { judgeTemplate: async (...parameters: Parameters<typeof judgeTemplate>) => ((judged.count += 1) % 50 === 1 ? judgeTemplate(...parameters) : undefined) };
});

/** An identity whose pods have been told of its first certificate. */
async function shop(pods: readonly string[] = ['a', 'b'], reload: Parameters<ReloadBench['identity']>[1] | 'none' = { onRenewal: { http } }): Promise<{ readonly bench: ReloadBench; readonly ips: readonly string[] }> {
  const bench = await ReloadBench.start();
  bench.identity('cart', reload === 'none' ? undefined : reload);
  await bench.fleet.pass(5);
  const ips: string[] = [];
  for (const pod of pods) ips.push(await bench.pod(pod));
  await bench.fleet.pass(boundSeconds + 30, 5);
  return { bench, ips };
}

/** Time for every pod to see it, to be called, and for the result. */
const bound = boundSeconds + 30;

describe('an identity', () => {
  test('has its pods told of each certificate once, when they can see it, and says so in one write', async () => {
    const { bench, ips } = await shop();
    const first = bench.status().serialNumber;
    expect(bench.toldOf(first)).toEqual(ips);
    const serial = await bench.renewal();
    const writes = bench.statusWrites;
    await bench.fleet.pass(bound, 5);
    expect(bench.toldOf(serial)).toEqual(ips);
    expect(bench.told.at(-1)).toMatchObject({ event: 'renewal', identity: 'shop/cart', spiffeID: 'spiffe://a.example/ns/shop/sa/cart', secret: 'cart-mtls' });
    expect(bench.statusWrites - writes).toBe(1);
    expect(bench.status().reload).toEqual({ onRenewal: { serialNumber: serial, time: expect.any(String) as string, pods: 2, reloaded: 2 } });
    expect(bench.condition()).toMatchObject({ status: 'True', reason: 'Reloaded', message: '2 pods know of the new certificate' });
    const written = Date.parse(bench.fleet.world.store.peek({ kind: 'Secret', namespace: 'shop', name: 'cart-mtls' })?.metadata.annotations?.['mtlsd.io/not-before'] ?? '') + 60_000;
    for (const { atMs, serialNumber } of bench.told) if (serialNumber === serial) expect(atMs).toBeGreaterThanOrEqual(written + boundSeconds * 1_000);
  });

  test('without reload has nobody called, and what it said of reloads goes when it asks for none', async () => {
    const { bench } = await shop(['a'], 'none');
    expect(bench.told).toEqual([]);
    expect(bench.status()).not.toHaveProperty('reload');
    bench.identity('cart', { onRenewal: { http } });
    await bench.fleet.pass(bound, 5);
    expect(bench.condition()?.status).toBe('True');
    bench.identity('cart', undefined);
    await bench.fleet.pass(5);
    expect(bench.condition()).toBeUndefined();
    expect(bench.status()).not.toHaveProperty('reload');
    expect(bench.status().conditions?.map(({ type }) => type)).toContain('Ready');
  });

  test('waits no longer than its trust domain says', async () => {
    const { bench, ips } = await shop();
    bench.fleet.world.asUser('bound', () => bench.fleet.world.store.edit({ kind: 'TrustDomain', name: 'a.example' }, (domain) => ({ ...domain, spec: { ...domain.spec, rotation: { propagationBound: '12s' } } })));
    const serial = await bench.renewal();
    await bench.fleet.pass(15);
    expect(bench.toldOf(serial)).toEqual(ips);
  });

  test('says nothing, and writes nothing, while nobody mounts it', async () => {
    const { bench } = await shop([]);
    const writes = bench.statusWrites;
    await bench.renewal();
    await bench.fleet.pass(bound, 5);
    expect(bench.told).toEqual([]);
    expect(bench.condition()).toBeUndefined();
    expect(bench.statusWrites - writes).toBeLessThanOrEqual(2); // the renewal, and that nobody mounts it
  });

  test('has each of its pods told by each of the identities that it mounts', async () => {
    const bench = await ReloadBench.start();
    for (const name of ['cart', 'pay']) bench.identity(name, { onRenewal: { http: { ...http, path: `/${name}` } } });
    await bench.fleet.pass(5);
    const ip = await bench.pod('both', ['cart-mtls', 'pay-mtls']);
    const other = await bench.pod('one', ['pay-mtls']);
    await bench.fleet.pass(bound, 5);
    const told = (identity: string): readonly string[] => bench.told.filter((each) => each.identity === identity).map((each) => each.ip);
    expect([told('shop/cart'), told('shop/pay')]).toEqual([[ip], [ip, other]]);
  });

  test('tells of changed roots apart from certificates', async () => {
    const { bench, ips } = await shop(['a'], { onBundle: { http } });
    expect(bench.told.map(({ event, bundleGeneration }) => [event, bundleGeneration])).toEqual([['bundle', 1]]);
    await bench.renewal();
    await bench.fleet.pass(bound, 5);
    expect(bench.told).toHaveLength(1);
    expect(bench.status().reload).toEqual({ onBundle: { bundleGeneration: 1, version: 'a.example/1', time: expect.any(String) as string, pods: 1, reloaded: 1 } });
    expect(bench.toldOf(1)).toEqual(ips);
  });
});

describe('a pod', () => {
  test('that has gone before its turn is not called: its address may be another’s by then', async () => {
    const names = Array.from({ length: 33 }, (_, index) => `p${index}`);
    const bench = await ReloadBench.start();
    bench.identity('cart', { onRenewal: { http } });
    const held = Promise.withResolvers<undefined>();
    const ips: string[] = [];
    for (const name of names) ips.push(await bench.pod(name));
    for (const ip of ips) bench.answers.set(ip, () => held.promise);
    await bench.fleet.pass(bound, 5);
    expect(bench.told.map(({ ip }) => ip)).toEqual(ips.slice(0, 32));
    bench.gone('p32');
    await bench.fleet.world.drain();
    held.resolve(undefined);
    await bench.fleet.pass(60, 5);
    expect(bench.told.map(({ ip }) => ip)).toEqual(ips.slice(0, 32));
    expect(bench.status().reload?.onRenewal).toMatchObject({ pods: 32, reloaded: 32 });
  });

  test('that is dead delays nobody, and is named', async () => {
    const { bench, ips } = await shop(['dead', 'alive']);
    const never = Promise.withResolvers<string | undefined>();
    let isFirst = true;
    bench.answers.set(ips[0] ?? '', async () => (isFirst ? ((isFirst = false), never.promise) : 'no answer within 5s'));
    const serial = await bench.renewal();
    await bench.fleet.pass(bound, 5);
    expect(bench.toldOf(serial)).toEqual(ips); // the other one is told while nothing comes from the first
    never.resolve('no answer within 5s');
    await bench.fleet.pass(60);
    expect(bench.toldOf(serial).filter((ip) => ip === ips[1])).toHaveLength(1);
    expect(bench.toldOf(serial).filter((ip) => ip === ips[0])).toHaveLength(6);
    expect(bench.status().reload?.onRenewal).toMatchObject({ serialNumber: serial, pods: 2, reloaded: 1, failing: ['dead: no answer within 5s'] });
    expect(bench.condition()).toMatchObject({ status: 'False', reason: 'PodsFailing', message: expect.stringContaining('1 of 2 pods could not be told of the new certificate (dead: no answer within 5s)') as string });
    expect(bench.events.filter((event) => event.startsWith('PodsFailing'))).toHaveLength(1);
  });

  test('that answers 500 for a while is told in the end, without a word about it', async () => {
    const { bench, ips } = await shop(['a']);
    let left = 3;
    bench.answers.set(ips[0] ?? '', async () => ((left -= 1) >= 0 ? 'it answered 500' : undefined));
    const serial = await bench.renewal();
    const writes = bench.statusWrites;
    await bench.fleet.pass(bound, 5);
    expect(bench.toldOf(serial)).toHaveLength(4);
    expect(bench.status().reload?.onRenewal).toMatchObject({ reloaded: 1, pods: 1 });
    expect(bench.statusWrites - writes).toBe(1);
  });

  test('that fails until its port is put right is told then', async () => {
    const { bench, ips } = await shop(['a'], { onRenewal: { http: { ...http, port: 1 } } });
    bench.answers.set(ips[0] ?? '', async (call) => (call.port === 1 ? 'it answered 404' : undefined));
    await bench.renewal();
    await bench.fleet.pass(bound + 40, 5);
    expect(bench.condition()?.reason).toBe('PodsFailing');
    bench.identity('cart', { onRenewal: { http } });
    await bench.fleet.pass(30);
    expect(bench.condition()).toMatchObject({ status: 'True', observedGeneration: 2 });
  });

  test('that is replaced meanwhile is not counted, and its successor needs no call', async () => {
    const { bench, ips } = await shop(['old', 'stays']);
    bench.answers.set(ips[0] ?? '', async () => 'it answered 503');
    const serial = await bench.renewal();
    await bench.fleet.pass(boundSeconds + 15, 5);
    bench.gone('old');
    const next = await bench.pod('new');
    await bench.fleet.pass(60, 5);
    expect(bench.toldOf(serial)).not.toContain(next);
    expect(bench.status().reload?.onRenewal).toMatchObject({ serialNumber: serial, pods: 1, reloaded: 1 });
    expect(bench.condition()?.status).toBe('True');
  });

  test('on the network of its node is never called, and named', async () => {
    const { bench } = await shop([]);
    const ip = await bench.pod('host', ['cart-mtls'], { hostNetwork: true });
    await bench.renewal();
    await bench.fleet.pass(bound, 5);
    expect(bench.told.map((each) => each.ip)).not.toContain(ip);
    expect(bench.condition()).toMatchObject({ status: 'False', message: expect.stringContaining('host: it is on the network of its node') as string });
  });

  test('is told of the newest alone, when renewals come faster than it can be told', async () => {
    const { bench, ips } = await shop(['a']);
    const told = bench.told.length;
    const serials: (string | undefined)[] = [];
    for (let round = 0; round < 4; round += 1) {
      bench.identity('cart', { onRenewal: { http } }, { dnsNames: [`cart-${round}.shop.svc`] });
      await bench.fleet.pass(30, 5);
      serials.push(bench.status().serialNumber);
    }
    expect(new Set(serials).size).toBe(4);
    expect(bench.told).toHaveLength(told);
    await bench.fleet.pass(bound, 5);
    expect(bench.told.slice(told).map(({ ip, serialNumber }) => [ip, serialNumber])).toEqual([[ips[0], serials[3]]]);
  });
});

describe('a process that dies', () => {
  test('leaves nobody untold, whenever it does; one that was told is left alone by the next', async () => {
    const { bench, ips } = await shop();
    const serial = await bench.renewal();
    await bench.fleet.pass(30, 5);
    await bench.fleet.restart(); // before they can see it
    await bench.fleet.pass(boundSeconds - 5, 1);
    expect(bench.toldOf(serial)).toEqual(ips);
    await bench.fleet.restart(); // told, and not written down
    expect(bench.status().reload?.onRenewal?.serialNumber).not.toBe(serial);
    await bench.fleet.pass(bound, 5);
    expect(bench.toldOf(serial)).toEqual([...ips, ...ips]);
    expect(bench.status().reload?.onRenewal).toMatchObject({ serialNumber: serial, pods: 2, reloaded: 2 });
    const writes = bench.statusWrites;
    await bench.fleet.restart(); // told, and written down
    await bench.fleet.pass(bound, 5);
    expect(bench.toldOf(serial)).toHaveLength(4);
    expect(bench.statusWrites).toBe(writes);
  });

  test('has the next one go on with those who failed', async () => {
    const { bench, ips } = await shop();
    bench.answers.set(ips[0] ?? '', async () => 'it answered 500');
    const serial = await bench.renewal();
    await bench.fleet.pass(boundSeconds + 60, 5);
    expect(bench.condition()?.status).toBe('False');
    await bench.fleet.restart();
    bench.answers.clear();
    await bench.fleet.pass(bound, 5);
    expect(bench.status().reload?.onRenewal).toMatchObject({ serialNumber: serial, pods: 2, reloaded: 2 });
    expect(bench.condition()?.status).toBe('True');
  });
});

describe('where nobody can be told', () => {
  const cluster = { secretNamespaces: undefined, configMapBundles: false, clusterTrustBundles: false };

  test.each([
    ['pods are not looked at', { cluster }, 'PodsOutOfSight'],
    ['no Secrets are delivered', { cluster: { ...cluster, secretDelivery: false, podWarnings: true } }, 'NoSecret'],
    ['there is no cluster', { cluster: undefined }, 'NoPods'],
  ])('because %s, the identity says so', async (_, more, reason) => {
    const bench = await ReloadBench.start(more);
    bench.identity('cart', { onRenewal: { http } });
    await bench.fleet.pass(10);
    expect(bench.condition()).toMatchObject({ status: 'False', reason });
    expect(bench.status().conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
    const writes = bench.statusWrites;
    await bench.fleet.pass(600, 60);
    expect(bench.statusWrites).toBe(writes);
    bench.fleet.world.crash();
    bench.identity('cart', undefined); // while no process is there
    await bench.fleet.restart();
    expect(bench.condition()).toBeUndefined();
  });

  test.each(['Pod', 'PodDisruptionBudget'] as const)('because mtlsd has no right to see a %s, the identity says which, until it has', async (kind) => {
    const bench = await ReloadBench.start({ cluster: { ...cluster, podWarnings: true, rolloutRestart: true } }, kind);
    bench.identity('cart', kind === 'Pod' ? { onRenewal: { http } } : { onBundle: { rolloutRestart: {} } });
    await bench.fleet.pass(5);
    const ip = await bench.pod('a');
    await bench.fleet.pass(bound, 5);
    if (kind === 'Pod') {
      expect(bench.condition()).toMatchObject({ status: 'False', reason: 'PodsOutOfSight', message: 'pods are not known: no right to watch Pods' });
      bench.grant();
      await bench.fleet.pass(bound, 5);
      expect(bench.told.map((each) => each.ip)).toEqual([ip]);
      expect(bench.condition()?.status).toBe('True');
      return;
    }
    await newRoots(bench);
    await bench.fleet.pass(bound + 180, 5);
    expect(bench.condition()).toMatchObject({ status: 'False', reason: 'Waiting', message: expect.stringContaining('PodDisruptionBudgets are not known: no right to watch PodDisruptionBudgets') as string });
  });

  test('what was told before stays said, and is not told again when they can be', async () => {
    const { bench } = await shop(['a']);
    const { told: { length } } = bench;
    const before = bench.status().reload;
    bench.more = { cluster };
    await bench.fleet.restart();
    expect(bench.condition()?.reason).toBe('PodsOutOfSight');
    expect(bench.status().reload).toEqual(before);
    bench.more = {};
    await bench.fleet.restart();
    await bench.fleet.pass(bound, 5);
    expect(bench.condition()?.reason).toBe('Reloaded');
    expect(bench.told).toHaveLength(length);
  });
});

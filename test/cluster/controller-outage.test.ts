/** Time that cannot be waited for, and memory: the reconcilers as a library on the real API server, under a clock that is set. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ReservedEnds, startControllers, type ControllerContext } from '../../src/controllers/index.ts';
import { openKubernetesStore, type KubernetesStore } from '../../src/store/kubernetes/index.ts';
import { generateKeyPair } from '../../src/x509/index.ts';
import { expectValidPair } from './controller-judge.ts';
import { ControllerProcess } from './controller-process.ts';
import { identity, isReady, paths, Site, trustDomain } from './controller-site.ts';

const herd = 300;
const perSecond = 60;
const patience = { timeout: 60_000, interval: 200 };
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

interface Signed {
  readonly object: string;
  readonly atMs: number;
}

/** A context on a real store whose clock is ahead by `aheadMs`. */
function contextOf(store: KubernetesStore, aheadMs: number, signed: Signed[]): ControllerContext {
  const nowMs = (): number => Date.now() + aheadMs;
  return {
    store,
    clock: {
      nowMs,
      schedule: (atMs, callback) => {
        const timer = setTimeout(callback, Math.min(Math.max(0, atMs - nowMs()), 2 ** 31 - 1));
        return () => clearTimeout(timer);
      },
    },
    tools: { generateKeyPair, randomBytes: (length) => randomBytes(length) },
    reserved: new ReservedEnds(),
    lease: { permits: () => true, acknowledge: () => Promise.resolve() },
    log: quiet,
    events: { record: () => undefined },
    audit: { record: ({ decision, object }) => void (decision === 'renewed' || decision === 'issued' ? signed.push({ object, atMs: nowMs() }) : undefined) },
    metrics: { issued: () => undefined, reconciled: () => undefined, storeInterrupted: () => undefined, queueDepth: () => undefined },
    delivery: { minTtlMs: 375_000, minTtlReason: 'the shortest that kubelet shows in time' },
    cluster: { secretNamespaces: undefined, configMapBundles: false, clusterTrustBundles: false },
    systemNamespace: 'mtlsd-system',
    recordLocation: (name) => `record of ${name}`,
    issuancesPerSecond: perSecond,
  };
}

describe('outages and foreign things', () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open();
    await site.addNamespace('shop', ['web']);
    await site.addNamespace('foreign', []);
    await site.apply(trustDomain('shop.example'));
  });
  afterAll(() => site[Symbol.asyncDispose]());

  test('after an outage longer than half a life the herd is renewed at a bounded rate, the nearest expiry first (L22)', async () => {
    await using store = openKubernetesStore({ kubeconfig: site.kubeconfig, fieldManager: 'mtlsd', log: quiet, random: Math.random, nowMs: Date.now });
    const issued: Signed[] = [];
    const before = await startControllers({ ...contextOf(store, 0, issued), issuancesPerSecond: 1_000 });
    // Lives of ten minutes to an hour, in no order.
    const ttlOf = (n: number): number => 600 + ((n * 7_919) % herd) * 10;
    for (let n = 0; n < herd; n += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, k) => site.send('POST', paths.identities('shop'), identity('shop', `web-${n + k}`, { serviceAccountName: 'web', ttl: `${ttlOf(n + k)}s` }))));
    }
    await vi.waitFor(async () => expect((await site.list(paths.identities('shop'))).filter(isReady)).toHaveLength(herd), patience);
    await before.stop();
    expect(issued).toHaveLength(herd);
    const expiryMs = new Map((await site.list(paths.identities('shop'))).map(({ metadata, status }) => [metadata.name, Date.parse(String(status?.['notAfter']))]));

    // Fifty minutes later, all are past their renewal and most are dead.
    const renewed: Signed[] = [];
    const after = await startControllers(contextOf(store, 50 * 60_000, renewed));
    await vi.waitFor(() => expect(renewed.length).toBeGreaterThanOrEqual(herd), patience);
    await vi.waitFor(async () => expect((await site.list(paths.identities('shop'))).filter((object) => isReady(object) && object.status?.['issuances'] === 2)).toHaveLength(herd), patience);
    await after.stop();
    expect(renewed).toHaveLength(herd);
    for (const [index, { atMs }] of renewed.entries()) {
      const earlier = renewed.slice(0, index).filter((other) => atMs - other.atMs < 1_000).length;
      // A second holds its budget, the burst that was saved before it, and on a busy machine what was late.
      expect(earlier).toBeLessThanOrEqual(3 * perSecond);
    }
    // As many as are worked on at once may overtake each other, never a hundred.
    const expiries = renewed.map(({ object }) => expiryMs.get(object.split('/')[1] ?? '') ?? Number.NaN);
    expect(Math.max(...expiries.slice(0, herd / 3))).toBeLessThanOrEqual(Math.min(...expiries.slice(-herd / 3)));
    for (const secret of await site.list(paths.secrets('shop'))) expectValidPair(secret);
  }, 120_000);

  test('memory is flat in what is not ours: two thousand Secrets of 100 KB change nothing (L7)', async () => {
    const measure = async (): Promise<{ readonly heap: number; readonly resident: number }> => {
      await using controller = ControllerProcess.start(site.kubeconfig);
      await controller.leads();
      await site.see(paths.trustDomain('shop.example'), isReady);
      // A while with both its watches and collections of garbage behind it.
      const seen: { heap: number; resident: number }[] = [];
      for (let n = 0; n < 10; n += 1) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        seen.push({ heap: await controller.metric('nodejs_heap_size_used_bytes'), resident: await controller.metric('process_resident_memory_bytes') });
      }
      await controller.stop();
      return { heap: Math.min(...seen.map(({ heap }) => heap)), resident: Math.max(...seen.map(({ resident }) => resident)) };
    };
    const without = await measure();
    const data = { blob: randomBytes(75_000).toString('base64') };
    for (let n = 0; n < 2_000; n += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, k) => site.send('POST', paths.secrets('foreign'), { apiVersion: 'v1', kind: 'Secret', metadata: { name: `foreign-${n + k}` }, data })));
    }
    const withForeign = await measure();
    process.stdout.write(`2,000 foreign Secrets of 100 KB: heap × ${(withForeign.heap / without.heap).toFixed(2)}, resident × ${(withForeign.resident / without.resident).toFixed(2)}\n`);
    // They are 200 MB; the controller by itself has about 40 MB of heap.
    expect(withForeign.heap).toBeLessThan(without.heap * 1.5);
    expect(withForeign.resident).toBeLessThan(without.resident * 1.5);
  }, 120_000);
});

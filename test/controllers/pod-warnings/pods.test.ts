import { describe, expect, test, vi } from 'vitest';
import type { Pod } from '../../../src/resources/index.ts';
import { FleetBench } from '../fleet-bench.ts';

/** The judge of templates has tests of its own and takes most of a start's time: here it judges one template in fifty. */
const judged = vi.hoisted(() => ({ count: 0 }));
vi.mock(import('../../../src/x509/judge-template.ts'), async (original) => {
  const { judgeTemplate } = await original();
  return { judgeTemplate: async (...parameters: Parameters<typeof judgeTemplate>) => ((judged.count += 1) % 50 === 1 ? judgeTemplate(...parameters) : undefined) };
});

async function shop(): Promise<FleetBench> {
  const bench = await FleetBench.start();
  bench.namespace('shop');
  bench.account('shop', 'cart');
  bench.world.asUser('identity', () => bench.world.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace: 'shop', name: 'cart' }, spec: {} }));
  await bench.pass(5);
  return bench;
}

function putPod(bench: FleetBench, name: string, mount: { readonly subPath?: string; readonly mode?: number; readonly secretName?: string } = {}): void {
  const { subPath, mode = 0o440, secretName = 'cart-mtls' } = mount;
  bench.world.asUser(`pod ${name}`, () =>
    bench.world.store.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'shop', name },
      spec: {
        serviceAccountName: 'cart',
        volumes: [{ name: 'tls', secret: { secretName, defaultMode: mode } }],
        containers: [{ name: 'main', volumeMounts: [{ name: 'tls', mountPath: '/tls', ...(subPath === undefined ? {} : { subPath }) }] }],
      },
    } satisfies Omit<Pod, 'metadata'> & { readonly metadata: object }),
  );
}

const condition = (bench: FleetBench, type: string) => bench.identity('shop', 'cart')?.status?.conditions?.find((each) => each.type === type);
const removeIdentity = (bench: FleetBench, name: string): void => bench.world.asUser(`remove ${name}`, () => bench.world.store.remove({ kind: 'WorkloadIdentity', namespace: 'shop', name }));
const removePod = (bench: FleetBench, name: string): void => bench.world.asUser(`remove ${name}`, () => bench.world.store.remove({ kind: 'Pod', namespace: 'shop', name }));

describe('an identity', () => {
  test('says after a while that no pod mounts it, until one does: that it is mounted is nothing to tell, and costs no write', async () => {
    const bench = await shop();
    const before = bench.writes();
    putPod(bench, 'a');
    await bench.pass(120, 10);
    expect(condition(bench, 'Mounted')).toBeUndefined();
    expect(bench.writes()).toBe(before);
    removePod(bench, 'a');
    await bench.pass(300, 10);
    expect(condition(bench, 'Mounted')).toBeUndefined();
    await bench.pass(360, 10);
    expect(condition(bench, 'Mounted')).toMatchObject({ status: 'False', reason: 'NotMounted' });
    putPod(bench, 'b');
    await bench.pass(70, 10);
    expect(condition(bench, 'Mounted')).toBeUndefined();
  });

  test('warns of what never updates and of keys for everybody, and takes the warning back', async () => {
    const bench = await shop();
    putPod(bench, 'a', { subPath: 'tls.crt' });
    putPod(bench, 'other', { secretName: 'not-ours', subPath: 'x' });
    await bench.pass(10);
    expect(condition(bench, 'Warnings')).toMatchObject({ status: 'True', reason: 'SubPathMount', message: expect.stringContaining('Pod a mount') as string });
    removePod(bench, 'a');
    putPod(bench, 'b', { mode: 0o444 });
    await bench.pass(70, 10);
    expect(condition(bench, 'Warnings')).toMatchObject({ reason: 'KeyWorldReadable' });
    removePod(bench, 'b');
    putPod(bench, 'c');
    await bench.pass(70, 10);
    expect(condition(bench, 'Warnings')).toBeUndefined();
    expect(condition(bench, 'Ready')?.status).toBe('True');
  });

  test('is written once for each that pods tell, at most once a minute, and not at all by a restart or by renewals', async () => {
    const bench = await shop();
    putPod(bench, 'a', { subPath: 'tls.crt' });
    await bench.pass(10);
    const before = bench.world.store.counts().statusPatched;
    for (let round = 0; round < 60; round += 1) {
      putPod(bench, `round-${round}`, { subPath: 'x' });
      if (round > 0) removePod(bench, `round-${round - 1}`);
      await bench.pass(5, 5);
    }
    // Five minutes of other names of pods.
    expect(bench.world.store.counts().statusPatched - before).toBeLessThanOrEqual(6);
    await bench.pass(120, 10);
    const settled = bench.writes();
    await bench.restart();
    await bench.pass(120, 10);
    expect(bench.writes()).toBe(settled);
    // A day of renewals: two writes each, as without pods.
    const replaced = bench.world.store.counts().replaced;
    const patched = bench.world.store.counts().statusPatched;
    await bench.pass(12 * 3_600, 60);
    const renewals = bench.world.store.counts().replaced - replaced;
    expect(renewals).toBeGreaterThan(15);
    expect(bench.world.store.counts().statusPatched - patched).toBe(renewals);
  });

  test('costs two object writes when it is issued, none when it is mounted, and two at each renewal', async () => {
    const bench = await shop();
    // Of Secrets and identities: that its trust domain comes into use is another matter.
    const writes = (): number => bench.world.checks.writes.secrets + bench.world.checks.writes.identityStatus;
    const costs: number[] = [];
    const serials = new Set<string | undefined>();
    const measure = async (change: () => Promise<unknown>): Promise<void> => {
      const before = writes();
      await change();
      costs.push(writes() - before);
      serials.add(bench.identity('shop', 'web')?.status?.serialNumber);
    };
    const renewal = async (): Promise<void> => {
      const issuances = bench.identity('shop', 'web')?.status?.issuances ?? 0;
      for (let minutes = 0; bench.identity('shop', 'web')?.status?.issuances === issuances && minutes < 24 * 60; minutes += 1) await bench.pass(60, 60);
    };
    removeIdentity(bench, 'cart'); // whose renewals would count too
    bench.account('shop', 'web');
    await bench.pass(5);
    await measure(async () => {
      bench.world.asUser('identity', () => bench.world.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace: 'shop', name: 'web' }, spec: {} }));
      await bench.pass(5);
    });
    await measure(async () => {
      putPod(bench, 'web', { secretName: 'web-mtls' });
      await bench.pass(600, 10);
    });
    await measure(renewal);
    await measure(renewal);
    expect(costs).toEqual([2, 0, 2, 2]);
    expect([serials.size, bench.identity('shop', 'web')?.status?.issuances]).toEqual([3, 3]);
  });
});

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { requirementsMet } from '../conformance/requirements.ts';
import { identity, Sandbox, trustDomain } from '../standalone/sandbox.ts';
import { until } from '../standalone/wait.ts';
import { KilledDaemon } from './killed-daemon.ts';
import { LiveLoad, type LoadCounts } from './live-load.ts';
import { RequestedRotation, rootsInRecord } from './requested-rotation.ts';

const ready = await requirementsMet('1,000 workloads shake hands during a rotation', ['go', 'openssl'], process.env);

const propagationBoundMs = 12_000;
const consumerReloadMs = 8_000;
// Renewals go on meanwhile. That consumers reload within the bound is promised, so that nothing waits for the end of lives.
const spec = { svid: { ttl: '4m', maxTTL: '8m' }, rotation: { propagationBound: '12s', consumerReload: '8s' } };

/** Two trust domains at once: what waits in one of them waits in the other meanwhile. */
const [there, thereAndBack] = ['forth.example', 'back.example'];
const each = Number(process.env['ROTATION_WORKLOADS'] ?? 1_000) / 2;

function names(of: string): readonly string[] {
  return Array.from({ length: each }, (_, index) => `${of.slice(0, 1)}${index}`);
}

async function startLoad(sandbox: Sandbox, of: string): Promise<LiveLoad> {
  const settings = {
    trustDomain: of,
    names: names(of),
    nodeCount: Math.round(each * 0.06),
    openSslCount: 3,
    propagationBoundMs,
    consumerReloadMs,
    slowestDeliveryMs: 6_000,
    slowestReloadMs: 3_000,
    handshakesPerSecond: 30,
    restartsPerSecond: 3,
  };
  return LiveLoad.start(settings, { folder: join(sandbox.out, 'identities/live'), names: names(of) }, join(sandbox.root, 'delivered', of), process.env);
}

/** Everybody has loaded leaves and bundles of one root alone. */
async function settledOn(load: LiveLoad, root: string): Promise<LoadCounts> {
  return until(`every workload has loaded ${root} alone`, async () => {
    const { counts, leaves, bundles } = await load.look();
    return Object.keys(leaves).join() === root.slice(0, 8) && Object.keys(bundles).join() === '1' ? counts : undefined;
  });
}

test.skipIf(!ready)(
  '1,000 workloads, each as late as it may be, shake hands without one failure while roots are rotated, given up before and after the switch, and rotated again, with the daemon killed at every gate and at every change of its record',
  { timeout: 600_000 },
  async () => {
    await using sandbox = new Sandbox();
    for (const of of [there, thereAndBack]) sandbox.write(`${of}.yaml`, trustDomain(of, spec), ...names(of).map((name) => identity(name, { trustDomain: of }, { namespace: 'live' })));
    await using daemon = await KilledDaemon.start(sandbox);
    for (const of of [there, thereAndBack]) for (const name of names(of)) await until(`${name} is issued`, () => existsSync(join(sandbox.out, 'identities/live', name, '..data')), 240_000);
    await using forth = await startLoad(sandbox, there);
    await using back = await startLoad(sandbox, thereAndBack);
    const first = rootsInRecord(sandbox, there)[0] ?? '';
    const kept = rootsInRecord(sandbox, thereAndBack)[0] ?? '';
    for (const of of [there, thereAndBack]) daemon.killWhenRecordChanges(of);
    const places: string[] = [];
    const kill = async (rotation: string, place: string): Promise<void> => {
      places.push(place);
      await daemon.kill(`${rotation} at ${place}`);
    };

    const rotateForth = async (): Promise<void> => {
      const given = new RequestedRotation(sandbox, 'forth-given-up', { trustDomain: there });
      const end = await given.follow(async (place) => {
        await kill(given.name, place);
        if (place.endsWith('/Loaded')) given.abort();
      });
      expect([end, rootsInRecord(sandbox, there)]).toEqual(['Aborted', [first]]);
      const again = new RequestedRotation(sandbox, 'forth-again', { trustDomain: there });
      expect(await again.follow(async (place) => kill(again.name, place))).toBe('Complete');
    };
    const rotateBack = async (): Promise<void> => {
      const rotation = new RequestedRotation(sandbox, 'back', { trustDomain: thereAndBack });
      const end = await rotation.follow(async (place) => {
        await kill(rotation.name, place);
        if (place.endsWith('/Reissued')) rotation.abort();
      });
      expect(end).toBe('Aborted');
    };
    await Promise.all([rotateForth(), rotateBack()]);

    const [last, ...others] = rootsInRecord(sandbox, there);
    expect([others, rootsInRecord(sandbox, thereAndBack)]).toEqual([[], [kept]]);
    expect(last).not.toBe(first);
    await settledOn(forth, last ?? '');
    await settledOn(back, kept);
    await sleep(2_000);
    for (const load of [forth, back]) {
      const { counts } = await load.look();
      const { failed, failedLate, late, ...rest } = counts;
      console.log(JSON.stringify({ ...rest, failed: failed.length, failedLate: failedLate.length, late: late.length, kills: daemon.kills.length }));
      expect(failed.slice(0, 20)).toEqual([]);
      expect(counts.crossed).toBeGreaterThan(0);
      // The machine may be too slow for a few; were it for many, nothing would be shown.
      expect(late.length).toBeLessThan(each / 10);
    }
    console.log(daemon.kills.join('\n'));
    expect(new Set(places.map((place) => place.split('/')[0]))).toEqual(new Set(['Distribute', 'Confirm', 'Canary', 'Reissue', 'Drain']));
  },
);

/** Rotations of two trust domains under load, with a daemon that is killed all the time: what came of it. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../standalone/wait.ts';
import { LiveLoad, type LoadCounts } from './live-load.ts';
import { RequestedRotation } from './requested-rotation.ts';
import type { Stage } from './stage.ts';

const bounds = { propagationBoundMs: 9_000, consumerReloadMs: 5_000, slowestDeliveryMs: 4_500, slowestReloadMs: 2_000 };
// Renewals go on meanwhile. That consumers reload within the bound is promised, so that nothing waits for the end of lives.
const spec = { svid: { ttl: '4m', maxTTL: '8m' }, rotation: { propagationBound: '9s', consumerReload: '5s' } };
/** Two trust domains at once: what waits in one of them waits in the other meanwhile. */
const [forth, back] = ['forth.example', 'back.example'] as const;
const patienceMs = 300_000;

/** What came of the rotations of one trust domain. */
export interface DomainOutcome {
  /** How each of them ended, in order. */
  readonly ends: readonly string[];
  /** Roots at the beginning and in the end. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly counts: LoadCounts;
}

/** What came of all. */
export interface Outcome {
  /** Rotated after a rotation that was given up before its switch. */
  readonly forth: DomainOutcome;
  /** Given up after its switch, and rotated back. */
  readonly back: DomainOutcome;
  /** Phases in which the daemon was killed. */
  readonly phases: ReadonlySet<string>;
}

/** How hard it is. */
export interface Load {
  /** When the daemon is killed, besides at every change of its record. */
  readonly killedAt: 'every phase' | 'every gate';
  /** In each trust domain. */
  readonly handshakesPerSecond: number;
  /** How many are re-issued a second: the fewer, the longer do leaves of both roots meet. */
  readonly pace: number;
}

/** @param workloads of each trust domain */
export async function rotateUnderLoad(stage: Stage, workloads: number, { killedAt, handshakesPerSecond, pace }: Load): Promise<Outcome> {
  const { daemon } = stage;
  await Promise.all([forth, back].map(async (domain) => stage.issue(domain, spec, namesOf(domain, workloads))));
  await using forthLoad = await startLoad(stage, forth, workloads, handshakesPerSecond);
  await using backLoad = await startLoad(stage, back, workloads, handshakesPerSecond);
  const before = { forth: await stage.roots(forth), back: await stage.roots(back) };
  for (const domain of [forth, back]) await stage.killWhenRecordChanges(domain);
  const phases = new Set<string>();
  const follow = async (name: string, of: string, abortAt?: { readonly place: string; readonly reissued: number }): Promise<string> => {
    const rotation = await RequestedRotation.of(stage, name, of, { pace });
    const mine = new Set<string>();
    return rotation.follow(async (place) => {
      const [phase = ''] = place.split('/');
      const stretch = `${phase}${place.endsWith('/back') ? '/back' : ''}`;
      if (killedAt === 'every gate' || !mine.has(stretch)) await daemon.kill(`${name} is at ${place}`);
      mine.add(stretch);
      phases.add(phase);
      if (place !== abortAt?.place) return;
      await until(`${abortAt.reissued} identities are re-issued`, async () => ((await rotation.status())?.reissued ?? 0) >= abortAt.reissued, patienceMs);
      await rotation.abort();
    });
  };
  const [forthEnds, backEnds] = await Promise.all([
    follow('given-up', forth, { place: 'Confirm/Loaded', reissued: 0 }).then(async (end) => [end, await follow('again', forth)]),
    follow('and-back', back, { place: 'Reissue/Reissued', reissued: Math.ceil(workloads / 2) }).then((end) => [end]),
  ]);
  const after = { forth: await stage.roots(forth), back: await stage.roots(back) };
  const counts = { forth: await settledOn(forthLoad, after.forth[0] ?? ''), back: await settledOn(backLoad, after.back[0] ?? '') };
  return {
    forth: { ends: forthEnds, before: before.forth, after: after.forth, counts: counts.forth },
    back: { ends: backEnds, before: before.back, after: after.back, counts: counts.back },
    phases,
  };
}

function namesOf(of: string, workloads: number): readonly string[] {
  return Array.from({ length: workloads }, (_, index) => `${of.slice(0, 1)}${index}`);
}

async function startLoad(stage: Stage, of: string, workloads: number, handshakesPerSecond: number): Promise<LiveLoad> {
  const names = namesOf(of, workloads);
  const settings = { ...bounds, trustDomain: of, names, nodeCount: Math.ceil(workloads * 0.06), openSslCount: 3, handshakesPerSecond, restartsPerSecond: 3 };
  return LiveLoad.start(settings, stage.source(names), join(stage.delivered, of), process.env);
}

/** Everybody has loaded leaves and bundles of one root alone, and has shaken hands with them. */
async function settledOn(load: LiveLoad, root: string): Promise<LoadCounts> {
  await until(
    `every workload has loaded ${root} alone`,
    async () => {
      const { leaves, bundles } = await load.look();
      await sleep(500);
      return Object.keys(leaves).join() === root.slice(0, 8) && Object.keys(bundles).join() === '1';
    },
    patienceMs,
  );
  await sleep(2_000);
  return (await load.look()).counts;
}

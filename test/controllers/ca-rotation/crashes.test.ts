/** A rotation whose process dies again and again, at every call that it makes: it ends all the same, and nobody is refused. */
import { expect, test } from 'vitest';
import { minuteMs, secondMs, startSite } from './site.ts';

/** Kills the process at the n-th write that concerns the rotation, before or after it took effect. */
async function rotateThroughCrash(at: number, applied: boolean, change: (site: Awaited<ReturnType<typeof startSite>>) => void = () => undefined): Promise<boolean> {
  const site = await startSite({ identities: 2, seed: at + 1 });
  let calls = 0;
  let died = false;
  site.world.store.injectFaults({
    operation: ({ verb, key }) => {
      const concerns = (key.kind === 'CARotation' || key.name.startsWith('mtlsd-authorities-')) && ['create', 'replace', 'patchStatus'].includes(verb);
      if (!concerns) return undefined;
      calls += 1;
      if (calls !== at) return undefined;
      died = true;
      return { kind: 'unavailable', applied };
    },
    delivery: () => undefined,
  });
  site.rotate('r1');
  const deadline = site.world.time.nowMs + 15 * minuteMs;
  let restarted = false;
  while (site.phase() !== 'Complete' && site.phase() !== 'Aborted') {
    if (site.world.time.nowMs > deadline) throw new Error(`it does not end after a crash at call ${at}: ${JSON.stringify(site.rotation().status?.conditions)}`);
    await site.pass(2 * secondMs, 2 * secondMs);
    if (died && !restarted) {
      restarted = true;
      await site.restart();
    }
    change(site);
  }
  expect(site.fleet.failures, `a crash at call ${at}`).toEqual([]);
  expect(site.record().authorities.map(({ role, state }) => `${role} ${state}`).filter((state) => state !== 'Issuing Retiring')).toEqual(['Root Active', 'Issuing Active']);
  return died;
}

test('killed at each write of record or status, taken effect or not, it goes on to its end', { timeout: 240_000 }, async () => {
  let at = 1;
  // Until a rotation comes to its end without so many writes.
  for (; await rotateThroughCrash(at, at % 2 === 0); at += 2) if (at > 60) throw new Error('a rotation writes without end');
  expect(at).toBeGreaterThan(9);
});

test('the same when it is given up after the switch', { timeout: 120_000 }, async () => {
  for (const at of [9, 12, 15]) {
    await rotateThroughCrash(at, at % 2 === 0, (site) => {
      if (site.phase() === 'Drain' && site.rotation().spec.abort !== true) site.edit('r1', { abort: true });
    });
  }
});

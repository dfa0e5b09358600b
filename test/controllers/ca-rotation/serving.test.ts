/** The identity that mtlsd serves with itself changes over once all others have: whoever is late can still reach it. */
import { expect, test } from 'vitest';
import type { LeafInSecret } from '../../../src/controllers/ca-rotation/inventory.ts';
import { Reissues } from '../../../src/controllers/ca-rotation/reissues.ts';
import { minuteMs, startSite } from './site.ts';

test('a rotation re-issues the serving identity last, though it is the oldest', async () => {
  const served = 'shop/id-0';
  const site = await startSite({ identities: 5, wrapContext: (context) => ({ ...context, servingIdentity: served }) });
  const before = site.world.audit.length;
  site.rotate('r1', { pace: 1 });
  await site.until(() => site.phase() === 'Drain', 5 * minuteMs);
  const reissued = site.world.audit.slice(before).flatMap(({ decision, object }) => (decision === 'renewed' ? [object] : []));
  expect(reissued.toSorted()).toEqual([0, 1, 2, 3, 4].map((index) => `WorkloadIdentity shop/id-${index}`));
  expect(reissued.at(-1)).toBe(`WorkloadIdentity ${served}`);
  expect(site.fleet.failures).toEqual([]);
});

test('one that cannot be re-issued keeps the serving identity waiting for half a minute, and no longer', () => {
  const reissues = new Reissues('mtlsd-system/mtlsd-api');
  const old = ['mtlsd-system/mtlsd-api', 'shop/stuck'].map((identity, index) => ({ identity, notAfterMs: index }) as LeafInSecret);
  const startMs = Date.parse('2027-01-01T00:00:00Z');
  expect(reissues.release('shop.example', old, 10, startMs)).toEqual(['shop/stuck']);
  expect(reissues.release('shop.example', old, 10, startMs + 29_000)).toEqual([]);
  expect(reissues.release('shop.example', old, 10, startMs + 30_000)).toEqual(['mtlsd-system/mtlsd-api']);
});

import { expect, test } from 'vitest';
import { minuteMs, secondMs, startSite } from './site.ts';

test('a root is rotated without a failed handshake: every phase in order, every gate with its evidence', async () => {
  const site = await startSite();
  const before = site.active('Root');
  site.rotate('r1');
  await site.until(() => site.phase() === 'Complete', 10 * minuteMs);
  const { status } = site.rotation();
  expect(site.fleet.failures).toEqual([]);
  expect(site.fleet.handshakes).toBeGreaterThan(1000);
  expect(status?.phases?.map(({ phase }) => phase)).toEqual(['Prepare', 'Distribute', 'Confirm', 'Canary', 'Switch', 'Reissue', 'Drain', 'Retire', 'Complete']);
  expect(status?.gates?.map(({ name, state }) => `${name} ${state}`)).toEqual(['Written', 'Delivered', 'Loaded', 'Fetched', 'Canary', 'Acknowledged', 'Reissued', 'Drained', 'Withdrawn'].map((name) => `${name} Passed`));
  expect(site.record().authorities.map(({ role, state }) => `${role} ${state}`)).toEqual(['Root Active', 'Issuing Active']);
  expect(site.active('Root')).not.toBe(before);
  expect(status).toMatchObject({ fromAuthority: before, toAuthority: site.active('Root'), reissued: 5, remaining: 0, switchEpoch: 2 });
  // Times that have come, in their order.
  expect(status?.drainedAt).toBe(status?.gates?.find(({ name }) => name === 'Drained')?.since);
  const times = [status?.startedAt, status?.switchedAt, status?.drainedAt, status?.retiredAt, status?.finishedAt].map((time) => Date.parse(time ?? ''));
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times.at(-1)).toBeLessThanOrEqual(site.world.time.nowMs);
  expect(status?.nextTime).toBeUndefined();
  await site.pass(5 * secondMs);
});

test('where bundles are served, readers that nobody saw have the time of their hint before the switch', async () => {
  const site = await startSite({ identities: 1, wrapContext: (context) => ({ ...context, servesBundles: true }) });
  site.rotate('r1');
  await site.until(() => site.rotation().status?.gate === 'Fetched', 2 * minuteMs);
  await site.until(() => site.phase() === 'Complete', 10 * minuteMs);
  const { startedAt = '', switchedAt = '' } = site.rotation().status ?? {};
  // Five times the refresh hint, which is as long as consumers take to see a change.
  expect(Date.parse(switchedAt) - Date.parse(startedAt)).toBeGreaterThanOrEqual(100 * secondMs);
});

test('a hint that was shortened a moment ago binds nobody who was told the longer one, and time in which nothing was served does not count', async () => {
  const site = await startSite({ identities: 1, wrapContext: (context) => ({ ...context, servesBundles: true }) });
  site.world.asUser('shorten the hint', () => void site.store.edit({ kind: 'TrustDomain', name: 'a.example' }, (current) => ({ ...current, spec: { ...current.spec, rotation: { propagationBound: '10s', consumerReload: '10s' } } })));
  await site.pass(5 * secondMs);
  site.rotate('r1');
  await site.until(() => site.rotation().status?.gate === 'Fetched', 2 * minuteMs);
  await site.pass(minuteMs);
  expect(site.rotation().status?.gate).toBe('Fetched');
  await site.restart();
  const servedAtMs = site.world.time.nowMs;
  await site.until(() => site.rotation().status?.switchedAt !== undefined, 5 * minuteMs);
  expect(Date.parse(site.rotation().status?.switchedAt ?? '') - servedAtMs).toBeGreaterThanOrEqual(100 * secondMs);
  expect(Date.parse(site.rotation().status?.switchedAt ?? '') - servedAtMs).toBeLessThan(3 * minuteMs);
});

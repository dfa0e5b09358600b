/** A root near its end: somebody is told in time, or it is rotated by its trust domain's schedule. */
import { expect, test } from 'vitest';
import { minuteMs, quick, startSite, type Site } from './site.ts';

const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const days = (count: number): string => `${count * 24}h`;
const condition = (site: Site) => site.store.peek({ kind: 'TrustDomain', name: 'a.example' })?.status?.conditions?.find(({ type }) => type === 'RootEnding');

test('30, 7 and 1 days before its end a condition says so, with one Event at each mark over restarts, and the gauge all the time; another root ends it', async () => {
  const remaining: (number | undefined)[] = [];
  const site = await startSite({
    identities: 0,
    spec: { ...quick, rootAuthority: { lifetime: days(62) } },
    wrapContext: (context) => ({ ...context, metrics: { ...context.metrics, trust: ({ rootRemainingMs }) => void remaining.push(rootRemainingMs) } }),
  });
  const told = (): readonly string[] => site.told.filter((line) => line.includes('RootEndsWithin'));
  expect(condition(site)).toBeUndefined();
  let passedMs = 0;
  const passTo = async (ms: number): Promise<void> => {
    await site.pass(ms - passedMs, dayMs);
    passedMs = ms;
  };
  for (const mark of [30, 7, 1]) {
    await passTo((62 - mark) * dayMs - hourMs);
    expect(condition(site)?.reason).not.toBe(`RootEndsWithin${mark}Days`);
    await passTo((62 - mark) * dayMs + hourMs);
    await site.restart();
    expect(condition(site)).toMatchObject({ status: 'True', reason: `RootEndsWithin${mark}Days`, message: expect.stringContaining('mtlsd rotate root --trust-domain a.example') as string });
    expect((remaining.at(-1) ?? 0) / dayMs).toBeCloseTo(mark, 0);
  }
  expect(told().map((line) => /Warning (\w+)/u.exec(line)?.[1])).toEqual(['RootEndsWithin30Days', 'RootEndsWithin7Days', 'RootEndsWithin1Days']);
  site.rotate('r1');
  await site.until(() => site.phase() === 'Complete', hourMs, minuteMs);
  expect(condition(site)).toMatchObject({ status: 'False', reason: 'RootLives' });
});

test('a schedule that names the life that is left rotates it then, and not before', async () => {
  const site = await startSite({ identities: 0, spec: { ...quick, rootAuthority: { lifetime: days(20) }, rotation: { ...quick.rotation, root: { beforeRemaining: days(5) } } } });
  const root = site.active('Root');
  await site.pass(15 * dayMs - hourMs, 12 * hourMs);
  expect([site.active('Root'), site.store.all('CARotation')]).toEqual([root, []]);
  await site.until(() => site.store.all('CARotation').some(({ status }) => status?.phase === 'Complete'), 4 * hourMs, minuteMs);
  expect(site.active('Root')).not.toBe(root);
});

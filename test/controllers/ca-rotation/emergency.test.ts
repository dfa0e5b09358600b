import { describe, expect, test } from 'vitest';
import { verifyReceipt } from '../../../src/rotation/receipt/index.ts';
import { minuteMs, secondMs, startSite, type Site } from './site.ts';

const urgent = { mode: 'Emergency', confirm: 'a.example', distrustAfter: '2m' } as const;
const ended = (site: Site, name: string) => () => ['Complete', 'Aborted', 'Superseded'].includes(site.phase(name) ?? '');
const complete = (site: Site, name: string) => site.rotation(name).status?.conditions?.find(({ type }) => type === 'Complete');
const roots = (site: Site): readonly string[] => site.record().authorities.filter(({ role }) => role === 'Root').map(({ keyIdentifier }) => keyIdentifier);

/** Every certificate in use is below that root, and no bundle carries another. */
function expectOnly(site: Site, root: string): void {
  expect(roots(site)).toEqual([root]);
  expect(site.record().authorities.filter(({ role }) => role === 'Issuing')).toHaveLength(1);
  for (const { metadata, data } of site.store.all('Secret').filter((secret) => secret.metadata.namespace === 'shop')) {
    expect(metadata.annotations?.['mtlsd.io/issuer']).toBe(site.active('Issuing'));
    expect(Buffer.from(data['ca.crt'] ?? '', 'base64').toString('utf8').match(/BEGIN CERTIFICATE/gu)).toHaveLength(1);
  }
}

function receipt(site: Site, name: string): Record<string, unknown> | undefined {
  const { configMap = '', key = '' } = site.rotation(name).status?.receipt ?? {};
  const text = site.store.peek({ kind: 'ConfigMap', namespace: 'mtlsd-system', name: configMap })?.data[key] ?? '';
  return verifyReceipt(Buffer.from(text), undefined).receipt?.rotation as Record<string, unknown> | undefined;
}

describe('an emergency beside a rotation that is under way takes over at once', () => {
  test.each([
    ['before its switch', 'Confirm', { approvals: ['Loaded'] }, /before the switch/u],
    ['after its switch', 'Drain', { approvals: ['Drained'] }, /after the switch/u],
    ['which is paused', 'Reissue', { pace: 1, paused: true }, /after the switch/u],
    ['of an issuing authority', 'Drain', { what: 'Issuing', approvals: ['Drained'] }, /after the switch/u],
  ] as const)('%s', async (_, phase, spec, told) => {
    const site = await startSite({ identities: 3 });
    const { paused, ...begun } = { paused: false, ...spec };
    site.rotate('r1', begun);
    await site.until(() => site.phase('r1') === phase, 5 * minuteMs);
    if (paused) site.edit('r1', { paused });
    const before = roots(site);
    site.rotate('stolen', urgent);
    await site.until(() => site.rotation('stolen').status?.switchedAt !== undefined, 10 * secondMs);
    const root = site.active('Root');
    expect(before).not.toContain(root);
    await site.until(ended(site, 'r1'), 5 * secondMs);
    expect(complete(site, 'r1')).toMatchObject({ status: 'False', reason: 'Overtaken', message: expect.stringMatching(told) as unknown });
    expect(site.told.some((each) => each.startsWith('CARotation r1 Warning Aborted: the emergency CARotation stolen took over'))).toBe(true);
    await site.until(ended(site, 'stolen'), 3 * minuteMs);
    expect([site.phase('r1'), site.phase('stolen')]).toEqual(['Aborted', 'Complete']);
    expectOnly(site, root);
    await site.until(() => site.rotation('r1').status?.receipt !== undefined && site.rotation('stolen').status?.receipt !== undefined, 10 * secondMs);
    expect(receipt(site, 'r1')).toMatchObject({ outcome: 'Aborted', overtakenBy: 'stolen' });
    expect(receipt(site, 'stolen')).toMatchObject({ outcome: 'Completed', overtook: ['r1'] });
  });

  test('about the root that is being replaced: it goes at the named time, and the new one stays', async () => {
    const site = await startSite({ identities: 3 });
    const old = site.active('Root');
    site.rotate('r1', { approvals: ['Drained'] });
    await site.until(() => site.phase('r1') === 'Drain', 5 * minuteMs);
    const root = site.active('Root');
    site.rotate('stolen', { ...urgent, fromAuthority: old });
    await site.until(ended(site, 'r1'), 10 * secondMs);
    expect(roots(site)).toContain(old);
    const askedMs = site.world.time.nowMs;
    await site.until(() => !roots(site).includes(old), 3 * minuteMs);
    expect(site.world.time.nowMs - askedMs).toBeLessThanOrEqual(2 * minuteMs);
    await site.until(ended(site, 'stolen'), minuteMs);
    expect(site.phase('stolen')).toBe('Complete');
    expectOnly(site, root);
    expect(site.fleet.failures).toEqual([]);
  });
});

test('an emergency during another: each root goes at the time that was named for it, across a crash', async () => {
  const site = await startSite({ identities: 2 });
  const first = site.active('Root');
  site.rotate('one', { ...urgent, distrustAfter: '2m' });
  await site.until(() => site.rotation('one').status?.switchedAt !== undefined, 10 * secondMs);
  const second = site.active('Root');
  const firstAtMs = Date.parse(site.rotation('one').status?.distrustAt ?? '');
  await site.pass(30 * secondMs);
  site.rotate('two', { ...urgent, distrustAfter: '5m' });
  await site.until(() => site.rotation('two').status?.switchedAt !== undefined, 10 * secondMs);
  const secondAtMs = Date.parse(site.rotation('two').status?.distrustAt ?? '');
  await site.restart();
  await site.until(() => !roots(site).includes(first), 3 * minuteMs);
  expect(site.world.time.nowMs).toBeGreaterThanOrEqual(firstAtMs);
  expect(site.world.time.nowMs).toBeLessThan(firstAtMs + 5 * secondMs);
  expect(roots(site)).toContain(second);
  await site.until(() => !roots(site).includes(second), 6 * minuteMs);
  expect(site.world.time.nowMs).toBeGreaterThanOrEqual(secondAtMs);
  expect(site.world.time.nowMs).toBeLessThan(secondAtMs + 5 * secondMs);
  await site.until(ended(site, 'two'), minuteMs);
  expect([site.phase('one'), site.phase('two')]).toEqual(['Aborted', 'Complete']);
  expectOnly(site, site.active('Root'));
});

/** What may happen to a rotation half-way: it is given up, deleted, met by another one, found by a later start. */
import { describe, expect, test } from 'vitest';
import { minuteMs, quick, secondMs, startSite, type Site } from './site.ts';

const ended = (site: Site, name = 'r1') => () => ['Complete', 'Aborted', 'Superseded'].includes(site.phase(name) ?? '');
const states = (site: Site): string[] => site.record().authorities.map(({ role, state }) => `${role} ${state}`);

test('an abort before the switch leaves the authorities as they were', async () => {
  const site = await startSite({ identities: 3 });
  const [root, issuing] = [site.active('Root'), site.active('Issuing')];
  site.rotate('r1');
  await site.until(() => site.phase() === 'Confirm', minuteMs);
  site.edit('r1', { abort: true });
  await site.until(ended(site), minuteMs);
  await site.pass(30 * secondMs);
  expect(site.phase()).toBe('Aborted');
  expect([site.active('Root'), site.active('Issuing')]).toEqual([root, issuing]);
  expect(states(site)).toEqual(['Root Active', 'Issuing Active']);
  expect(site.secret('id-0').metadata.annotations?.['mtlsd.io/bundle-generation']).toBe('3');
  expect(site.fleet.failures).toEqual([]);
});

test('an abort after the switch is a rotation back: the old root signs again, with an issuing authority of its own', async () => {
  const site = await startSite({ identities: 3 });
  const root = site.active('Root');
  site.rotate('r1', { pace: 1 });
  await site.until(() => site.phase() === 'Reissue', 3 * minuteMs);
  site.edit('r1', { abort: true });
  await site.until(ended(site), 5 * minuteMs);
  expect(site.rotation().status).toMatchObject({ phase: 'Aborted', direction: 'Back' });
  expect(site.active('Root')).toBe(root);
  await site.pass(5 * secondMs);
  expect(site.record().authorities.filter(({ role }) => role === 'Root')).toHaveLength(1);
  for (let index = 0; index < 3; index += 1) expect(site.secret(`id-${index}`).metadata.annotations?.['mtlsd.io/issuer']).not.toBe('');
  expect(site.fleet.failures).toEqual([]);
});

test('an emergency distrusts the old root at the named time, and re-issues until then', async () => {
  const site = await startSite({ identities: 3 });
  const root = site.active('Root');
  site.rotate('r1', { mode: 'Emergency', confirm: 'a.example', distrustAfter: '2m' });
  await site.until(() => site.rotation().status?.switchedAt !== undefined, 10 * secondMs);
  await site.pass(110 * secondMs);
  expect(site.secret('id-0').data['ca.crt']).toBeDefined();
  expect(site.record().authorities.some(({ keyIdentifier }) => keyIdentifier === root)).toBe(true);
  await site.until(ended(site), minuteMs);
  const { status } = site.rotation();
  expect(status?.phase).toBe('Complete');
  const tookMs = Date.parse(status?.finishedAt ?? '') - Date.parse(status?.switchedAt ?? '');
  expect(tookMs).toBeGreaterThanOrEqual(2 * minuteMs);
  expect(tookMs).toBeLessThan(2 * minuteMs + 15 * secondMs);
  expect(site.record().authorities.some(({ keyIdentifier }) => keyIdentifier === root)).toBe(false);
});

test('the rotation of an issuing authority changes no bundle', async () => {
  const site = await startSite({ identities: 3 });
  const [root, issuing] = [site.active('Root'), site.active('Issuing')];
  site.rotate('r1', { what: 'Issuing' });
  await site.until(ended(site), 5 * minuteMs);
  expect(site.phase()).toBe('Complete');
  expect(site.active('Root')).toBe(root);
  expect(site.active('Issuing')).not.toBe(issuing);
  expect(site.record()).toMatchObject({ bundleGeneration: 1, signerEpoch: 2 });
  expect(site.fleet.failures).toEqual([]);
});

describe('two rotations of one trust domain', () => {
  test('the older goes first, and the other is superseded by it', async () => {
    const site = await startSite({ identities: 2 });
    site.rotate('r1');
    await site.pass(2 * secondMs);
    site.world.asUser('another', () => void site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: 'r2' }, spec: site.rotation().spec }));
    await site.pass(2 * secondMs);
    expect(site.rotation('r2').status?.conditions?.find(({ type }) => type === 'Progressing')).toMatchObject({ status: 'False', reason: 'WaitsForRotation' });
    await site.until(ended(site), 5 * minuteMs);
    await site.until(ended(site, 'r2'), minuteMs);
    expect([site.phase('r1'), site.phase('r2')]).toEqual(['Complete', 'Superseded']);
  });
});

describe('a CARotation that is deleted while it is under way', () => {
  test('before the switch is an abort', async () => {
    const site = await startSite({ identities: 2 });
    site.rotate('r1');
    await site.until(() => site.phase() === 'Confirm', minuteMs);
    site.world.asUser('delete r1', () => site.store.remove({ kind: 'CARotation', name: 'r1' }));
    await site.pass(10 * secondMs);
    expect(states(site)).toEqual(['Root Active', 'Issuing Active']);
    expect(site.record().rotation).toBeUndefined();
    expect(site.store.all('CARotation')).toEqual([]);
  });

  test('after it is made anew and goes on to its end', async () => {
    const site = await startSite({ identities: 2 });
    const root = site.active('Root');
    site.rotate('r1', { pace: 1 });
    await site.until(() => site.phase() === 'Reissue', 3 * minuteMs);
    site.world.asUser('delete r1', () => site.store.remove({ kind: 'CARotation', name: 'r1' }));
    await site.until(() => site.store.all('CARotation').length === 1 && site.phase() === 'Complete', 5 * minuteMs);
    expect(site.active('Root')).not.toBe(root);
    expect(site.fleet.failures).toEqual([]);
  });

  test('keeps what a person had decided: gates that wait, who is exempted, the pace, and that it is paused', async () => {
    const site = await startSite({ identities: 2 });
    const exemptions = [{ kind: 'Pod', namespace: 'shop', name: 'till-0', reason: 'it is scrapped', until: '2099-01-01T00:00:00Z' }] as const;
    site.rotate('r1', { pace: 7, approvals: ['Drained'] });
    await site.until(() => site.phase() === 'Drain', 5 * minuteMs);
    site.edit('r1', { exemptions, paused: true });
    await site.pass(5 * secondMs);
    site.world.asUser('delete r1', () => site.store.remove({ kind: 'CARotation', name: 'r1' }));
    await site.until(() => site.store.all('CARotation').length === 1, minuteMs);
    expect(site.rotation().spec).toMatchObject({ pace: 7, approvals: ['Drained'], exemptions, paused: true });
    await site.pass(5 * minuteMs);
    expect(site.phase()).toBe('Drain');
    site.edit('r1', { paused: false, approved: ['Drained'] });
    await site.until(ended(site), 5 * minuteMs);
    expect(site.phase()).toBe('Complete');
    expect(site.fleet.failures).toEqual([]);
  });

  test('at the moment of its switch, too', async () => {
    const site = await startSite({ identities: 2 });
    site.rotate('r1', { approvals: ['Drained'] });
    await site.until(() => site.record().signerEpoch === 2, 5 * minuteMs, 100);
    site.world.asUser('delete r1', () => site.store.remove({ kind: 'CARotation', name: 'r1' }));
    await site.until(() => site.store.all('CARotation').length === 1, minuteMs);
    expect(site.rotation().spec.approvals).toEqual(['Drained']);
  });

  test('with its whole definition is nobody\'s wish', async () => {
    const site = await startSite({ identities: 2 });
    site.rotate('r1');
    await site.until(() => site.phase() === 'Confirm', minuteMs);
    site.world.asUser('delete the definition', () => {
      site.store.setServed('CARotation', false);
      site.store.remove({ kind: 'CARotation', name: 'r1' });
    });
    await site.pass(20 * secondMs);
    expect(states(site)).toEqual(['Root Active', 'Issuing Active', 'Root Prepared', 'Issuing Prepared']);
  });
});

test('identities are re-issued at the pace that was asked for, the nearest expiry first', async () => {
  const site = await startSite({ identities: 12 });
  site.rotate('r1', { pace: 2 });
  await site.until(() => site.phase() === 'Reissue', 3 * minuteMs);
  const from = site.world.audit.length;
  await site.pass(3 * secondMs, 200);
  const reissued = site.world.audit.slice(from).filter(({ reason }) => reason === 'issuer-retiring');
  expect(reissued.length).toBeGreaterThanOrEqual(4);
  expect(reissued.length).toBeLessThanOrEqual(8);
  await site.until(ended(site), 5 * minuteMs);
  expect(site.world.audit.filter(({ reason }) => reason === 'issuer-retiring')).toHaveLength(12);
  expect(site.fleet.failures).toEqual([]);
});

test('a canary that is refused stops it before anybody is hurt', async () => {
  let works = true;
  const site = await startSite({ identities: 2, wrapContext: (context) => ({ ...context, handshake: async (...sides) => (works ? context.handshake?.(...sides) : 'refused by a test') }) });
  works = false;
  site.rotate('r1');
  await site.pass(3 * minuteMs);
  expect(site.rotation().status).toMatchObject({ phase: 'Canary', gate: 'Canary' });
  expect(site.told.filter((line) => line.includes('CanaryFailed'))).toHaveLength(1);
  expect(site.record().signerEpoch).toBe(1);
  works = true;
  await site.until(ended(site), 5 * minuteMs);
  expect(site.phase()).toBe('Complete');
});

test('a trust domain whose schedule says so has its root rotated, once for each root', async () => {
  const rotation = { ...quick.rotation, root: { every: '1h' } };
  const site = await startSite({ identities: 1, spec: { ...quick, rotation } });
  await site.pass(59 * minuteMs, minuteMs);
  expect(site.store.all('CARotation')).toEqual([]);
  const root = site.active('Root');
  await site.pass(2 * minuteMs);
  const [scheduled, ...more] = site.store.all('CARotation');
  expect(more).toEqual([]);
  expect(scheduled?.metadata.name).toBe(`scheduled-a.example-${root.slice(0, 8)}`);
  await site.restart();
  await site.until(() => site.active('Root') !== root, 10 * minuteMs);
  await site.pass(20 * minuteMs, minuteMs);
  expect(site.store.all('CARotation')).toHaveLength(1);
});

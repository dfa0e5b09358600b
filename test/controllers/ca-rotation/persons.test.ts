/** What persons do to a rotation at odd times: each leads to a clear state, and none of them to a certificate that is refused. */
import { describe, expect, test } from 'vitest';
import { minuteMs, secondMs, startSite, type Site } from './site.ts';

const ended = (site: Site, name = 'r1') => () => ['Complete', 'Aborted', 'Superseded'].includes(site.phase(name) ?? '');
const progressing = (site: Site, name = 'r1') => site.rotation(name).status?.conditions?.find(({ type }) => type === 'Progressing');
const gateState = (site: Site, gate: string) => site.rotation().status?.gates?.find(({ name }) => name === gate)?.state;

describe('an approval', () => {
  test('of a gate that is not reached counts once it is, for that gate alone; a second one changes nothing', async () => {
    const site = await startSite({ identities: 1 });
    site.rotate('r1', { approvals: ['Canary', 'Drained'] });
    await site.until(() => site.phase() === 'Confirm', minuteMs);
    site.edit('r1', { approved: ['Drained'] });
    await site.until(() => site.phase() === 'Canary', 3 * minuteMs);
    await site.pass(2 * minuteMs);
    expect(site.rotation().status).toMatchObject({ phase: 'Canary', gate: 'Canary' });
    expect(site.record().signerEpoch).toBe(1);
    site.edit('r1', { approved: ['Drained', 'Canary', 'Canary'] });
    await site.until(ended(site), 5 * minuteMs);
    expect(site.phase()).toBe('Complete');
    expect(site.fleet.failures).toEqual([]);
  });

  test('of a gate that waits for nobody is no evidence: it waits for its own all the same', async () => {
    const site = await startSite({ identities: 1 });
    site.rotate('r1', { approved: ['Written', 'Delivered', 'Loaded', 'Canary', 'Drained'] });
    await site.pass(10 * secondMs);
    expect(gateState(site, 'Delivered')).toBe('Waiting');
    await site.until(ended(site), 5 * minuteMs);
    expect(site.rotation().status?.gates?.some(({ evidence = [] }) => evidence.includes('approved'))).toBe(false);
  });

  test('that is taken back holds the gate again, until the switch is made', async () => {
    const site = await startSite({ identities: 1 });
    site.rotate('r1', { approvals: ['Loaded'], approved: ['Loaded'] });
    await site.until(() => site.phase() === 'Confirm', minuteMs);
    site.edit('r1', { approved: [] });
    await site.pass(5 * minuteMs);
    expect(site.rotation().status).toMatchObject({ phase: 'Confirm', gate: 'Loaded' });
  });
});

describe('a pause', () => {
  test('in Drain keeps the old root, its key and its place in the bundle, for as long as it lasts; renewals go on', async () => {
    const site = await startSite({ identities: 2 });
    const root = site.active('Root');
    site.rotate('r1');
    await site.until(() => site.phase() === 'Drain', 5 * minuteMs);
    site.edit('r1', { paused: true });
    const renewals = site.world.audit.length;
    await site.pass(90 * minuteMs, minuteMs);
    // Nothing is left to wait for but the person.
    expect(site.phase()).toBe('Retire');
    expect(progressing(site)).toMatchObject({ status: 'False', reason: 'Paused' });
    expect(site.record()).toMatchObject({ bundleGeneration: 2, rotation: { name: 'r1' } });
    expect(site.record().rotation).toMatchObject({ from: root });
    expect(site.world.audit.slice(renewals).some(({ decision }) => decision === 'renewed')).toBe(true);
    site.edit('r1', { paused: false });
    await site.until(ended(site), 5 * minuteMs);
    expect(site.phase()).toBe('Complete');
    expect(site.fleet.failures).toEqual([]);
  });

  test('does not hold what is given up: before the switch it is dropped, after it the old root signs at once, and then it is held', async () => {
    const site = await startSite({ identities: 2 });
    const root = site.active('Root');
    site.rotate('r1');
    await site.until(() => site.phase() === 'Drain', 5 * minuteMs);
    site.edit('r1', { paused: true });
    await site.pass(10 * secondMs);
    site.edit('r1', { abort: true });
    await site.pass(minuteMs);
    expect(site.active('Root')).toBe(root);
    expect(site.rotation().status?.direction).toBe('Back');
    expect(progressing(site)?.reason).toBe('Paused');
    site.edit('r1', { paused: false });
    await site.until(ended(site), 5 * minuteMs);
    expect(site.phase()).toBe('Aborted');
    expect(site.fleet.failures).toEqual([]);
  });
});

describe('an abort', () => {
  test('that comes when the old root is gone is told as too late, and the rotation ends', async () => {
    const site = await startSite({ identities: 1 });
    site.rotate('r1', { approvals: ['Withdrawn'] });
    await site.until(() => site.phase() === 'Retire' && site.rotation().status?.gate === 'Withdrawn', 5 * minuteMs);
    site.edit('r1', { abort: true });
    await site.pass(10 * secondMs);
    expect(progressing(site)).toMatchObject({ reason: 'PastTheSwitch' });
    site.edit('r1', { approved: ['Withdrawn'] });
    await site.until(ended(site), minuteMs);
    expect(site.phase()).toBe('Complete');
  });

  test('of an issuing authority that signs already is told as too late', async () => {
    const site = await startSite({ identities: 1 });
    site.rotate('r1', { what: 'Issuing', approvals: ['Drained'] });
    await site.until(() => site.phase() === 'Drain', 3 * minuteMs);
    const issuing = site.active('Issuing');
    site.edit('r1', { abort: true });
    await site.pass(10 * secondMs);
    expect(progressing(site)).toMatchObject({ reason: 'PastTheSwitch' });
    site.edit('r1', { approved: ['Drained'] });
    await site.until(ended(site), 5 * minuteMs);
    expect([site.phase(), site.active('Issuing')]).toEqual(['Complete', issuing]);
  });
});

describe('a trust domain that is deleted under a rotation', () => {
  const remove = (site: Site): void => site.world.asUser('delete a.example', () => site.store.remove({ kind: 'TrustDomain', name: 'a.example' }));

  test('leaves it standing, with what to do; it goes on when the trust domain is back', async () => {
    const site = await startSite({ identities: 1 });
    const { spec } = site.store.peek({ kind: 'TrustDomain', name: 'a.example' }) ?? { spec: {} };
    const root = site.active('Root');
    site.rotate('r1');
    await site.until(() => site.phase() === 'Confirm', minuteMs);
    remove(site);
    await site.pass(3 * minuteMs);
    expect(progressing(site)).toMatchObject({ status: 'False', reason: 'TrustDomainNotReady', message: 'trust domain a.example does not exist: create the TrustDomain, or delete this CARotation' });
    expect(site.active('Root')).toBe(root);
    site.world.asUser('put it back', () => void site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'a.example' }, spec }));
    await site.until(ended(site), 10 * minuteMs);
    expect(site.phase()).toBe('Complete');
  });

  test('and whose CARotation is deleted as well keeps the record; what was prepared goes once it is back', async () => {
    const site = await startSite({ identities: 1 });
    const { spec } = site.store.peek({ kind: 'TrustDomain', name: 'a.example' }) ?? { spec: {} };
    site.rotate('r1');
    await site.until(() => site.phase() === 'Confirm', minuteMs);
    remove(site);
    await site.pass(5 * secondMs);
    site.world.asUser('delete r1', () => site.store.remove({ kind: 'CARotation', name: 'r1' }));
    await site.pass(minuteMs);
    expect(site.record().rotation).toMatchObject({ name: 'r1' });
    site.world.asUser('put it back', () => void site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'a.example' }, spec }));
    await site.pass(minuteMs);
    expect(site.record().rotation).toBeUndefined();
    expect(site.record().authorities.map(({ role, state }) => `${role} ${state}`)).toEqual(['Root Active', 'Issuing Active']);
  });
});

test('a manifest that is applied again after its rotation has ended and was deleted rotates nothing, and gets no receipt', async () => {
  const site = await startSite({ identities: 1 });
  site.rotate('r1');
  await site.until(ended(site), 10 * minuteMs);
  const { spec } = site.rotation();
  const root = site.active('Root');
  site.world.asUser('delete r1', () => site.store.remove({ kind: 'CARotation', name: 'r1' }));
  await site.pass(5 * secondMs);
  site.world.asUser('apply it again', () => void site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: 'r1' }, spec }));
  await site.pass(minuteMs);
  expect(site.rotation().status).toMatchObject({ phase: 'Superseded' });
  expect(site.rotation().status?.receipt).toBeUndefined();
  expect(site.rotation().status?.conditions?.find(({ type }) => type === 'Complete')?.message).toContain(`is not the active one, which is ${root}`);
  expect(site.active('Root')).toBe(root);
});

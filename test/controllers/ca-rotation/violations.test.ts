/** The invariant's figure: 0 through everything that mtlsd does by itself, and never 0 when somebody may be refused. */
import { expect, test } from 'vitest';
import { overviewOf } from '../../../src/app/overview/overview.ts';
import { putIdentity } from '../../model/users.ts';
import { minuteMs, secondMs, startSite, type Site } from './site.ts';

const recordKey = { kind: 'Secret' as const, namespace: 'mtlsd-system', name: 'mtlsd-authorities-a.example' };

/** A site that notes how many violations its metric tells. */
async function counted(options: Parameters<typeof startSite>[0] = {}): Promise<{ readonly site: Site; readonly told: number[] }> {
  const told: number[] = [];
  const site = await startSite({ identities: 2, ...options, wrapContext: (context) => ({ ...context, metrics: { ...context.metrics, trust: ({ violations }) => void told.push(violations) } }) });
  return { site, told };
}

const domain = (site: Site) => site.store.peek({ kind: 'TrustDomain', name: 'a.example' });
/** What `mtlsd status` says of it. */
const shown = (site: Site) => overviewOf({ trustDomains: site.store.all('TrustDomain'), identities: site.store.all('WorkloadIdentity'), rotations: [] }, [], site.world.time.nowMs);

/** An identity whose Secret stays when it is deleted, as it is. */
async function keepSecretOf(site: Site, name: string): Promise<void> {
  site.world.asUser(`put ${name}`, () => putIdentity(site.world, 'shop', name, { deletionPolicy: 'Retain' }));
  await site.pass(5 * secondMs);
  site.world.asUser(`delete ${name}`, () => site.store.remove({ kind: 'WorkloadIdentity', namespace: 'shop', name }));
  await site.pass(5 * secondMs);
}

async function restoreAccepted(site: Site, data: Record<string, string>, root: string): Promise<void> {
  site.world.asUser('restore', () => void site.store.edit(recordKey, (current) => ({ ...current, data })));
  await site.pass(5 * secondMs);
  site.world.asUser('accept', () => void site.store.edit({ kind: 'TrustDomain', name: 'a.example' }, (current) => ({ ...current, metadata: { ...current.metadata, annotations: { 'mtlsd.io/accept-restored-record': root } } })));
  await site.pass(30 * secondMs);
}

test('a rotation, there and back, violates nothing at any time', async () => {
  const { site, told } = await counted({ cluster: true });
  site.rotate('r1', { pace: 1 });
  await site.until(() => site.phase() === 'Reissue', 5 * minuteMs);
  site.edit('r1', { abort: true });
  await site.until(() => site.phase() === 'Aborted', 10 * minuteMs);
  site.rotate('r2');
  await site.until(() => site.phase('r2') === 'Complete', 10 * minuteMs);
  await site.pass(20 * secondMs);
  expect(told.length).toBeGreaterThan(10);
  expect(new Set(told)).toEqual(new Set([0]));
  expect(domain(site)?.status?.violations).toBeUndefined();
});

test('a place that was left behind, with a person\'s leave, counts every certificate that it refuses, as long as anybody may use it', async () => {
  const { site, told } = await counted();
  await keepSecretOf(site, 'kept');
  site.rotate('r1', { exemptions: [{ kind: 'Secret', namespace: 'shop', name: 'kept-mtls', reason: 'its pod is gone', until: new Date(site.world.time.nowMs + 10 * minuteMs).toISOString() }] });
  await site.until(() => site.phase() === 'Reissue' || site.phase() === 'Drain', 5 * minuteMs);
  await site.until(() => site.phase() === 'Complete', 10 * minuteMs);
  await site.pass(20 * secondMs);
  // The two that are of a root that it does not know, and its own, which nobody else takes any more.
  expect(told.at(-1)).toBe(3);
  expect(domain(site)?.status?.violations).toBe(3);
  expect(shown(site).problems).toMatchObject([{ object: 'TrustDomain a.example', reason: 'RootMissing' }]);
  await site.pass(60 * minuteMs, minuteMs);
  expect(told.at(-1)).toBe(0);
  expect(domain(site)?.status?.violations).toBeUndefined();
  expect(shown(site).problems).toEqual([]);
});

test('an older record that was restored and accepted: certificates of the root that it does not know count', async () => {
  const { site, told } = await counted();
  const data = site.store.peek(recordKey)?.data ?? {};
  const root = site.active('Root');
  site.rotate('r1');
  await site.until(() => site.phase() === 'Complete', 10 * minuteMs);
  await keepSecretOf(site, 'kept');
  await restoreAccepted(site, data, root);
  // Its bundle has the newer root alone: it refuses both, and both refuse it.
  expect(told.at(-1)).toBe(3);
  expect(domain(site)?.status?.violations).toBe(3);
});

test('a Secret that was restored from before a rotation counts although no record is in force', async () => {
  const { site, told } = await counted();
  const data = site.store.peek(recordKey)?.data ?? {};
  const old = site.secret('id-0');
  site.rotate('r1');
  await site.until(() => site.phase() === 'Complete', 10 * minuteMs);
  site.world.asUser('restore', () => {
    site.store.edit(recordKey, (current) => ({ ...current, data }));
    site.store.edit({ kind: 'Secret', namespace: 'shop', name: 'id-0-mtls' }, (current) => ({ ...current, data: old.data, metadata: { ...current.metadata, annotations: old.metadata.annotations ?? {} } }));
  });
  await site.pass(30 * secondMs);
  expect(domain(site)?.status?.conditions?.find(({ type }) => type === 'Ready')?.reason).toBe('AuthorityRecordOlder');
  // What was restored is of a root that is gone, and knows no other.
  expect(told.at(-1)).toBe(2);
});

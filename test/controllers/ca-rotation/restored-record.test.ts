/** An older record that a restore put back: nothing is done with it, and nothing that was delivered is touched, until somebody chooses. */
import { expect, test } from 'vitest';
import { readServedBundle } from '../../../src/controllers/index.ts';
import { parseTrustDomainName } from '../../../src/spiffe/index.ts';
import { minuteMs, secondMs, startSite, type Site } from './site.ts';

const recordKey = { kind: 'Secret' as const, namespace: 'mtlsd-system', name: 'mtlsd-authorities-a.example' };

/** A site whose root was rotated, with the record from before put back. */
async function restored(options: Parameters<typeof startSite>[0] = {}): Promise<{ readonly site: Site; readonly root: string }> {
  const site = await startSite({ identities: 1, ...options });
  const old = site.store.peek(recordKey);
  const root = site.active('Root');
  site.rotate('r1');
  await site.until(() => site.phase() === 'Complete', 10 * minuteMs);
  await site.pass(5 * secondMs);
  site.world.asUser('restore', () => void site.store.edit(recordKey, (current) => ({ ...current, data: old?.data ?? {} })));
  return { site, root };
}

const ready = (site: Site) => site.store.peek({ kind: 'TrustDomain', name: 'a.example' })?.status?.conditions?.find(({ type }) => type === 'Ready');
const accept = (site: Site, root: string): void =>
  site.world.asUser('accept', () =>
    void site.store.edit({ kind: 'TrustDomain', name: 'a.example' }, (current) => ({ ...current, metadata: { ...current.metadata, annotations: { 'mtlsd.io/accept-restored-record': root } } })),
  );

test('it signs nothing, until somebody accepts it by name', async () => {
  const { site, root } = await restored();
  const issuances = site.world.audit.length;
  await site.pass(10 * minuteMs, minuteMs);
  expect(ready(site)).toMatchObject({ status: 'False', reason: 'AuthorityRecordOlder' });
  expect(ready(site)?.message).toContain(`mtlsd.io/accept-restored-record: ${root}`);
  expect(site.world.audit.slice(issuances).filter(({ decision }) => decision === 'issued' || decision === 'renewed')).toEqual([]);
  accept(site, root);
  await site.until(() => ready(site)?.status === 'True', minuteMs);
  expect(site.record().bundleGeneration).toBeGreaterThan(3);
  expect(site.active('Root')).toBe(root);
});

test('no rotation begins with it, whoever asks for one from its root: two changes later it would pass for the newest', async () => {
  const { site, root } = await restored();
  site.rotate('r2', { fromAuthority: root });
  await site.pass(5 * minuteMs, 5 * secondMs);
  expect(site.record()).toMatchObject({ bundleGeneration: 1, signerEpoch: 1 });
  expect(ready(site)).toMatchObject({ status: 'False', reason: 'AuthorityRecordOlder' });
  expect(site.rotation('r2').status?.conditions?.find(({ type }) => type === 'Progressing')).toMatchObject({ status: 'False', reason: 'TrustDomainNotReady', message: ready(site)?.message });
  // The rotation goes on by itself once somebody has chosen.
  accept(site, root);
  await site.until(() => site.phase('r2') === 'Complete', 10 * minuteMs);
});

test('its bundle is shown to nobody, by no replica: what others fetched has a higher sequence', async () => {
  const { site, root } = await restored();
  await site.pass(5 * secondMs);
  const place = { store: site.store, systemNamespace: 'mtlsd-system', recordLocation: () => 'the record' };
  const served = () => readServedBundle(place, parseTrustDomainName('a.example'));
  const asked = served();
  await site.world.drain();
  expect(await asked).toBeUndefined();
  accept(site, root);
  await site.until(() => ready(site)?.status === 'True', minuteMs);
  const again = served();
  await site.world.drain();
  expect((await again)?.document).toContain('"spiffe_sequence":');
});

test('every bundle that was delivered stays as it is, in Secrets, ConfigMaps and the ClusterTrustBundle, until then', async () => {
  const { site, root } = await restored({ cluster: true });
  const places = (): unknown => [
    site.secret('id-0').data['ca.crt'],
    site.store.peek({ kind: 'ConfigMap', namespace: 'shop', name: 'mtlsd-bundle-a.example' })?.data['ca.crt'],
    site.store.peek({ kind: 'ClusterTrustBundle', name: 'mtlsd.io:x509-svid:a.example' })?.spec.trustBundle,
  ];
  const before = places();
  expect(before).toEqual([expect.any(String), expect.stringContaining('BEGIN'), expect.stringContaining('BEGIN')]);
  await site.pass(10 * minuteMs, minuteMs);
  await site.restart();
  await site.pass(10 * minuteMs, minuteMs);
  expect(ready(site)).toMatchObject({ reason: 'AuthorityRecordOlder' });
  expect(places()).toEqual(before);
  accept(site, root);
  await site.until(() => ready(site)?.status === 'True', 2 * minuteMs);
  await site.pass(minuteMs);
  const after = places() as readonly string[];
  expect(new Set(after.slice(1)).size).toBe(1);
  expect(after[1]).not.toBe((before as readonly string[])[1]);
});

test('a record from before a switch that it has lost stops too: given up there, the rotation would take the root of certificates in use away', async () => {
  const site = await startSite({ identities: 3 });
  site.rotate('r1', { approvals: ['Drained'] });
  await site.until(() => site.phase() === 'Confirm', 3 * minuteMs);
  const prepared = site.store.peek(recordKey);
  await site.until(() => site.phase() === 'Drain', 3 * minuteMs);
  expect(site.record()).toMatchObject({ bundleGeneration: 2, signerEpoch: 2 });
  site.world.asUser('restore', () => void site.store.edit(recordKey, (current) => ({ ...current, data: prepared?.data ?? {} })));
  site.edit('r1', { abort: true });
  await site.pass(5 * minuteMs, 5 * secondMs);
  expect(ready(site)).toMatchObject({ status: 'False', reason: 'AuthorityRecordOlder' });
  expect(site.record()).toMatchObject({ bundleGeneration: 2, signerEpoch: 1 });
  expect(site.fleet.failures).toEqual([]);
});

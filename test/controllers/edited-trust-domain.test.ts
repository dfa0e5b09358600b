/** An edit of a trust domain counts at once, for everything that looks at its spec. */
import { expect, test } from 'vitest';
import type { TrustDomainSpec } from '../../src/resources/index.ts';
import { minuteMs, quick, secondMs, startSite, type Site } from './ca-rotation/site.ts';

const edit = (site: Site, spec: TrustDomainSpec): void =>
  site.world.asUser('edit a.example', () => void site.store.edit({ kind: 'TrustDomain', name: 'a.example' }, (current) => ({ ...current, spec })));

test('a longer consumerReload holds the rotation that is under way', async () => {
  const site = await startSite({ identities: 1 });
  site.rotate('r1');
  await site.until(() => site.phase() === 'Confirm', minuteMs);
  edit(site, { ...quick, rotation: { ...quick.rotation, consumerReload: '10m' } });
  await site.pass(9 * minuteMs);
  expect(site.rotation().status).toMatchObject({ phase: 'Confirm', gate: 'Loaded' });
});

test('a schedule that is added is followed', async () => {
  const site = await startSite({ identities: 1 });
  edit(site, { ...quick, rotation: { ...quick.rotation, root: { every: '1h' } } });
  await site.pass(62 * minuteMs, minuteMs);
  expect(site.store.all('CARotation')).toHaveLength(1);
});

test('a namespace that is selected no more loses its copy of the bundle', async () => {
  const site = await startSite({ identities: 1, cluster: true });
  const copies = (): number => site.store.all('ConfigMap').length;
  expect(copies()).toBe(1);
  edit(site, { ...quick, bundle: { namespaceSelector: { matchLabels: { team: 'none' } } } });
  await site.pass(5 * secondMs);
  expect(copies()).toBe(0);
});

import { expect, test, vi } from 'vitest';
import { FleetBench } from './fleet-bench.ts';

/** The judge of templates has tests of its own and takes most of a start's time: here it judges one template in fifty. */
const judged = vi.hoisted(() => ({ count: 0 }));
vi.mock(import('../../src/x509/judge-template.ts'), async (original) => {
  const { judgeTemplate } = await original();
  return { judgeTemplate: async (...parameters: Parameters<typeof judgeTemplate>) => ((judged.count += 1) % 50 === 1 ? judgeTemplate(...parameters) : undefined) };
});

/** A bench with two service accounts in a namespace that is meant, and one in a namespace that is not. */
async function shop(): Promise<FleetBench> {
  const bench = await FleetBench.start();
  bench.namespace('shop', { team: 'shop' });
  bench.namespace('bank');
  for (const name of ['cart', 'till']) bench.account('shop', name);
  bench.account('bank', 'vault');
  return bench;
}

const uidOf = (bench: FleetBench, name: string) => bench.identity('shop', name)?.metadata.uid;

test('each service account that is matched gets its identity and its Secret, and nothing is written afterwards', async () => {
  const bench = await shop();
  bench.fleet('all', { dnsNames: ['{serviceAccount}.{namespace}.svc', '{service}.{namespace}.svc'], ttl: '2h' });
  await bench.pass(20);
  expect(bench.names('shop')).toEqual(['cart', 'till']);
  expect(bench.names('bank')).toEqual([]);
  expect(bench.identity('shop', 'cart')?.spec).toMatchObject({ serviceAccountName: 'cart', secretName: 'cart-mtls', dnsNames: ['cart.shop.svc'], ttl: '2h' });
  expect(bench.status('all')).toMatchObject({ matched: 2, identities: 2, ready: 2, overridden: 0, conflictCount: 0 });
  expect(bench.ready('all')).toBe('Reconciled');
  expect(bench.world.store.peek({ kind: 'Secret', namespace: 'shop', name: 'cart-mtls' })).toBeDefined();
  const writes = bench.writes();
  await bench.pass(400, 10);
  await bench.restart();
  expect(bench.writes()).toBe(writes);
});

test('who is matched follows labels of namespaces and service accounts, and service accounts that come and go', async () => {
  const bench = await shop();
  bench.fleet('all', { serviceAccountSelector: { matchExpressions: [{ key: 'legacy', operator: 'DoesNotExist' }] } });
  bench.account('shop', 'web');
  await bench.pass(10);
  bench.namespace('bank', { team: 'shop' });
  bench.account('shop', 'till', { legacy: 'yes' });
  bench.removeAccount('shop', 'cart');
  await bench.pass(10);
  expect([bench.names('shop'), bench.names('bank')]).toEqual([['web'], ['vault']]);
  expect(bench.world.store.peek({ kind: 'Secret', namespace: 'shop', name: 'till-mtls' })).toBeUndefined();
  bench.namespace('bank');
  await bench.pass(10);
  expect(bench.names('bank')).toEqual([]);
  expect(bench.status('all')).toMatchObject({ matched: 1, identities: 1 });
});

test('the priority decides, then age; and a change of who counts is a change of the same object', async () => {
  const bench = await shop();
  bench.fleet('older', { ttl: '1h' });
  await bench.pass(10);
  bench.fleet('younger', { ttl: '2h' });
  await bench.pass(10);
  expect(bench.identity('shop', 'cart')?.spec.ttl).toBe('1h');
  expect(bench.status('younger')).toMatchObject({ matched: 2, identities: 0, overridden: 2 });
  const before = uidOf(bench, 'cart');
  bench.fleet('younger', { ttl: '2h', priority: 1 });
  await bench.pass(10);
  expect(bench.identity('shop', 'cart')?.spec.ttl).toBe('2h');
  expect(uidOf(bench, 'cart')).toBe(before);
  expect(bench.status('older')).toMatchObject({ matched: 2, identities: 0, overridden: 2 });
  bench.removeFleet('younger');
  await bench.pass(10);
  expect(bench.identity('shop', 'cart')?.spec.ttl).toBe('1h');
  expect(uidOf(bench, 'cart')).toBe(before);
});

test('one that names the Secrets otherwise makes them anew', async () => {
  const bench = await shop();
  bench.fleet('older');
  await bench.pass(10);
  bench.fleet('younger', { priority: 1, secretName: 'tls-{serviceAccount}' });
  await bench.pass(10);
  expect(bench.identity('shop', 'cart')?.spec.secretName).toBe('tls-cart');
  expect(bench.world.store.all('Secret').filter(({ metadata }) => metadata.namespace === 'shop').map(({ metadata }) => metadata.name).sort()).toEqual(['tls-cart', 'tls-till']);
});

test('what somebody made counts before all, is never adopted, and leaves again', async () => {
  const bench = await shop();
  const put = (name: string, serviceAccountName: string): void =>
    bench.world.asUser(`put ${name}`, () => bench.world.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace: 'shop', name }, spec: { serviceAccountName, ttl: '3h' } }));
  put('cart', 'cart');
  put('till', 'other');
  bench.fleet('all');
  await bench.pass(10);
  expect(bench.identity('shop', 'cart')?.spec.ttl).toBe('3h');
  expect(bench.identity('shop', 'till')?.spec.serviceAccountName).toBe('other');
  expect(bench.status('all')).toMatchObject({ matched: 2, identities: 0, overridden: 1, conflictCount: 1, conflicts: [{ namespace: 'shop', serviceAccount: 'till', reason: 'NameTaken' }] });
  expect(bench.ready('all')).toBe('Conflicts');
  for (const name of ['cart', 'till']) bench.world.asUser(`remove ${name}`, () => bench.world.store.remove({ kind: 'WorkloadIdentity', namespace: 'shop', name }));
  await bench.pass(10);
  expect(bench.status('all')).toMatchObject({ matched: 2, identities: 2, overridden: 0, conflictCount: 0 });
  const own = uidOf(bench, 'cart');
  put('by-hand', 'cart');
  await bench.pass(10);
  expect(bench.names('shop')).toEqual(['by-hand', 'till']);
  expect(own).toBeDefined();
});

test('who takes our label off an identity takes it over', async () => {
  const bench = await shop();
  bench.fleet('all');
  await bench.pass(10);
  bench.world.asUser('take over', () => bench.world.store.edit({ kind: 'WorkloadIdentity', namespace: 'shop', name: 'cart' }, (current) => ({ ...current, metadata: { name: 'cart', namespace: 'shop' }, spec: { ...current.spec, ttl: '5h' } })));
  bench.removeFleet('all');
  await bench.pass(10);
  expect(bench.names('shop')).toEqual(['cart']);
  expect(bench.identity('shop', 'cart')?.spec.ttl).toBe('5h');
});

test('L3: an edit is taken back, a fight is bounded and told, and a new wish counts at once', async () => {
  const bench = await shop();
  bench.fleet('all', { ttl: '1h' });
  await bench.pass(10);
  const edit = (ttl: string): void => {
    if (bench.identity('shop', 'cart')?.spec.ttl === ttl) return;
    bench.world.asUser('edit', () => bench.world.store.edit({ kind: 'WorkloadIdentity', namespace: 'shop', name: 'cart' }, (current) => ({ ...current, spec: { ...current.spec, ttl } })));
  };
  edit('9h');
  await bench.pass(2);
  expect(bench.identity('shop', 'cart')?.spec.ttl).toBe('1h');
  const before = bench.world.store.counts().replaced;
  for (let second = 0; second < 600; second += 1) {
    edit('9h');
    await bench.pass(1);
  }
  expect(bench.identity('shop', 'cart')?.spec.ttl).toBe('9h');
  // Each change of the TTL has the Secret written too.
  expect(bench.world.store.counts().replaced - before).toBeLessThan(12);
  expect(bench.status('all').conflicts?.[0]).toMatchObject({ serviceAccount: 'cart', reason: 'ForeignChanges' });
  bench.fleet('all', { ttl: '4h' });
  await bench.pass(10);
  expect(bench.identity('shop', 'cart')?.spec.ttl).toBe('4h');
  expect(bench.ready('all')).toBe('Reconciled');
});

test('what is done when certificates are renewed, and for whom there are tokens, is said once for all', async () => {
  const bench = await shop();
  const reload = { onRenewal: { http: { port: 8080, path: '/-/reload' } } };
  const jwt = { audiences: [{ name: 'bank', audience: 'https://bank.example' }] };
  bench.fleet('all', { reload, jwt });
  await bench.pass(10);
  expect(bench.identity('shop', 'cart')?.spec).toMatchObject({ reload, jwt });
  const writes = bench.writes();
  await bench.pass(60, 10);
  expect(bench.writes()).toBe(writes);
  bench.fleet('all');
  await bench.pass(10);
  expect(bench.identity('shop', 'cart')?.spec).not.toHaveProperty('reload');
});

test.each(['Delete', 'Retain'] as const)('deletionPolicy %s decides over the Secrets when the object goes', async (deletionPolicy) => {
  const bench = await shop();
  bench.fleet('all', { deletionPolicy });
  await bench.pass(10);
  bench.removeFleet('all');
  await bench.pass(10);
  expect(bench.names('shop')).toEqual([]);
  expect(bench.world.store.peek({ kind: 'Secret', namespace: 'shop', name: 'cart-mtls' }) !== undefined).toBe(deletionPolicy === 'Retain');
});

test('L14: identities stay while the definition of the kind is going away', async () => {
  const bench = await shop();
  bench.fleet('all');
  await bench.pass(10);
  bench.world.store.setServed('ClusterWorkloadIdentity', false);
  bench.removeFleet('all');
  await bench.pass(60);
  expect(bench.names('shop')).toEqual(['cart', 'till']);
});

test('an object for pods alone makes nothing, and says whom it serves', async () => {
  const bench = await shop();
  bench.fleet('pods', { deliveries: ['PodCertificate'], podSelector: { matchLabels: { app: 'cart' } } });
  await bench.pass(10);
  expect(bench.names('shop')).toEqual([]);
  expect(bench.status('pods')).toMatchObject({ matched: 2, identities: 0 });
  expect(bench.ready('pods')).toBe('PodCertificates');
});

test('an object that matches nobody says so', async () => {
  const bench = await shop();
  bench.fleet('none', { serviceAccountNames: ['nobody'] });
  await bench.pass(10);
  expect(bench.ready('none')).toBe('NothingMatches');
});

test('hundreds of identities are made at a steady rate, each with one write, and the status is written a few times', { timeout: 180_000 }, async () => {
  const bench = await FleetBench.start();
  bench.namespace('shop', { team: 'shop' });
  for (let index = 0; index < 300; index += 1) bench.account('shop', `app-${index}`);
  const before = bench.world.store.counts();
  bench.fleet('all');
  await bench.pass(1);
  const soon = bench.names('shop').length;
  expect(soon).toBeGreaterThanOrEqual(50);
  expect(soon).toBeLessThanOrEqual(160);
  await bench.pass(40);
  expect(bench.status('all')).toMatchObject({ matched: 300, identities: 300, ready: 300 });
  const after = bench.world.store.counts();
  // An identity and a Secret each; no replacement at all.
  expect(after.created - before.created).toBe(600);
  expect(after.replaced).toBe(before.replaced);
  expect(after.statusPatched - before.statusPatched).toBeLessThanOrEqual(300 + 10);
});

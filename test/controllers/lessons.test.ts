import { expect, test, vi } from 'vitest';
import { MtlsdError } from '../../src/errors/index.ts';
import type { Secret } from '../../src/resources/index.ts';
import { putIdentity } from '../model/users.ts';
import { hourMs, minuteMs, removeIdentity, restart, roots, short, startBench, type Bench } from './bench.ts';

/** The judge of templates has tests of its own and takes most of a start's time: here it judges one template in fifty. */
const judged = vi.hoisted(() => ({ count: 0 }));
vi.mock(import('../../src/x509/judge-template.ts'), async (original) => {
  const { judgeTemplate } = await original();
  return { judgeTemplate: async (...parameters: Parameters<typeof judgeTemplate>) => ((judged.count += 1) % 50 === 1 ? judgeTemplate(...parameters) : undefined) };
});

/** What hurt the users of other systems, each tried on the reconcilers. */

function editSecret(bench: Bench, name: string, change: (secret: Secret) => Partial<Secret>): void {
  bench.world.asUser(`edit ${name}`, () => bench.world.store.edit<'Secret'>({ kind: 'Secret', namespace: 'shop', name }, (current) => ({ ...current, ...change(current) })));
}

test('L2: two identities claim one Secret: the older keeps it, the other says Conflict, zero writes in 10 minutes', async () => {
  const bench = await startBench({ svid: { ttl: '2h' } });
  bench.put('older', { secretName: 'shared' });
  await bench.pass(2000);
  bench.put('younger', { secretName: 'shared' });
  await bench.pass(2000);
  expect([bench.reason('older'), bench.reason('younger')]).toEqual(['Issued', 'Conflict']);
  const before = { ...bench.world.checks.writes };
  await bench.pass(10 * minuteMs);
  expect(bench.world.checks.writes).toEqual(before);
  removeIdentity(bench, 'older');
  await bench.pass(5 * minuteMs);
  expect(bench.reason('younger')).toBe('Issued');
  expect(bench.pair('shared').uris).toEqual(['spiffe://a.example/ns/shop/sa/younger']);
});

test.each([
  ['the key', (secret: Secret) => ({ data: { ...secret.data, 'tls.key': '' } })],
  ['an annotation of ours', (secret: Secret) => ({ metadata: { ...secret.metadata, annotations: { ...secret.metadata.annotations, 'mtlsd.io/profile': 'x' } } })],
  ['the issuer', (secret: Secret) => ({ metadata: { ...secret.metadata, annotations: { ...secret.metadata.annotations, 'mtlsd.io/issuer': 'x' } } })],
  ['the bundle generation', (secret: Secret) => ({ metadata: { ...secret.metadata, annotations: { ...secret.metadata.annotations, 'mtlsd.io/bundle-generation': '77' } } })],
  ['a label of ours', (secret: Secret) => ({ metadata: { ...secret.metadata, labels: { ...secret.metadata.labels, 'mtlsd.io/trust-domain': 'x.example' } } })],
  ['nothing that matters', (secret: Secret) => ({ metadata: { ...secret.metadata, annotations: { ...secret.metadata.annotations, other: secret.metadata.resourceVersion } } })],
])('L3: another controller overwrites %s every second for a quarter of an hour: a few repairs, few writes', async (_what, change) => {
  const bench = await startBench({ svid: { ttl: '4h' } });
  bench.put('cart');
  await bench.world.drain();
  const before = { ...bench.world.checks.writes };
  for (let second = 0; second < 900; second += 1) {
    editSecret(bench, 'cart-mtls', change);
    await bench.world.advance(1000);
    await bench.world.drain();
  }
  const { secrets, identityStatus } = bench.world.checks.writes;
  expect(secrets - before.secrets).toBeLessThanOrEqual(5);
  expect(identityStatus - before.identityStatus).toBeLessThanOrEqual(10);
});

test('L3: an older Secret that is put back every second leads to a few repairs and a condition', async () => {
  const bench = await startBench({ svid: { ttl: '1h' } });
  bench.put('cart');
  await bench.world.drain();
  const old = bench.secret('cart-mtls') as Secret;
  await bench.pass(40 * minuteMs);
  expect(bench.secret('cart-mtls')?.data['tls.crt']).not.toBe(old.data['tls.crt']);
  const before = bench.world.checks.writes.secrets;
  for (let second = 0; second < 600; second += 1) {
    editSecret(bench, 'cart-mtls', () => ({ data: old.data, metadata: old.metadata }));
    await bench.world.advance(1000);
    await bench.world.drain();
  }
  expect(bench.world.checks.writes.secrets - before).toBeLessThanOrEqual(5);
  expect(bench.reason('cart')).toBe('ForeignChanges');
});

test('L4: a crash before or after any store operation leaves a valid, matching pair, and the next start completes the work', async () => {
  for (let steps = 0; steps < 24; steps += 1) {
    const bench = await startBench(undefined);
    bench.domain();
    bench.put('cart');
    for (let step = 0; step < steps && bench.world.busy; step += 1) await bench.world.step();
    bench.world.crash();
    const secret = bench.secret('cart-mtls');
    if (secret !== undefined) expect(bench.pair('cart-mtls').uris).toHaveLength(1);
    bench.world.start();
    await bench.pass(minuteMs);
    expect(bench.reason('cart', 'Ready')).toBe('Delivered');
    expect(roots(bench)).toHaveLength(1);
  }
});

test('L6: whatever fails, the next try comes within a quarter of the life that is left', async () => {
  const bench = await startBench({ svid: { ttl: '10m' } });
  bench.put('cart');
  await bench.world.drain();
  const { toMs } = bench.pair('cart-mtls');
  const tries: number[] = [];
  bench.world.store.injectFaults({
    operation: (operation) => {
      if (operation.key.name === 'cart-mtls' && operation.verb === 'replace') tries.push(bench.world.time.trueMs);
      return operation.verb === 'replace' ? { kind: 'unavailable', applied: false } : undefined;
    },
    delivery: () => undefined,
  });
  while (bench.world.time.trueMs < toMs - 5000) {
    await bench.world.advance(250);
    await bench.world.drain();
  }
  expect(tries.length).toBeGreaterThan(5);
  for (let index = 1; index < tries.length; index += 1) {
    const [before = 0, after = 0] = [tries[index - 1], tries[index]];
    expect(after - before).toBeLessThanOrEqual(Math.max(500, (toMs - before) / 4 + 500));
  }
});

test('L12: while renewal fails the old pair is served, and Ready, to its last second', async () => {
  const bench = await startBench({ svid: { ttl: '1h' } });
  bench.put('cart');
  await bench.world.drain();
  const before = bench.pair('cart-mtls');
  bench.world.store.injectFaults({ operation: ({ verb, key }) => (verb === 'replace' && key.kind === 'Secret' ? { kind: 'refused', error: new MtlsdError('STORE_FORBIDDEN', 'no right to update Secrets') } : undefined), delivery: () => undefined });
  await bench.pass(before.toMs - bench.world.time.trueMs - 1000, 30_000);
  expect(bench.pair('cart-mtls').leaf.serialNumber).toBe(before.leaf.serialNumber);
  expect(bench.reason('cart', 'Ready')).toBe('Delivered');
  expect(bench.reason('cart')).toBe('Forbidden');
  await bench.pass(6 * minuteMs, 30_000);
  expect(bench.reason('cart', 'Ready')).toBe('Expired');
});

test('L13: a pair that was made while the clock was ahead is replaced once the clock is right', async () => {
  const bench = await startBench();
  bench.world.time.skewMs = 5 * hourMs;
  bench.put('cart');
  await bench.world.drain();
  expect(bench.pair('cart-mtls').fromMs).toBeGreaterThan(bench.world.time.trueMs);
  bench.world.time.skewMs = 0;
  await bench.pass(3 * minuteMs);
  expect(bench.pair('cart-mtls').fromMs).toBeLessThanOrEqual(bench.world.time.trueMs);
});

test('L20: a TTL that the trust domain does not allow is denied with the field and what to do', async () => {
  const bench = await startBench(short);
  bench.put('cart', { ttl: '6h' });
  bench.put('till', { ttl: '30s' });
  await bench.world.drain();
  for (const name of ['cart', 'till']) {
    expect(bench.reason(name)).toBe('Denied');
    expect(bench.identity(name).status?.conditions?.find(({ type }) => type === 'Issued')?.message).toMatch(/spec\.ttl: .*ask for at (most|least) that/u);
    expect(bench.secret(`${name}-mtls`)).toBeUndefined();
  }
});

test('L22: after an outage longer than half a life, recovery is paced and the nearest expiry comes first', async () => {
  const bench = await startBench();
  for (let index = 0; index < 200; index += 1) bench.put(`w${index}`, { ttl: index % 2 === 0 ? '2h' : '4h' });
  await bench.pass(10_000, 1000);
  bench.world.crash();
  await bench.world.advance(110 * minuteMs);
  const before = bench.world.audit.length;
  bench.world.start();
  await bench.world.drain();
  const burst = bench.world.audit.slice(before);
  expect(burst.length).toBeLessThanOrEqual(50);
  expect(burst.every(({ object }) => Number(object.split('/w')[1]) % 2 === 0)).toBe(true);
  await bench.pass(10_000, 1000);
  expect(new Set(bench.world.audit.slice(before).map(({ object }) => object)).size).toBeGreaterThanOrEqual(100);
});

test('L23, L24: duplicates collapse, an edit re-issues once, SANs are exact and the subject stays as it is', async () => {
  const bench = await startBench();
  bench.put('cart', { dnsNames: ['b.shop.svc', 'a.shop.svc', 'b.shop.svc'] });
  await bench.world.drain();
  expect(bench.pair('cart-mtls').dnsNames).toEqual(['b.shop.svc', 'a.shop.svc']);
  bench.put('cart', { dnsNames: ['a.shop.svc', 'c.shop.svc'] });
  await bench.world.drain();
  expect(bench.pair('cart-mtls').dnsNames).toEqual(['a.shop.svc', 'c.shop.svc']);
  expect(bench.pair('cart-mtls').commonName).toBeUndefined();
  await restart(bench);
  await bench.pass(5 * minuteMs);
  expect(bench.identity('cart').status?.issuances).toBe(2);
});

test('L26: no private key is ever told, and nothing that a user wrote gets into log, audit or metrics', async () => {
  const bench = await startBench();
  const marks = ['personal-label', 'personal-annotation', 'alice-name', 'alice-common-name', 'token-abc'];
  bench.put('cart', { dnsNames: ['alice-name.example.com'], secretTemplate: { labels: { who: 'personal-label' }, annotations: { note: 'personal-annotation token-abc' } }, commonName: 'alice-common-name' });
  await bench.world.drain();
  bench.put('cart', { dnsNames: ['alice-name.shop.svc'], secretTemplate: { labels: { who: 'personal-label' }, annotations: { note: 'personal-annotation token-abc' } }, commonName: 'alice-common-name' });
  await bench.world.drain();
  const keys = (): string[] => bench.world.store.all('Secret').flatMap(({ data }) => Object.entries(data).filter(([name]) => name.endsWith('.key')).map(([, text]) => Buffer.from(text, 'base64').toString('utf8').split('\n')[1] ?? ''));
  const secrets = keys();
  editSecret(bench, 'cart-mtls', (secret) => ({ data: { ...secret.data, 'tls.crt': secret.data['tls.key'] ?? '' } }));
  await bench.world.drain();
  const name = 'mtlsd-authorities-a.example';
  bench.world.asUser('damage', () => bench.world.store.edit<'Secret'>({ kind: 'Secret', namespace: 'mtlsd-system', name }, (current) => ({ ...current, data: { ...current.data, 'record.json': Object.entries(current.data).find(([file]) => file.endsWith('.key'))?.[1] ?? '' } })));
  await bench.pass(5 * minuteMs);
  secrets.push(...keys());
  const conditions = JSON.stringify([bench.world.store.all('WorkloadIdentity').map(({ status }) => status), bench.world.store.all('TrustDomain').map(({ status }) => status)]);
  expect(secrets.length).toBeGreaterThan(2);
  for (const key of secrets) expect(`${bench.told.lines.join('\n')}${conditions}`).not.toContain(key);
  expect(`${bench.told.lines.join('\n')}${conditions}`).not.toContain('PRIVATE KEY-----\\n');
  const machine = bench.told.lines.filter((line) => !line.startsWith('event '));
  expect(machine.length).toBeGreaterThan(10);
  for (const mark of marks) expect(machine.filter((line) => line.includes(mark))).toEqual([]);
});

test('L27: a deleted identity takes its Secret along, even when the answer to a write comes after the deletion', async () => {
  for (let steps = 0; steps < 30; steps += 1) {
    const bench = await startBench();
    bench.put('cart');
    for (let step = 0; step < steps && bench.world.busy; step += 1) await bench.world.step();
    removeIdentity(bench, 'cart');
    bench.world.disorder = 1;
    await bench.world.drain();
    bench.world.disorder = 0;
    await bench.pass(2 * hourMs, 10 * minuteMs);
    expect(bench.secret('cart-mtls')).toBeUndefined();
  }
});

test('two object writes an issuance, two a renewal, none at rest', async () => {
  const bench = await startBench({ svid: { ttl: '1h' } });
  for (let index = 0; index < 5; index += 1) bench.put(`w${index}`);
  await bench.world.drain();
  await bench.pass(6 * hourMs);
  const issued = bench.world.audit.filter(({ decision }) => decision === 'issued' || decision === 'renewed').length;
  expect(issued).toBeGreaterThan(40);
  const { secrets, identityStatus, records } = bench.world.checks.writes;
  expect({ secrets, identityStatus, records }).toEqual({ secrets: issued, identityStatus: issued, records: 1 });
});

test('an identity never takes another trust domain for the only one while its own cannot be opened', async () => {
  const bench = await startBench(undefined);
  bench.world.crash();
  bench.domain({ default: true });
  bench.world.asUser('second', () => bench.world.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'b.example' }, spec: {} }));
  putIdentity(bench.world, 'shop', 'cart', {});
  bench.world.checks.afterUser();
  bench.world.store.injectFaults({ operation: ({ key }) => (key.name === 'mtlsd-authorities-a.example' ? { kind: 'unavailable', applied: false } : undefined), delivery: () => undefined });
  bench.world.start();
  await bench.pass(minuteMs);
  expect(bench.secret('cart-mtls')).toBeUndefined();
  expect(bench.reason('cart')).toBe('TrustDomainPending');
  bench.world.calmDown();
  await bench.pass(10 * minuteMs);
  expect(bench.pair('cart-mtls').uris).toEqual(['spiffe://a.example/ns/shop/sa/cart']);
});

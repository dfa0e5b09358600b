import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { drawFaultRates, noFaultRates } from '../../model/faults.ts';
import { putTrustDomain } from '../../model/users.ts';
import { PodBench } from './pod-bench.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

test('a request is answered with one write, and nothing more is written of it', async () => {
  const bench = await PodBench.start();
  bench.identity('web', { dnsNames: ['web.shop.svc'] });
  bench.account('web');
  await bench.world.drain();
  const writes = bench.statusWrites;
  bench.ask('web');
  await bench.world.drain();
  expect(bench.outcome('web')).toBe('Issued');
  expect(new X509Certificate(bench.found('web').status?.certificateChain ?? '').subjectAltName).toBe('URI:spiffe://a.example/ns/shop/sa/web, DNS:web.shop.svc');
  // The record was written once more, and the status of its trust domain after it: they say until when such leaves may live.
  expect(bench.statusWrites).toBe(writes + 2);
  await bench.pass(5 * minuteMs);
  expect(bench.statusWrites).toBe(writes + 2);
  expect(bench.answered).toMatchObject([{ outcome: 'issued' }]);
  expect(bench.events).toEqual([]);
});

test('a herd leads to one reservation, and one of the hour after to another', async () => {
  const bench = await PodBench.start();
  const names = Array.from({ length: 40 }, (_, index) => `web-${index}`);
  const account = bench.account('web');
  bench.identity('web');
  await bench.world.drain();
  const before = bench.recordWrites;
  for (const name of names) bench.request(bench.pod(name, 'web'), account);
  await bench.world.drain();
  expect(names.map((name) => bench.outcome(name))).toEqual(names.map(() => 'Issued'));
  expect(bench.recordWrites).toBe(before + 1);
  await bench.pass(3 * hourMs);
  bench.request(bench.pod('late', 'web'), account);
  await bench.world.drain();
  expect(bench.recordWrites).toBe(before + 2);
  expect(bench.unreserved).toEqual([]);
});

describe('a request waits, and says so once', () => {
  test('until there is an identity', async () => {
    const bench = await PodBench.start();
    bench.ask('web');
    await bench.world.drain();
    await bench.pass(10 * minuteMs);
    expect(bench.outcome('web')).toBeUndefined();
    expect(bench.events).toMatchObject([{ pod: 'web', type: 'Warning', reason: 'IdentityMissing' }]);
    expect(bench.pending.get('IdentityMissing')).toBe(1);
    expect(bench.signed).toBe(0);
    bench.identity('web');
    await bench.world.drain();
    expect(bench.outcome('web')).toBe('Issued');
    expect(bench.pending.get('IdentityMissing')).toBe(0);
  });

  test('until its trust domain is there, and while that takes no identities of this namespace', async () => {
    const bench = await PodBench.start({ allowedNamespaces: { matchLabels: { team: 'a' } } });
    bench.ask('web');
    bench.identity('web', { trustDomain: 'a.example' });
    await bench.world.drain();
    expect(bench.events.at(-1)).toMatchObject({ reason: 'NamespaceNotAllowed' });
    bench.user(() => bench.world.store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels: { team: 'a' } } }));
    await bench.world.drain();
    expect(bench.outcome('web')).toBe('Issued');
  });

  test('until its service account is there, and its pod has a node', async () => {
    const bench = await PodBench.start();
    bench.identity('web');
    const account = bench.account('web');
    const pod = bench.pod('web', 'web');
    bench.user(() => bench.world.store.remove({ kind: 'ServiceAccount', namespace: 'shop', name: 'web' }));
    bench.request(pod, account);
    const free = bench.account('free');
    bench.identity('free');
    const homeless = bench.pod('free', 'free', '');
    bench.request(homeless, free);
    await bench.world.drain();
    expect(bench.events).toEqual(expect.arrayContaining([expect.objectContaining({ pod: 'web', reason: 'ServiceAccountMissing' }), expect.objectContaining({ pod: 'free', reason: 'PodNotScheduled' })]));
    bench.pod('free', 'free');
    bench.account('web');
    await bench.pass(2 * minuteMs);
    // Another account of that name is another account.
    expect([bench.outcome('web'), bench.outcome('free')]).toEqual(['Denied: IdentityMismatch', 'Issued']);
  });

  test('and the store is asked again when it was away: nobody is denied because nothing could be read', async () => {
    const bench = await PodBench.start();
    bench.identity('web');
    bench.world.inject({ ...noFaultRates, unavailable: 1 });
    bench.ask('web');
    await bench.pass(minuteMs);
    expect(bench.outcome('web')).toBeUndefined();
    bench.world.calmDown();
    await bench.pass(5 * minuteMs);
    expect(bench.outcome('web')).toBe('Issued');
  });
});

describe('where no Secrets are delivered', () => {
  test('an identity says whether pods get it, and nothing is put anywhere', async () => {
    const bench = await PodBench.start({}, { secretDelivery: false });
    bench.identity('web', { dnsNames: ['web.shop.svc'] });
    bench.identity('brief', { ttl: '30m' });
    bench.identity('lost', { trustDomain: 'z.example' });
    bench.ask('web');
    await bench.world.drain();
    const ready = (name: string) => bench.world.store.peek({ kind: 'WorkloadIdentity', namespace: 'shop', name })?.status;
    expect(ready('web')).toMatchObject({ trustDomain: 'a.example', spiffeID: 'spiffe://a.example/ns/shop/sa/web', conditions: [{ type: 'Ready', status: 'True', reason: 'PodCertificates' }] });
    expect(ready('brief')).toMatchObject({ conditions: [{ type: 'Ready', status: 'False', reason: 'Denied' }] });
    expect(ready('lost')).toMatchObject({ conditions: [{ type: 'Ready', status: 'False', reason: 'TrustDomainMissing' }] });
    expect(bench.outcome('web')).toBe('Issued');
    expect(bench.world.store.all('Secret').map(({ metadata }) => metadata.name)).toEqual(['mtlsd-authorities-a.example']);
    const writes = bench.statusWrites;
    await bench.pass(2 * hourMs);
    expect(bench.statusWrites).toBe(writes);
    bench.user(() => putTrustDomain(bench.world, 'z.example', {}));
    await bench.world.drain();
    expect(ready('lost')).toMatchObject({ conditions: [{ type: 'Ready', status: 'True' }] });
  });
});

test('nothing is done for a pod that is gone, nor for another signer', async () => {
  const bench = await PodBench.start();
  bench.identity('web');
  const account = bench.account('web');
  const pod = bench.pod('web', 'web');
  bench.user(() => bench.world.store.remove({ kind: 'Pod', namespace: 'shop', name: 'web' }));
  bench.request(pod, account);
  bench.request(bench.pod('other', 'web'), account, { signerName: 'example.com/other' });
  await bench.pass(10 * minuteMs);
  expect([bench.outcome('web'), bench.outcome('other')]).toEqual([undefined, undefined]);
  expect([bench.signed, bench.events.length]).toEqual([0, 0]);
});

test('a process that dies between the reservation and the answer leaves a reservation, and the next one answers', async () => {
  const bench = await PodBench.start();
  bench.identity('web');
  bench.account('web');
  await bench.world.drain();
  const before = bench.record.metadata.resourceVersion;
  bench.ask('web');
  // Written, and the answer is on its way.
  while (bench.record.metadata.resourceVersion === before) await bench.world.step();
  bench.world.crash();
  await bench.world.drain();
  expect(bench.outcome('web')).toBeUndefined();
  bench.world.start();
  await bench.world.drain();
  expect(bench.outcome('web')).toBe('Issued');
  expect([bench.signed, bench.unreserved]).toEqual([1, []]);
});

test.each(Array.from({ length: 10 }, (_, index) => index + 1))('whatever goes wrong, all is answered in the end and nothing was signed beyond its reservation: seed %i', async (seed) => {
  const bench = await PodBench.start({}, { seed });
  const { world } = bench;
  const { random } = world;
  const names = Array.from({ length: 6 }, (_, index) => `web-${index}`);
  world.inject(drawFaultRates(random));
  world.disorder = random.unit();
  const account = bench.account('web');
  for (const name of names) {
    if (random.chance(0.3)) bench.identity('web');
    bench.request(bench.pod(name, 'web'), account);
    for (let steps = random.below(40); steps > 0 && world.busy; steps -= 1) await world.step();
    if (random.chance(0.3)) await world.advance(random.below(90 * minuteMs));
    if (random.chance(0.3)) {
      world.crash();
      world.start();
    }
  }
  bench.identity('web');
  world.calmDown();
  for (let minutes = 0; minutes < 15; minutes += 1) await bench.pass(minuteMs);
  expect(names.map((name) => bench.outcome(name))).toEqual(names.map(() => 'Issued'));
  expect(bench.unreserved).toEqual([]);
  expect(bench.signed).toBeGreaterThanOrEqual(names.length);
});

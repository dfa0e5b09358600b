/** A restore of what differs in its reservations alone: whoever knows better writes it back, before anything is decided by it. */
import { expect, test } from 'vitest';
import { activeAuthority, decodeRecord, latestNotAfterMs } from '../../../src/authority/index.ts';
import type { ControllerContext } from '../../../src/controllers/index.ts';
import { parseTrustDomainName } from '../../../src/spiffe/index.ts';
import { Random } from '../../model/random.ts';
import { PodBench } from './pod-bench.ts';

const minuteMs = 60_000;
const record = { kind: 'Secret', namespace: 'mtlsd-system', name: 'mtlsd-authorities-a.example' } as const;
const trustDomain = { kind: 'TrustDomain', name: 'a.example' } as const;

function signer(bench: PodBench): string {
  return activeAuthority(decodeRecord(bench.record.data, parseTrustDomainName('a.example'), 'the record'), 'Issuing').keyIdentifier;
}

function reservedInStatus(bench: PodBench): string | undefined {
  return bench.world.store.peek(trustDomain)?.status?.authorities?.find(({ keyIdentifier }) => keyIdentifier === signer(bench))?.reserved?.['pod-certificate'];
}

/** A backup of the record; returns how it comes back. */
function backup(bench: PodBench): () => void {
  const { data } = bench.record;
  return () => bench.user(() => bench.world.store.edit(record, (current) => ({ ...current, data })));
}

/** Signed for one pod, backed up, and three hours later for another. */
async function signedSince(statusForgets = false): Promise<{ readonly bench: PodBench; readonly restore: () => void; readonly untilMs: number }> {
  const bench = await PodBench.start();
  bench.statusForgets = statusForgets;
  for (const name of ['web', 'late']) bench.identity(name);
  bench.ask('web');
  await bench.world.drain();
  const restore = backup(bench);
  const beforeMs = bench.reserved(signer(bench));
  await bench.pass(180 * minuteMs);
  bench.ask('late');
  await bench.world.drain();
  const untilMs = bench.reserved(signer(bench));
  expect(untilMs).toBeGreaterThan(beforeMs);
  expect(bench.outcome('late')).toBe('Issued');
  return { bench, restore, untilMs };
}

test('status tells until when certificates may live that nobody lists', async () => {
  const { bench, untilMs } = await signedSince();
  expect(reservedInStatus(bench)).toBe(new Date(untilMs).toISOString().replace('.000Z', 'Z'));
});

test.each([false, true])('a record of before, restored under a daemon that lives, is brought up to what it has signed (status as old: %s)', async (statusForgets) => {
  const { bench, restore, untilMs } = await signedSince(statusForgets);
  const writes = bench.recordWrites;
  restore();
  expect(bench.reserved(signer(bench))).toBeLessThan(untilMs);
  await bench.world.drain();
  expect(bench.reserved(signer(bench))).toBe(untilMs);
  expect(bench.recordWrites).toBe(writes + 1);
});

test('a record of before, restored while no daemon runs, is brought up to what status says', async () => {
  const { bench, restore, untilMs } = await signedSince();
  bench.world.crash();
  restore();
  bench.world.start();
  await bench.world.drain();
  expect(bench.reserved(signer(bench))).toBe(untilMs);
});

test('restored with a status as old while the daemon that knows better does not lead: it brings it up when it leads again', async () => {
  const { bench, restore, untilMs } = await signedSince(true);
  const { reserved } = bench.contexts.at(-1) as ControllerContext;
  bench.world.crash();
  restore();
  bench.wrapped = (context) => ({ ...context, reserved });
  bench.world.start();
  await bench.world.drain();
  expect(bench.reserved(signer(bench))).toBe(untilMs);
});

test('what nobody alive and no status knows is not known: the record stays as it was restored', async () => {
  const { bench, restore, untilMs } = await signedSince(true);
  bench.world.crash();
  restore();
  bench.world.start();
  await bench.world.drain();
  expect(bench.reserved(signer(bench))).toBeLessThan(untilMs);
});

test('nothing is signed by what a restore has taken out of the record, until it is back in', async () => {
  const { bench, restore, untilMs } = await signedSince(true);
  const before = bench.signed;
  bench.ask('next');
  bench.identity('next');
  restore();
  const { reserved } = bench.contexts.at(-1) as ControllerContext;
  // As it stands in the store, which somebody has read.
  reserved.note(decodeRecord(bench.record.data, parseTrustDomainName('a.example'), 'the record'), bench.world.time.nowMs);
  await bench.world.drain();
  expect([bench.signed - before, bench.outcome('next'), bench.unreserved]).toEqual([1, 'Issued', []]);
  expect(bench.reserved(signer(bench))).toBeGreaterThanOrEqual(untilMs);
});

test.each(Array.from({ length: 4 }, (_, index) => index + 1))('whenever records of before come back, the end of every certificate that was signed stands in the record in the end: seed %i', async (seed) => {
  const bench = await PodBench.start({}, { seed });
  const { world } = bench;
  const random = new Random(seed);
  bench.statusForgets = random.chance(0.5);
  const backups = [backup(bench)];
  for (let index = 0; index < 6; index += 1) {
    bench.identity(`web-${index}`);
    bench.ask(`web-${index}`);
    for (let steps = random.below(40); steps > 0 && world.busy; steps -= 1) await world.step();
    if (random.chance(0.5)) backups[random.below(backups.length)]?.();
    for (let steps = random.below(40); steps > 0 && world.busy; steps -= 1) await world.step();
    if (random.chance(0.5)) await bench.pass(random.below(90 * minuteMs));
    backups.push(backup(bench));
  }
  await bench.pass(5 * minuteMs);
  expect(bench.signed).toBeGreaterThan(0);
  expect(bench.reserved(signer(bench))).toBeGreaterThanOrEqual(bench.latestEndMs);
});

test('what an issuing authority has signed whose turn-over a restore has lost is waited for all the same', async () => {
  const bench = await PodBench.start({ issuingAuthority: { lifetime: '72h' }, svid: { ttl: '1h', maxTTL: '4h' } });
  for (const name of ['web', 'late']) bench.identity(name);
  bench.ask('web');
  await bench.world.drain();
  const restore = backup(bench);
  const first = signer(bench);
  await bench.pass(37 * 60 * minuteMs);
  bench.ask('late');
  await bench.world.drain();
  expect([bench.outcome('late'), signer(bench) === first]).toEqual(['Issued', false]);
  restore();
  await bench.pass(minuteMs);
  const { authorities } = decodeRecord(bench.record.data, parseTrustDomainName('a.example'), 'the record');
  expect(Math.max(...authorities.map((authority) => latestNotAfterMs(authority) ?? 0))).toBeGreaterThanOrEqual(bench.latestEndMs);
});

test('a status that names an end beyond the life of the authority does not hold a drain up for ever', async () => {
  const { bench } = await signedSince();
  const { store } = bench.world;
  const { metadata, status } = store.peek(trustDomain) ?? {};
  const authorities = status?.authorities?.map((authority) => ({ ...authority, reserved: { csr: '9999-01-01T00:00:00Z', other: 'never' } })) ?? [];
  void store.patchStatus(trustDomain, { ...status, authorities }, { uid: metadata?.uid ?? '', resourceVersion: metadata?.resourceVersion ?? '' });
  await bench.world.drain();
  const healed = decodeRecord(bench.record.data, parseTrustDomainName('a.example'), 'the record');
  const { reserved, certificate } = activeAuthority(healed, 'Issuing');
  expect(reserved).toMatchObject({ csr: certificate.notAfterMs + 20 * minuteMs });
  expect(reserved).not.toHaveProperty('other');
});

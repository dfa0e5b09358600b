import { expect, test, vi } from 'vitest';
import { backdateMs } from '../../src/authority/index.ts';
import { restoreRecords } from '../model/users.ts';
import { authorities, domainCondition, hourMs, minuteMs, record, restart, roots, short, startBench } from './bench.ts';

/** The judge of templates has tests of its own and takes most of a start's time: here it judges one template in fifty. */
const judged = vi.hoisted(() => ({ count: 0 }));
vi.mock(import('../../src/x509/judge-template.ts'), async (original) => {
  const { judgeTemplate } = await original();
  return { judgeTemplate: async (...parameters: Parameters<typeof judgeTemplate>) => ((judged.count += 1) % 50 === 1 ? judgeTemplate(...parameters) : undefined) };
});

/** Authorities that end, turn over, come from the future, or are lost, as they hurt the users of other systems. */

test('L8: an expired authority signs nothing, in no loop, with a clear condition', async () => {
  const bench = await startBench(short);
  bench.put('cart');
  await bench.world.drain();
  bench.world.crash();
  await bench.world.advance(49 * hourMs);
  bench.world.start();
  const before = bench.world.audit.length;
  await bench.pass(hourMs);
  expect(bench.world.audit).toHaveLength(before);
  expect(domainCondition(bench)).toMatchObject({ status: 'False', reason: 'RootExpired' });
  expect(bench.reason('cart')).toBe('RootExpired');
  expect(bench.reason('cart', 'Ready')).toBe('Expired');
});

test("at the issuer's end a longer certificate is refused with what to do, a shorter one is issued, and both are after the turn-over", async () => {
  // As a TrustDomain stands that is older than the rule by which half of an authority's life covers maxTTL.
  const bench = await startBench({ ...short, svid: { ttl: '1h', maxTTL: '7h' } });
  const [first] = authorities(bench).filter(({ role }) => role === 'Issuing');
  await bench.pass(2 * hourMs, hourMs);
  bench.put('long', { ttl: '7h' });
  bench.put('cart');
  await bench.world.drain();
  expect(bench.reason('cart')).toBe('Issued');
  expect(bench.reason('long')).toBe('AuthorityTooShortLived');
  expect(bench.secret('long-mtls')).toBeUndefined();
  const refused = bench.identity('long').status?.conditions?.find(({ type }) => type === 'Issued');
  expect(refused?.message).toContain(`issuing authority ${first?.keyIdentifier} ends at 2026-01-05T08:00:00.000Z, before a certificate of 25200s would; nothing was signed. A TTL that ends before it is signed at once`);
  const { resourceVersion } = bench.identity('long').metadata;
  await bench.pass(hourMs);
  // Trying again says nothing new.
  expect(bench.identity('long').metadata.resourceVersion).toBe(resourceVersion);
  await bench.pass(2 * hourMs, hourMs);
  expect(bench.reason('long')).toBe('Issued');
  expect(bench.identity('long').status?.issuer).not.toBe(first?.keyIdentifier);
  expect(bench.pair('long-mtls').leaf.validToDate.getTime()).toBeGreaterThan(Date.UTC(2026, 0, 5, 8));
});

test("at the root's end nothing longer is signed either, until the root is replaced", async () => {
  const bench = await startBench(short);
  await bench.pass(45 * hourMs, hourMs);
  bench.put('long', { ttl: '4h' });
  await bench.world.drain();
  expect(domainCondition(bench)).toMatchObject({ status: 'True', reason: 'RootEnding' });
  expect(bench.reason('long')).toBe('AuthorityTooShortLived');
  await bench.pass(4 * hourMs, hourMs);
  expect(bench.reason('long')).toBe('RootExpired');
  bench.world.checks.giveUpRoot('a.example');
  bench.domain(short, { 'mtlsd.io/new-root': roots(bench)[0] ?? '' });
  await bench.world.drain();
  expect(bench.reason('long')).toBe('Issued');
});

test('L10: other defaults, other settings and a restart never re-key an authority', async () => {
  const bench = await startBench(short);
  const before = authorities(bench).map(({ keyIdentifier }) => keyIdentifier);
  bench.domain({ ...short, rootAuthority: { lifetime: '8760h', keyAlgorithm: 'ECDSAP384' }, issuingAuthority: { lifetime: '336h', keyAlgorithm: 'ECDSAP384' } });
  await bench.world.drain();
  await restart(bench);
  expect(authorities(bench).map(({ keyIdentifier }) => keyIdentifier)).toEqual(before);
});

test('L13: a verifier 60 s behind accepts leaf and authorities; an authority from the future signs nothing', async () => {
  const bench = await startBench();
  bench.put('cart');
  await bench.world.drain();
  const { leaf, issuing, roots: anchors } = bench.pair('cart-mtls');
  for (const certificate of [leaf, issuing, ...anchors]) expect(certificate.validFromDate.getTime()).toBeLessThanOrEqual(bench.world.time.trueMs - backdateMs);
  bench.world.time.skewMs = -10 * minuteMs;
  bench.put('till');
  await bench.pass(2 * minuteMs);
  expect(bench.secret('till-mtls')).toBeUndefined();
  expect(domainCondition(bench)?.reason).toBe('ClockBehind');
  bench.world.time.skewMs = 0;
  await bench.pass(2 * minuteMs);
  expect(bench.reason('till')).toBe('Issued');
});

test('L17, L18: thirty days and 200 restarts: what is stored does not grow, the bundle stays as it was', { timeout: 60_000 }, async () => {
  const bench = await startBench({ ...short, rootAuthority: { lifetime: '8760h' }, svid: { ttl: '4h', maxTTL: '4h' } });
  bench.put('cart');
  await bench.world.drain();
  const [bundle, objects] = [bench.secret('cart-mtls')?.data['ca.crt'], bench.world.store.all('Secret').length];
  for (let run = 0; run < 200; run += 1) {
    await restart(bench);
    await bench.pass(216 * minuteMs, 54 * minuteMs);
  }
  expect(bench.identity('cart').status?.issuances).toBeGreaterThan(200);
  expect(bench.secret('cart-mtls')?.data['ca.crt']).toBe(bundle);
  expect(bench.world.store.all('Secret')).toHaveLength(objects);
  expect(authorities(bench).length).toBeLessThanOrEqual(4);
});

test('L21: over a year of turn-overs no leaf outlives its issuer and no issuer its root', async () => {
  const bench = await startBench({ rootAuthority: { lifetime: '8760h' }, issuingAuthority: { lifetime: '336h' }, svid: { ttl: '24h' } });
  bench.put('cart');
  // Each write is judged as it happens; here the last issuing authority must end with the root.
  await bench.pass(364 * 24 * hourMs, 6 * hourMs);
  const { issuing, roots: [root] } = bench.pair('cart-mtls');
  expect(issuing.validToDate.getTime()).toBeLessThanOrEqual(root?.validToDate.getTime() ?? 0);
  expect(bench.identity('cart').status?.issuances).toBeGreaterThan(450);
}, 60_000);

test.each([
  [1, 'heals by itself'],
  [3, 'heals by itself'],
])('L25: stopped for %i lives of an issuing authority, it %s', async (lives) => {
  const bench = await startBench(short);
  bench.put('cart');
  await bench.world.drain();
  const [root] = roots(bench);
  bench.world.crash();
  await bench.world.advance(lives * 8 * hourMs + 1000);
  bench.world.start();
  await bench.world.drain();
  expect(bench.reason('cart', 'Ready')).toBe('Delivered');
  expect(bench.pair('cart-mtls').toMs).toBeGreaterThan(bench.world.time.trueMs);
  expect(roots(bench)).toEqual([root]);
});

test('L25: stopped for three lives of the root, it says the one thing to do, and that heals it', async () => {
  const bench = await startBench(short);
  bench.put('cart');
  await bench.world.drain();
  const [root] = roots(bench);
  bench.world.crash();
  await bench.world.advance(3 * 48 * hourMs);
  bench.world.start();
  await bench.world.drain();
  const [, asked] = /annotate the TrustDomain with mtlsd\.io\/new-root: (\S+)/u.exec(domainCondition(bench)?.message ?? '') ?? [];
  expect(asked).toBe(root);
  bench.world.checks.giveUpRoot('a.example');
  bench.domain(short, { 'mtlsd.io/new-root': root ?? '' });
  await bench.world.drain();
  expect(bench.reason('cart', 'Ready')).toBe('Delivered');
  expect(roots(bench)).not.toContain(root);
});

test('L25: a lost record is a condition, never a silent new root; the annotation that gave it up does not fire twice', async () => {
  const bench = await startBench();
  bench.put('cart');
  await bench.world.drain();
  const lose = (): void => bench.world.asUser('lose the record', () => bench.world.store.remove({ kind: 'Secret', namespace: 'mtlsd-system', name: 'mtlsd-authorities-a.example' }));
  const [first] = roots(bench);
  lose();
  await bench.pass(hourMs);
  expect(record(bench)).toBeUndefined();
  expect(domainCondition(bench)?.reason).toBe('AuthorityRecordLost');
  bench.world.checks.giveUpRoot('a.example');
  bench.domain({}, { 'mtlsd.io/new-root': first ?? '' });
  await bench.pass(minuteMs);
  const [second] = roots(bench);
  expect(second).not.toBe(first);
  lose();
  await bench.pass(hourMs);
  expect(record(bench)).toBeUndefined();
  restoreRecords(bench.world, 'all');
  await bench.pass(3 * minuteMs);
  expect(roots(bench)).toEqual([second]);
  expect(domainCondition(bench)?.status).toBe('True');
});

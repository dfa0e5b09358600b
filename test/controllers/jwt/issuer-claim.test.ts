/** Trust domains that name one issuer: the younger signs and publishes nothing under it and says so, and begins when the older one gives it up. */
import { expect, test } from 'vitest';
import { publishedKeys } from '../../../src/controllers/index.ts';
import { affectedByIssuer, issuerHolder } from '../../../src/controllers/jwt/issuer-claim.ts';
import type { TrustDomain, TrustDomainSpec } from '../../../src/resources/index.ts';
import { putIdentity, putTrustDomain } from '../../model/users.ts';
import { hourMs, minuteMs, restart, startBench, type Bench } from '../bench.ts';

const issuer = 'https://tokens.example';
const jwt: NonNullable<TrustDomainSpec['jwt']> = { issuer };
const ownIssuer = { jwt: { issuer: 'https://tokens.b.example' } };
const publishMs = 31 * minuteMs;

const running = (bench: Bench) => {
  const { controllers } = bench.world.process ?? {};
  if (controllers === undefined) throw new Error('no process');
  return controllers;
};
/** What becomes of a request for a token of a trust domain. */
const ask = async (bench: Bench, trustDomain: string): Promise<string> => {
  const outcome = await running(bench).jwt.sign({ caller: { kind: 'external', entry: 'ci', trustDomain, segments: ['job'], subject: 'https://ci.example job' }, audience: ['bank'], identity: undefined, ttl: undefined, requestId: 'r1' });
  return outcome.signed ? 'signed' : outcome.refusal.code;
};
const status = (bench: Bench, name: string) => bench.world.store.peek({ kind: 'TrustDomain', name })?.status;
const ready = (bench: Bench, name: string) => status(bench, name)?.conditions?.find(({ type }) => type === 'JWTReady');
/** How many keys are published under its issuer. */
const published = (bench: Bench, name: string) => {
  const state = running(bench).domains.get(name);
  return state && publishedKeys(state, bench.world.time.nowMs)?.keys.length;
};
const put = (bench: Bench, name: string, spec: TrustDomainSpec) => bench.world.asUser(`put ${name}`, () => putTrustDomain(bench.world, name, spec));
const both = async (bench: Bench) => [await ask(bench, 'a.example'), await ask(bench, 'b.example'), published(bench, 'a.example'), published(bench, 'b.example')];

/** a.example with the issuer; b.example comes five minutes later. */
async function start(second: TrustDomainSpec): Promise<Bench> {
  const bench = await startBench({ jwt });
  await bench.pass(5 * minuteMs);
  put(bench, 'b.example', second);
  await bench.world.drain();
  return bench;
}

test('the younger is refused everything, told once and what to do; certificates go on, and the older one notices nothing', async () => {
  const bench = await start({ jwt });
  const before = status(bench, 'a.example');
  bench.world.asUser('put till', () => putIdentity(bench.world, 'shop', 'till', { trustDomain: 'b.example', jwt: { audiences: [{ name: 'bank', audience: 'https://bank.example' }] } }));
  await bench.pass(publishMs, 10 * minuteMs);
  await restart(bench);
  await bench.pass(hourMs, 10 * minuteMs);
  expect(await both(bench)).toEqual(['signed', 'API_JWT_ISSUER_TAKEN', 1, 0]);
  expect(ready(bench, 'b.example')).toMatchObject({ status: 'False', reason: 'IssuerTaken', message: expect.stringMatching(/belongs to trust domain a\.example, which is older.*Set spec\.jwt\.issuer of b\.example to a URL of its own/u) as string });
  expect(bench.told.lines.filter((line) => line.startsWith('event') && line.includes('IssuerTaken'))).toEqual([expect.stringContaining('b.example')]);
  expect(status(bench, 'b.example')?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
  expect([bench.identity('till').status?.conditions?.find(({ type }) => type === 'Tokens')?.reason, Object.keys(bench.secret('till-mtls')?.data ?? {}).includes('tls.crt'), bench.secret('till-mtls')?.data['bank.jwt']]).toEqual(['IssuerTaken', true, undefined]);
  expect([status(bench, 'a.example')?.jwt, ready(bench, 'a.example')?.status]).toEqual([before?.jwt, 'True']);
});

test.each([
  ['is deleted', (bench: Bench) => bench.world.asUser('delete a.example', () => bench.world.store.remove({ kind: 'TrustDomain', name: 'a.example' }))],
  ['names another one', (bench: Bench) => put(bench, 'a.example', { jwt: { issuer: 'https://other.example' } })],
  ['issues no tokens any more', (bench: Bench) => put(bench, 'a.example', {})],
])('when the older one %s, the younger publishes a key by itself and signs once it was published for long enough', async (_what, giveUp) => {
  const bench = await start({ jwt });
  giveUp(bench);
  await bench.world.drain();
  expect([ready(bench, 'b.example')?.reason, published(bench, 'b.example'), await ask(bench, 'b.example')]).toEqual(['KeyBeingPublished', 1, 'API_NOT_READY']);
  await bench.pass(publishMs - 2 * minuteMs);
  expect(await ask(bench, 'b.example')).toBe('API_NOT_READY');
  await bench.pass(3 * minuteMs);
  expect([ready(bench, 'b.example')?.reason, published(bench, 'b.example'), await ask(bench, 'b.example')]).toEqual(['KeyActive', 1, 'signed']);
});

test('one that signed under an issuer of its own stops at once when it is given the other one, even if nothing can be written', async () => {
  const bench = await start(ownIssuer);
  expect(await both(bench)).toEqual(['signed', 'signed', 1, 1]);
  const { store } = bench.world;
  const [write, patchStatus] = [store.write.bind(store), store.patchStatus.bind(store)];
  const down = async (): Promise<never> => Promise.reject(new Error('down'));
  store.write = down;
  store.patchStatus = down;
  put(bench, 'b.example', { jwt });
  await bench.world.drain();
  expect(await both(bench)).toEqual(['signed', 'API_JWT_ISSUER_TAKEN', 1, 0]);
  Object.assign(store, { write, patchStatus });
  await bench.pass(2 * minuteMs);
  expect([ready(bench, 'b.example')?.reason, status(bench, 'b.example')?.jwt?.keys.map(({ state }) => state)]).toEqual(['IssuerTaken', ['Retiring']]);
  put(bench, 'b.example', ownIssuer);
  await bench.pass(publishMs + 2 * minuteMs);
  expect(await both(bench)).toEqual(['signed', 'signed', 1, 2]);
});

const named = (name: string, uid: string, creationTimestamp: string, url?: string): TrustDomain => ({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name, uid, resourceVersion: '1', creationTimestamp }, spec: url === undefined ? {} : { jwt: { issuer: url } } });

test('an issuer belongs to the oldest that names it, however it is written; of two of one second, the UID decides', () => {
  const [old, young, twin, other, none] = [named('old', 'z', '2026-01-01T00:00:00Z', 'https://x.example'), named('young', 'b', '2026-01-02T00:00:00Z', 'https://X.example:443'), named('twin', 'a', '2026-01-02T00:00:00Z', 'https://x.example'), named('other', 'c', '2026-01-01T00:00:00Z', 'https://x.example/other'), named('none', 'd', '2026-01-01T00:00:00Z')];
  const all = [young, twin, other, none, old];
  expect(all.map((object) => issuerHolder(object, all))).toEqual(['old', 'old', undefined, undefined, undefined]);
  expect([young, twin].map((object) => issuerHolder(object, [young, twin]))).toEqual(['twin', undefined]);
  expect([affectedByIssuer(old, undefined, [young, twin, other, none]), affectedByIssuer(undefined, none, all), affectedByIssuer(other, named('other', 'c', '2026-01-01T00:00:00Z', 'https://x.example'), [old, young])]).toEqual([['young', 'twin'], [], ['old', 'young']]);
});

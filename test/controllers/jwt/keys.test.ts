/** Keys for JWT-SVIDs over the real reconcilers, in virtual time: made, published, in use, followed, lost and restored. */
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import { beforeAll, expect, test } from 'vitest';
import { servedBundle } from '../../../src/controllers/index.ts';
import type { TokenOutcome } from '../../../src/controllers/jwt/signer.ts';
import type { Secret, TrustDomainSpec } from '../../../src/resources/index.ts';
import { fillKeyPools } from '../../model/key-pool.ts';
import { hourMs, minuteMs, record, restart, startBench, type Bench } from '../bench.ts';

const dayMs = 24 * hourMs;
const publishMs = 31 * minuteMs;
const jwt: NonNullable<TrustDomainSpec['jwt']> = { issuer: 'https://tokens.a.example' };

beforeAll(async () => fillKeyPools({ RSA2048: 2 }));

const controllers = (bench: Bench) => {
  const running = bench.world.process?.controllers;
  if (running === undefined) throw new Error('no process');
  return running;
};
const status = (bench: Bench) => bench.world.store.peek({ kind: 'TrustDomain', name: 'a.example' })?.status;
const ready = (bench: Bench) => status(bench)?.conditions?.find(({ type }) => type === 'JWTReady');
const states = (bench: Bench) => status(bench)?.jwt?.keys.map(({ state }) => state);

/** What others are served: keys and sequence. */
function served(bench: Bench): { readonly keys: JSONWebKeySet; readonly ids: readonly string[]; readonly sequence: number } {
  const state = controllers(bench).domains.get('a.example');
  const document = JSON.parse((state === undefined ? undefined : servedBundle(state))?.document ?? '{}') as { keys: { use: string; kid: string }[]; spiffe_sequence: number };
  const keys = document.keys.filter(({ use }) => use === 'jwt-svid');
  return { keys: { keys }, ids: keys.map(({ kid }) => kid), sequence: document.spiffe_sequence };
}

async function ask(bench: Bench, more: { readonly audience?: readonly string[]; readonly ttl?: string; readonly name?: string } = {}): Promise<TokenOutcome> {
  const { audience = ['bank'], ttl, name = 'cart' } = more;
  return controllers(bench).jwt.sign({ caller: { kind: 'service-account', namespace: 'shop', name }, audience, identity: undefined, ttl, requestId: 'r1' });
}

async function signed(bench: Bench) {
  const outcome = await ask(bench);
  if (!outcome.signed) throw new Error(outcome.refusal.message);
  return outcome.svid;
}

async function refusal(outcome: Promise<TokenOutcome>): Promise<string | undefined> {
  const settled = await outcome;
  return settled.signed ? undefined : settled.refusal.code;
}

/** A reader that fetched these keys verifies the token. */
const verify = async (token: string, { keys }: ReturnType<typeof served>, nowMs: number) =>
  jwtVerify(token, createLocalJWKSet({ keys: keys.keys.map((key) => ({ ...key, use: 'sig' })) }), { issuer: 'https://tokens.a.example', audience: 'bank', currentDate: new Date(nowMs) });

async function start(spec: TrustDomainSpec): Promise<Bench> {
  const bench = await startBench(spec);
  bench.put('cart', { ttl: '24h' });
  await bench.world.drain();
  return bench;
}

test('a new trust domain signs at once, by a key that its bundle has; audit and nothing else hears of it', async () => {
  const bench = await start({ jwt });
  const svid = await signed(bench);
  expect((await verify(svid.token, served(bench), bench.world.time.nowMs)).payload.sub).toBe('spiffe://a.example/ns/shop/sa/cart');
  expect([states(bench), ready(bench)?.reason, svid.expiresAtMs - svid.issuedAtMs]).toEqual([['Active'], 'KeyActive', 5 * minuteMs]);
  expect(bench.world.audit).toContainEqual(expect.objectContaining({ decision: 'token-issued', object: 'WorkloadIdentity shop/cart', authority: svid.keyId, requestId: 'r1', tokenId: expect.stringMatching(/^[\w-]{22}$/u) as string }));
  const told = JSON.stringify([bench.told.lines, bench.world.audit, status(bench)]);
  for (const part of svid.token.split('.')) expect(told).not.toContain(part);
  const [pem = ''] = Object.entries(record(bench)?.data ?? {}).filter(([file]) => file.startsWith('jwt-')).map(([, value]) => Buffer.from(value, 'base64').toString('utf8'));
  expect(pem).toContain('PRIVATE KEY');
  expect(told).not.toContain(pem.split('\n')[1]);
});

test('who asks is given what a certificate would say of it, and refused with every reason', async () => {
  const bench = await start({ jwt });
  expect(await refusal(ask(bench, { name: 'stranger' }))).toBe('API_IDENTITY_NOT_GRANTED');
  const outcome = await ask(bench, { audience: ['a', 'a'], ttl: '2h' });
  expect(outcome.signed ? [] : outcome.refusal.reasons?.map(({ field }) => field)).toEqual(['audience[1]', 'ttl']);
  expect(await refusal(ask(bench, { ttl: 'soon' }))).toBe('API_JWT_REFUSED');
  bench.domain({});
  await bench.world.drain();
  expect(await refusal(ask(bench))).toBe('API_JWT_OFF');
});

test('where readers may hold the keys from before, a key is published first, restarts and all', async () => {
  const bench = await start({});
  const before = served(bench);
  // With a shorter hint, too: readers go by the one that came with the bundle which they have.
  bench.domain({ jwt, rotation: { propagationBound: '1s' } });
  await bench.world.drain();
  expect([states(bench), ready(bench)?.status, ready(bench)?.reason]).toEqual([['Prepared'], 'False', 'KeyBeingPublished']);
  expect(served(bench).ids).toHaveLength(1);
  expect(served(bench).sequence).toBe(before.sequence + 1);
  for (let passed = 0; passed < publishMs - 2 * minuteMs; passed += 5 * minuteMs) {
    expect(await refusal(ask(bench))).toBe('API_NOT_READY');
    await bench.pass(5 * minuteMs);
    await restart(bench);
  }
  expect(await refusal(ask(bench))).toBe('API_NOT_READY');
  await bench.pass(7 * minuteMs);
  expect(states(bench)).toEqual(['Active']);
  await verify((await signed(bench)).token, served(bench), bench.world.time.nowMs);
});

test('while its state cannot be shown, a key does not count as published', async () => {
  const bench = await start({});
  bench.domain({ jwt });
  // The record is written, and nothing after it: nobody in this process shows the key.
  const { store } = bench.world;
  const patchStatus = store.patchStatus.bind(store);
  store.patchStatus = async () => Promise.reject(new Error('down'));
  await bench.pass(2 * hourMs);
  expect(await refusal(ask(bench))).toBe('API_JWT_OFF');
  expect(Buffer.from(record(bench)?.data['record.json'] ?? '', 'base64').toString('utf8')).toContain('"Prepared"');
  store.patchStatus = patchStatus;
  await bench.pass(10 * minuteMs);
  expect(await refusal(ask(bench))).toBe('API_NOT_READY');
  await bench.pass(publishMs);
  await signed(bench);
});

test('weeks of keys: each is there before its first token and until its last one ends', async () => {
  const bench = await start({ jwt, rootAuthority: { lifetime: '8760h' } });
  const begin = bench.world.time.nowMs;
  const used = new Set<string>();
  const kept: { readonly atMs: number; readonly keys: ReturnType<typeof served> }[] = [];
  let sequence = 0;
  while (bench.world.time.nowMs < begin + 15 * dayMs) {
    const keys = served(bench);
    expect(keys.sequence).toBeGreaterThanOrEqual(sequence);
    sequence = keys.sequence;
    kept.push({ atMs: bench.world.time.nowMs, keys });
    const { token, keyId } = await signed(bench);
    used.add(keyId);
    // By a reader that fetched half an hour before, and by one that fetches now.
    const old = kept.findLast(({ atMs }) => atMs <= bench.world.time.nowMs - 30 * minuteMs);
    if (old !== undefined) await verify(token, old.keys, bench.world.time.nowMs);
    await bench.pass(2 * hourMs, hourMs);
    expect(served(bench).ids.includes(decodeProtectedHeader(token).kid ?? '') || served(bench).ids.length === 1).toBe(true);
  }
  expect(used.size).toBe(3);
  expect(bench.world.audit.filter(({ decision, reason }) => decision === 'authority-turned-over' && reason?.startsWith('key for JWT') === true)).toHaveLength(2);
});

test.each([2, 7])('whoever is killed every %i steps loses no key that somebody needs', { timeout: 90_000 }, async (stepsLived) => {
  const bench = await start({ jwt: { ...jwt, keyLifetime: '1h' } });
  const { world } = bench;
  const live: { readonly token: string; readonly endMs: number }[] = [];
  const shown: { readonly atMs: number; readonly keys: ReturnType<typeof served> }[] = [];
  const used = new Set<string>();
  for (const endMs = world.time.nowMs + 4 * hourMs; world.time.nowMs < endMs; ) {
    await world.advance(3 * minuteMs);
    for (let step = 0; step < stepsLived && world.busy; step += 1) await world.step();
    await restart(bench);
    await world.drain();
    const nowMs = world.time.nowMs;
    const keys = served(bench);
    expect(keys.sequence).toBeGreaterThanOrEqual(shown.at(-1)?.keys.sequence ?? 0);
    shown.push({ atMs: nowMs, keys });
    const outcome = await ask(bench);
    if (outcome.signed) {
      live.push({ token: outcome.svid.token, endMs: outcome.svid.expiresAtMs });
      used.add(outcome.svid.keyId);
    }
    const old = shown.findLast(({ atMs }) => atMs <= nowMs - 30 * minuteMs)?.keys;
    for (const { token, endMs: tokenEndMs } of live.filter((each) => each.endMs > nowMs)) {
      await verify(token, keys, tokenEndMs - 1);
      if (old !== undefined) await verify(token, old, tokenEndMs - 1);
    }
  }
  expect(used.size).toBeGreaterThanOrEqual(3);
});

test('a change of algorithm prepares a key at once and uses it once it was published', async () => {
  const bench = await start({ jwt });
  bench.domain({ jwt: { ...jwt, algorithm: 'RS256' } });
  await bench.pass(publishMs - 2 * minuteMs);
  const before = await signed(bench);
  expect(decodeProtectedHeader(before.token).alg).toBe('ES256');
  await bench.pass(4 * minuteMs);
  const after = await signed(bench);
  expect(decodeProtectedHeader(after.token).alg).toBe('RS256');
  for (const { token } of [before, after]) await verify(token, served(bench), before.issuedAtMs);
  expect(states(bench)).toEqual(['Retiring', 'Active']);
  await bench.pass(hourMs + 10 * minuteMs);
  expect(states(bench)).toEqual(['Active']);
});

test('an older record that was put back signs no token, and has a new key published; the sequence never goes back', async () => {
  const bench = await start({ jwt });
  const old = record(bench) as Secret;
  const { keyId } = await signed(bench);
  bench.domain({ jwt: { ...jwt, algorithm: 'RS256' } });
  await bench.pass(publishMs + 5 * minuteMs);
  const { sequence } = served(bench);
  bench.world.asUser('restore', () => bench.world.store.apply({ ...old }));
  await bench.world.drain();
  expect(states(bench)).toEqual(['Retiring', 'Prepared']);
  expect(served(bench).sequence).toBeGreaterThan(sequence);
  expect(served(bench).ids).toContain(keyId);
  expect(await refusal(ask(bench))).toBe('API_NOT_READY');
  expect(bench.told.lines.some((line) => line.includes('JWTKeysBegunAnew'))).toBe(true);
  await bench.pass(publishMs + 5 * minuteMs);
  await verify((await signed(bench)).token, served(bench), bench.world.time.nowMs);
});

test('a lost record signs nothing; with a new root that was asked for, keys begin anew too, above the sequence from before', async () => {
  const bench = await start({ jwt });
  const { sequence } = served(bench);
  const root = status(bench)?.authorities?.find(({ role }) => role === 'Root')?.keyIdentifier ?? '';
  bench.world.asUser('lose', () => bench.world.store.remove({ kind: 'Secret', namespace: 'mtlsd-system', name: 'mtlsd-authorities-a.example' }));
  await bench.world.drain();
  expect(await refusal(ask(bench))).toBe('API_NOT_READY');
  expect(states(bench)).toEqual(['Active']);
  bench.world.checks.giveUpRoot('a.example');
  bench.domain({ jwt }, { 'mtlsd.io/new-root': root });
  await bench.world.drain();
  expect(served(bench).sequence).toBeGreaterThan(sequence);
  expect([states(bench), await refusal(ask(bench))]).toEqual([['Prepared'], 'API_NOT_READY']);
  await bench.pass(publishMs + 5 * minuteMs);
  await signed(bench);
});

test('without spec.jwt nothing is signed, and keys stay until the last token has ended', async () => {
  const bench = await start({ jwt });
  const { token, issuedAtMs } = await signed(bench);
  bench.domain({});
  await bench.pass(hourMs);
  expect([states(bench), ready(bench)]).toEqual([['Retiring'], undefined]);
  await verify(token, served(bench), issuedAtMs);
  const { sequence } = served(bench);
  await bench.pass(10 * minuteMs);
  expect([status(bench)?.jwt?.keys, served(bench).sequence]).toEqual([[], sequence + 1]);
});

test('a stolen key is gone at once, asked for by its name alone; tokens go on once another one was published', async () => {
  const bench = await start({ jwt });
  const { token, keyId, issuedAtMs } = await signed(bench);
  const { sequence } = served(bench);
  bench.domain({ jwt }, { 'mtlsd.io/distrust-jwt-key': 'another' });
  await bench.world.drain();
  expect(served(bench).ids).toEqual([keyId]);
  // It stops at once, and waits for no status.
  const patchStatus = bench.world.store.patchStatus.bind(bench.world.store);
  bench.world.store.patchStatus = async () => Promise.reject(new Error('down'));
  bench.domain({ jwt }, { 'mtlsd.io/distrust-jwt-key': `another, ${keyId}` });
  await bench.world.drain();
  expect([served(bench).ids.includes(keyId), await refusal(ask(bench))]).toEqual([false, 'API_NOT_READY']);
  bench.world.store.patchStatus = patchStatus;
  await bench.pass(minuteMs);
  expect([served(bench).ids.includes(keyId), states(bench), await refusal(ask(bench))]).toEqual([false, ['Prepared'], 'API_NOT_READY']);
  expect(served(bench).sequence).toBeGreaterThan(sequence);
  expect(bench.world.audit).toContainEqual(expect.objectContaining({ decision: 'authority-distrusted', authority: keyId }));
  await expect(verify(token, served(bench), issuedAtMs)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
  await bench.pass(publishMs + 5 * minuteMs);
  const next = await signed(bench);
  expect([next.keyId === keyId, served(bench).ids]).toEqual([false, [next.keyId]]);
  await bench.pass(2 * hourMs);
  expect(served(bench).ids).toEqual([next.keyId]);
});

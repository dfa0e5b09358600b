/** Tokens as files of an identity's Secret, over the real reconcilers in virtual time. */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { beforeAll, expect, test } from 'vitest';
import type { TrustDomainSpec, WorkloadIdentitySpec } from '../../../src/resources/index.ts';
import { fillKeyPools } from '../../model/key-pool.ts';
import { hourMs, minuteMs, restart, startBench, type Bench } from '../bench.ts';

beforeAll(async () => fillKeyPools({ RSA2048: 2 }));

const jwt: NonNullable<TrustDomainSpec['jwt']> = { issuer: 'https://tokens.a.example' };
const bank = { name: 'bank', audience: 'https://bank.example' };
const ledger = { name: 'ledger', audience: 'ledger' };
const asked: WorkloadIdentitySpec = { jwt: { audiences: [ledger, bank] } };

const text = (bench: Bench, file: string): string | undefined => {
  const data = bench.secret('cart-mtls')?.data[file];
  return data === undefined ? undefined : Buffer.from(data, 'base64').toString('utf8');
};
const token = (bench: Bench, name: string): string => text(bench, `${name}.jwt`) ?? '';
const files = (bench: Bench): readonly string[] => Object.keys(bench.secret('cart-mtls')?.data ?? {}).filter((file) => file.endsWith('.jwt'));
const condition = (bench: Bench) => bench.identity('cart').status?.conditions?.find(({ type }) => type === 'Tokens');
const serial = (bench: Bench) => bench.identity('cart').status?.serialNumber;
const keys = (bench: Bench) => bench.world.store.peek({ kind: 'TrustDomain', name: 'a.example' })?.status?.jwt?.keys.map(({ keyIdentifier }) => keyIdentifier);
const issued = (bench: Bench) => bench.world.audit.filter(({ decision }) => decision === 'token-issued');

async function start(spec: TrustDomainSpec, identity: WorkloadIdentitySpec = asked): Promise<Bench> {
  const bench = await startBench(spec);
  bench.put('cart', identity);
  await bench.world.drain();
  return bench;
}

test('each audience has a file with a token for it alone; nothing else tells of a token', async () => {
  const bench = await start({ jwt });
  expect(files(bench)).toEqual(['bank.jwt', 'ledger.jwt']);
  for (const { name, audience } of [bank, ledger]) {
    const claims = decodeJwt(token(bench, name));
    expect(claims).toMatchObject({ iss: 'https://tokens.a.example', sub: 'spiffe://a.example/ns/shop/sa/cart', aud: [audience] });
    expect([(claims.exp ?? 0) - (claims.iat ?? 0), keys(bench)]).toEqual([300, [decodeProtectedHeader(token(bench, name)).kid]]);
  }
  expect(condition(bench)).toMatchObject({ status: 'True', reason: 'Delivered', message: 'bank.jwt, ledger.jwt in Secret cart-mtls' });
  expect(issued(bench).map(({ object, reason }) => [object, reason])).toEqual([['WorkloadIdentity shop/cart', 'first'], ['WorkloadIdentity shop/cart', 'first']]);
  const told = JSON.stringify([bench.told.lines, bench.world.audit, bench.identity('cart'), bench.secret('cart-mtls')?.metadata]);
  for (const part of token(bench, 'bank').split('.')) expect(told).not.toContain(part);
});

test('hours of tokens: at any time the file holds one that lives, the certificate stays, and at rest nothing is written', async () => {
  const bench = await start({ jwt }, { ...asked, ttl: '24h' });
  const before = serial(bench);
  const beginMs = bench.world.time.nowMs;
  const seen = new Set<string>();
  while (bench.world.time.nowMs < beginMs + 6 * hourMs) {
    for (const name of ['bank', 'ledger']) {
      expect(((decodeJwt(token(bench, name)).exp ?? 0) * 1000 - bench.world.time.nowMs) / minuteMs).toBeGreaterThan(0.4 * 5 - 1);
      seen.add(token(bench, name));
    }
    await bench.pass(minuteMs);
  }
  expect(serial(bench)).toBe(before);
  // Two files, each renewed after 0.4 to 0.6 of five minutes, which a stride of a minute delays.
  expect(seen.size).toBeGreaterThan(2 * 90);
  expect(seen.size).toBeLessThan(2 * 181);
  bench.put('cart', { ttl: '24h' });
  await bench.pass(minuteMs);
  expect([files(bench), condition(bench), serial(bench)]).toEqual([[], undefined, before]);
  const version = bench.secret('cart-mtls')?.metadata.resourceVersion;
  await bench.pass(hourMs);
  expect(bench.secret('cart-mtls')?.metadata.resourceVersion).toBe(version);
});

test('what is asked for changes: the files follow at once, with no new certificate', async () => {
  const bench = await start({ jwt });
  const before = serial(bench);
  bench.put('cart', { jwt: { audiences: [{ name: 'bank', audience: 'other' }] } });
  await bench.world.drain();
  expect([files(bench), decodeJwt(token(bench, 'bank')).aud, serial(bench)]).toEqual([['bank.jwt'], ['other'], before]);
  bench.domain({ jwt: { issuer: 'https://elsewhere.example', ttl: '30m' } });
  await bench.world.drain();
  const { iss, exp = 0, iat = 0 } = decodeJwt(token(bench, 'bank'));
  expect([iss, exp - iat, serial(bench)]).toEqual(['https://elsewhere.example', 1800, before]);
});

test('while nothing signs, the condition says why and what to do, the certificate comes nevertheless, and the files come by themselves', async () => {
  const bench = await start({});
  expect([files(bench), condition(bench)?.reason, bench.reason('cart', 'Ready')]).toEqual([[], 'JWTOff', 'Delivered']);
  expect(condition(bench)?.message).toMatch(/set spec\.jwt of the TrustDomain/u);
  bench.domain({ jwt });
  await bench.pass(10 * minuteMs);
  expect([files(bench), condition(bench)?.reason]).toEqual([[], 'KeyBeingPublished']);
  await bench.pass(30 * minuteMs);
  expect([files(bench), condition(bench)?.status]).toEqual([['bank.jwt', 'ledger.jwt'], 'True']);
});

test('tokens that live stay when their trust domain issues none any more, over a new certificate too; those that ended go', async () => {
  const bench = await start({ jwt: { ttl: '1h' } }, { ...asked, ttl: '1h' });
  const [before, first] = [token(bench, 'bank'), serial(bench)];
  bench.domain({});
  await bench.pass(45 * minuteMs);
  expect(serial(bench)).not.toBe(first);
  expect([token(bench, 'bank'), condition(bench)?.reason]).toEqual([before, 'JWTOff']);
  await bench.pass(45 * minuteMs);
  expect(files(bench)).toEqual([]);
});

test('a file that somebody changed, or that another process wrote, is found by its digest', async () => {
  const bench = await start({ jwt: { ttl: '1h' } });
  const before = token(bench, 'bank');
  await restart(bench);
  expect(token(bench, 'bank')).toBe(before);
  const secret = bench.secret('cart-mtls');
  if (secret === undefined) throw new Error('no Secret');
  bench.world.asUser('somebody', () => bench.world.store.apply({ ...secret, data: { ...secret.data, 'bank.jwt': Buffer.from('a.b.c').toString('base64') } }));
  await bench.world.drain();
  expect(decodeJwt(token(bench, 'bank')).aud).toEqual([bank.audience]);
  expect(bench.told.lines.some((line) => line.includes('bank.jwt was changed'))).toBe(true);
});

test('labels that others put on the Secret again and again do not use up what renews its tokens', async () => {
  const bench = await start({ jwt }, { ...asked, ttl: '24h' });
  for (let minutes = 0; minutes < 60; minutes += 1) {
    const secret = bench.secret('cart-mtls');
    if (secret === undefined) throw new Error('no Secret');
    bench.world.asUser('others', () => bench.world.store.apply({ ...secret, metadata: { ...secret.metadata, labels: { ...secret.metadata.labels, turn: String(minutes) } } }));
    await bench.pass(minuteMs);
    expect((decodeJwt(token(bench, 'bank')).exp ?? 0) * 1000).toBeGreaterThan(bench.world.time.nowMs);
  }
});

test('the life of a token follows from how late its file is seen', async () => {
  const bench = await startBench({ jwt }, { delivery: { minTtlMs: 375_000, minTtlReason: 'kubelet', marginMs: 60_000 } });
  bench.put('cart', asked);
  await bench.world.drain();
  const life = () => (decodeJwt(token(bench, 'bank')).exp ?? 0) - (decodeJwt(token(bench, 'bank')).iat ?? 0);
  expect(life()).toBe(375);
  bench.domain({ jwt, rotation: { propagationBound: '10s' } });
  await bench.world.drain();
  expect(life()).toBe(300);
});

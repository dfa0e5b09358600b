/** What tokens and their keys tell as metrics. */
import { expect, test } from 'vitest';
import type { JwtKeyFigures, Metrics } from '../../../src/telemetry/index.ts';
import { hourMs, minuteMs, startBench } from '../bench.ts';

const nothing = (): void => undefined;

test('tokens are told by kind and outcome; keys by state, with the end of the one that signs, until the trust domain is gone', async () => {
  const told = { tokens: [] as string[], keys: [] as (JwtKeyFigures | undefined)[] };
  const metrics: Metrics = {
    issued: nothing,
    reconciled: nothing,
    storeInterrupted: nothing,
    queueDepth: nothing,
    tokens: (kind, outcome) => void told.tokens.push(`${kind} ${outcome}`),
    jwtKeys: (trustDomain, figures) => void (trustDomain === 'a.example' && told.keys.push(figures)),
  };
  const jwt = { keyLifetime: '4h' };
  const bench = await startBench({ jwt }, { metrics });
  const startMs = bench.world.time.nowMs;
  bench.put('cart', { jwt: { audiences: [{ name: 'bank', audience: 'https://bank.example' }, { name: 'post', audience: 'https://post.example' }] } });
  await bench.world.drain();
  const ask = async (audience: readonly string[]) => bench.world.process?.controllers?.jwt.sign({ caller: { kind: 'service-account', namespace: 'shop', name: 'cart' }, audience, identity: undefined, ttl: undefined, requestId: 'r1' });
  await ask(['bank']);
  await ask(['bank', 'bank']);
  expect(told.tokens).toEqual(['file issued', 'file issued', 'request issued', 'request refused']);
  expect(told.keys.at(-1)).toEqual({ keys: { Prepared: 0, Active: 1, Retiring: 0 }, activeEndMs: startMs + 4 * hourMs });
  const turnsOverAt = (): string | undefined => bench.world.store.peek({ kind: 'TrustDomain', name: 'a.example' })?.status?.jwt?.turnsOverAt;
  expect(Date.parse(turnsOverAt() ?? '')).toBe(startMs + 4 * hourMs);

  await bench.pass(3 * hourMs + 10 * minuteMs, 10 * minuteMs);
  expect(told.keys.at(-1)).toEqual({ keys: { Prepared: 1, Active: 1, Retiring: 0 }, activeEndMs: startMs + 4 * hourMs });
  await bench.pass(hourMs, 10 * minuteMs);
  expect(told.keys.at(-1)).toMatchObject({ keys: { Prepared: 0, Active: 1, Retiring: 1 } });
  expect(told.keys.at(-1)?.activeEndMs).toBeGreaterThan(startMs + 8 * hourMs - 1);

  bench.domain({});
  await bench.world.drain();
  expect(told.keys.at(-1)).toEqual({ keys: { Prepared: 0, Active: 0, Retiring: 2 }, activeEndMs: undefined });
  expect([turnsOverAt(), (await ask(['bank']))?.signed, told.tokens.at(-1)]).toEqual([undefined, false, 'request refused']);
  bench.world.asUser('delete', () => bench.world.store.remove({ kind: 'TrustDomain', name: 'a.example' }));
  await bench.world.drain();
  expect(told.keys.at(-1)).toBeUndefined();
});

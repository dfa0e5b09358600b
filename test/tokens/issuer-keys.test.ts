/** The keys of an issuer in virtual time: fresh when they can be, known ones never wait, strangers cannot make us fetch at will. */
import { beforeEach, describe, expect, test } from 'vitest';
import { MtlsdError } from '../../src/errors/index.ts';
import { IssuerKeys, readKeySet } from '../../src/tokens/index.ts';
import { signingKey, type SigningKey } from './tokens.ts';

const old = signingKey('ES256', 'old');
const fresh = signingKey('ES256', 'new');
const minute = 60_000;

let nowMs: number;
let fetches: number;
/** What the issuer's server does with the next fetch. */
let answer: () => Promise<readonly SigningKey[]>;
let states: (string | undefined)[];
let sleepers: (() => void)[];
let keys: IssuerKeys;

beforeEach(() => {
  nowMs = 1_000_000;
  fetches = 0;
  states = [];
  sleepers = [];
  answer = async () => [old];
  keys = new IssuerKeys({
    fetch: async () => {
      fetches += 1;
      const published = await answer();
      const keySet = readKeySet(JSON.stringify({ keys: published.map(({ jwk }) => jwk) }));
      if (keySet === undefined) throw new Error('no key set');
      return { keySet, freshForMs: 5 * minute };
    },
    nowMs: () => nowMs,
    sleep: () => new Promise((resolve) => sleepers.push(resolve)),
    random: () => 1,
    onState: ({ failing }) => states.push(failing),
  });
});

const find = (kid: string) => keys.find({ kid, algorithm: 'ES256' }, nowMs);
const down = (retryAfterMs?: number) => () => Promise.reject(new MtlsdError('TOKEN_KEYS_UNAVAILABLE', 'it is down', retryAfterMs === undefined ? {} : { retryAfterMs }));
const later = async (ms: number): Promise<void> => {
  nowMs += ms;
  keys.refresh(nowMs);
  await keys.whenIdle();
};
/** The answer of a `find` that must not wait. */
const atOnce = (kid: string) => {
  const found = find(kid);
  expect(found).not.toBeInstanceOf(Promise);
  return found;
};

test('the first token waits for the first keys', async () => {
  expect(await find('old')).toMatchObject({ kind: 'found' });
  expect(fetches).toBe(1);
});

describe('once the keys are there', () => {
  beforeEach(async () => {
    await find('old');
  });

  test('a known key is found at once, and nothing is fetched while it is fresh', () => {
    for (let n = 0; n < 1000; n += 1) expect(atOnce('old')).toMatchObject({ kind: 'found' });
    expect(fetches).toBe(1);
  });

  test('keys that should be fetched again are used meanwhile', async () => {
    nowMs += 5 * minute;
    answer = () => new Promise(() => undefined);
    expect(atOnce('old')).toMatchObject({ kind: 'found' });
    expect(atOnce('old')).toMatchObject({ kind: 'found' });
    expect(fetches).toBe(2);
  });

  test('a key that was rotated in is fetched once for all who ask', async () => {
    answer = async () => [old, fresh];
    const asked = Array.from({ length: 100 }, async () => find('new'));
    for (const found of await Promise.all(asked)) expect(found).toMatchObject({ kind: 'found', keys: [{ kid: 'new' }] });
    expect(fetches).toBe(2);
  });

  test('a key that was withdrawn is found no more after the next fetch', async () => {
    answer = async () => [fresh];
    await later(5 * minute);
    nowMs += 1;
    expect(await find('old')).toMatchObject({ kind: 'unknown' });
  });

  test('names that strangers make up lead to one fetch in an interval', async () => {
    for (let n = 0; n < 500; n += 1) expect(await find(`made-up-${n}`)).toEqual({ kind: 'unknown' });
    expect(fetches).toBe(2);
    nowMs += 30_000;
    await find('made-up');
    expect(fetches).toBe(3);
  });

  test('an unknown name waits a bounded time for a server that does not answer', async () => {
    answer = () => new Promise(() => undefined);
    const found = find('new');
    sleepers.at(-1)?.();
    expect(await found).toEqual({ kind: 'unknown' });
    nowMs += 1_000;
    expect(atOnce('new')).toEqual({ kind: 'unknown' });
  });

  test('while the issuer is down known keys are used, unknown ones refused at once, and tries back off', async () => {
    answer = down();
    await later(5 * minute);
    expect(fetches).toBe(2);
    for (let n = 0; n < 1000; n += 1) {
      expect(atOnce('old')).toMatchObject({ kind: 'found' });
      expect(atOnce('new')).toEqual({ kind: 'unknown' });
    }
    expect(fetches).toBe(2);
    const gaps: number[] = [];
    let last = nowMs;
    for (let before = fetches; before < 12; before = fetches) {
      await later(500);
      if (fetches === before) continue;
      gaps.push(nowMs - last);
      last = nowMs;
    }
    expect(gaps).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300].map((seconds) => seconds * 1000));
  });

  test('stale keys are used for a bounded time, and then it says that they cannot be had', async () => {
    answer = down();
    nowMs += 5 * minute + 60 * minute - 1;
    expect(atOnce('old')).toMatchObject({ kind: 'found' });
    await keys.whenIdle();
    nowMs += 1;
    expect(atOnce('old')).toEqual({ kind: 'unavailable', why: 'it is down', retryAfterMs: 1000 });
  });

  test('it recovers by itself, and says both once', async () => {
    answer = down();
    await later(5 * minute);
    await later(minute);
    answer = async () => [fresh];
    await later(10 * minute);
    expect(atOnce('new')).toMatchObject({ kind: 'found' });
    expect(states).toEqual([undefined, 'it is down', undefined]);
  });

  test('a server that asks to be left alone is', async () => {
    answer = down(10 * minute);
    await later(5 * minute);
    for (let n = 0; n < 9; n += 1) await later(minute);
    expect(fetches).toBe(2);
    await later(minute);
    expect(fetches).toBe(3);
  });

  test('a server that withdraws every key is believed', async () => {
    answer = async () => [];
    await later(5 * minute);
    expect(await find('old')).toEqual({ kind: 'unknown' });
  });
});

test('without any keys and with the issuer down, nobody waits after the first try', async () => {
  answer = down();
  expect(await find('old')).toMatchObject({ kind: 'unavailable', why: 'it is down' });
  for (let n = 0; n < 1000; n += 1) expect(atOnce('old')).toMatchObject({ kind: 'unavailable' });
  expect(fetches).toBe(1);
});

/** A pair in files that somebody replaces: each is used once it is whole, and what is not is told once. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { followPair, type ServingPair } from '../../../src/app/api/serving-pair.ts';
import { systemClock } from '../../../src/app/clock.ts';
import { MemoryStore } from '../../../src/store/memory/index.ts';
import { makeWebPair, type WebPair } from '../../x509/web-pair.ts';

let folder: string;
let pairs: readonly [WebPair, WebPair];
const store = new MemoryStore({ nowMs: () => 0, uid: () => 'u' });
const nothing = (): void => undefined;
const put = async (file: 'tls.crt' | 'tls.key', text: string) => writeFile(join(folder, file), text);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtlsd-pair-'));
  pairs = [await makeWebPair(), await makeWebPair('another')];
});
afterAll(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  // Looks alone are hurried; files are read as they are.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  await put('tls.crt', pairs[0].cert);
  await put('tls.key', pairs[0].key);
});

/** Looks come one after the other until it holds. */
const atLast = async (holds: () => void) =>
  vi.waitFor(() => {
    vi.advanceTimersByTime(10_000);
    holds();
  }, { timeout: 10_000, interval: 20 });

function follow() {
  const [taken, told]: [ServingPair[], string[]] = [[], []];
  const abort = new AbortController();
  const log = { debug: nothing, info: nothing, warn: (message: string, fields: object = {}) => void told.push(`${message} ${JSON.stringify(fields)}`), error: nothing };
  const started = followPair({ kind: 'files', cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }, { store, clock: systemClock, log }, (pair) => void taken.push(pair), abort.signal);
  return { started, taken, told, abort };
}

test('a new pair is taken once both halves are there, and a half is told once, without what stands in it', async () => {
  const { started, taken, told, abort } = follow();
  await started;
  expect(taken).toEqual([{ cert: pairs[0].cert, key: pairs[0].key }]);
  await put('tls.crt', pairs[1].cert);
  await atLast(() => expect(told).toHaveLength(1));
  expect(told[0]).toContain('is no certificate with its key');
  await put('tls.key', pairs[1].key);
  await atLast(() => expect(taken).toHaveLength(2));
  expect([taken[1]?.cert, told.length]).toEqual([pairs[1].cert, 1]);
  await rm(join(folder, 'tls.key'));
  await atLast(() => expect(told).toHaveLength(2));
  expect([told[1]?.includes('ENOENT'), taken.length]).toEqual([true, 2]);
  for (const line of told) expect(line).not.toContain('BEGIN');
  abort.abort();
  expect(vi.getTimerCount()).toBe(0);
});

test('one that cannot be used at the start stops the start, and says what to name', async () => {
  await put('tls.crt', pairs[1].cert);
  const { started, taken } = follow();
  await expect(started).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID', message: expect.stringContaining('name a chain and the key of its first certificate') as string });
  expect(taken).toEqual([]);
});

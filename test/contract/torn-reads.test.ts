import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import type { Secret } from '../../src/resources/index.ts';
import { pair, precondition, Workbench } from '../store/directory/workbench.ts';

/** Enough for readers to meet the switch in every phase; each rewrite flushes a dozen files. */
const rewrites = 2_000;

/**
 * Reads as fast as it can, in a thread of its own, until told to stop. Each way of reading notes the reads that showed files
 * of two generations, and those that found a file missing.
 */
const reader = `
const { parentPort, workerData: { folder } } = require('node:worker_threads');
const { readFileSync, readlinkSync } = require('node:fs');
const generationOf = (text) => /^(?:key|certificate) (\\S+)\\n/.exec(text)?.[1] ?? 'torn';
const counts = { bundle: [0, 0, 0], resolved: [0, 0, 0], again: [0, 0, 0], naive: [0, 0, 0] };
const attempt = (way, read) => { if (!read()) counts[way][1] += 1; };
const note = (way, read) => {
  counts[way][0] += 1;
  // A thread that the machine stops in the middle of a look-up, for as long as three rewrites take here, finds what it looked up gone.
  try { attempt(way, read); } catch { try { attempt(way, read); } catch { counts[way][2] += 1; } }
};
const both = (at) => [readFileSync(at + '/tls.crt', 'utf8'), readFileSync(at + '/tls.key', 'utf8')].map(generationOf);
const equal = ([a, b]) => a === b && a !== 'torn';
let stop = false;
parentPort.on('message', () => { stop = true; });
const round = () => {
  for (let i = 0; i < 50; i += 1) {
    note('bundle', () => equal(readFileSync(folder + '/credential-bundle.pem', 'utf8').split('|').map(generationOf)));
    note('resolved', () => {
      for (let i = 0; ; i += 1) {
        const at = folder + '/' + readlinkSync(folder + '/..data');
        // Asleep for three generations: what was resolved is gone, and is resolved again.
        try { return equal(both(at)); } catch (error) { if (error.code !== 'ENOENT' || i > 3) throw error; }
      }
    });
    note('naive', () => equal(both(folder)));
    note('again', () => { for (let i = 0; i < 20; i += 1) if (equal(both(folder))) return true; return false; });
  }
  if (stop) parentPort.postMessage(counts); else setImmediate(round);
};
round();
`;

type Counts = Readonly<Record<'bundle' | 'resolved' | 'again' | 'naive', readonly [reads: number, torn: number, missing: number]>>;

test('L5: no reader of one file, of ..data resolved once, or of two files read again on a mismatch sees two generations', { timeout: 240_000 }, async () => {
  using bench = new Workbench();
  const store = await bench.open();
  // Long enough that a file is not written in one go.
  let current: Secret = await store.write(pair('cart', 0, { padding: 20_000 }), 'absent');
  const folder = bench.identity('cart');
  const worker = new Worker(reader, { eval: true, workerData: { folder } });
  const counted = new Promise<Counts>((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
  });
  for (let generation = 1; generation <= rewrites; generation += 1) {
    current = await store.write(pair('cart', generation, { padding: 20_000 }), precondition(current));
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
  worker.postMessage('stop');
  const counts = await counted;
  await worker.terminate();
  for (const way of ['bundle', 'resolved', 'again'] as const) {
    const [reads, torn, missing] = counts[way];
    expect(reads).toBeGreaterThan(rewrites / 4);
    expect({ way, torn, missing }).toEqual({ way, torn: 0, missing: 0 });
  }
  // Two paths, each resolved for itself: nothing can promise that they show one generation. Never a missing or torn file.
  expect(counts.naive[2]).toBe(0);
  expect(readFileSync(join(folder, readlinkSync(join(folder, '..data')), 'tls.crt'), 'utf8')).toContain(`certificate ${rewrites}\n`);
  await store.close();
});

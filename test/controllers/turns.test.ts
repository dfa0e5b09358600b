/** Who goes first when more is due than the rate allows. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { Controller, type Reconciler } from '../../src/controllers/runtime/controller.ts';
import type { QueueKey } from '../../src/controllers/runtime/queue.ts';
import { Turns } from '../../src/controllers/runtime/turns.ts';
import { VirtualTime } from '../model/clock.ts';

const perSecond = 10;
const silent = () => undefined;

/** Keys named after their deadlines, each of which wants one turn; a name that begins with `x` wants none once it is called. */
class Herd implements Reconciler {
  readonly kind = 'WorkloadIdentity';
  readonly time = new VirtualTime(1_000_000);
  readonly turns = new Turns(this.time.clockOf(() => true), perSecond);
  readonly went: { readonly name: string; readonly atMs: number }[] = [];
  looks = 0;
  readonly #waited = new Set<string>();
  readonly controller = new Controller(this, {
    clock: this.time.clockOf(() => true),
    log: { debug: silent, info: silent, warn: silent, error: silent },
    metrics: { issued: silent, reconciled: silent, storeInterrupted: silent, queueDepth: silent },
    concurrency: 16,
  });

  async reconcile(key: QueueKey): Promise<object> {
    this.looks += 1;
    try {
      await nextTurn();
      if (key.name.startsWith('x') && this.#waited.has(key.name)) return {};
      if (this.turns.take(key, this.deadlineMs(key))) this.went.push({ name: key.name, atMs: this.time.nowMs });
      else this.#waited.add(key.name);
      return {};
    } finally {
      this.turns.leave(key);
    }
  }

  deadlineMs({ name }: QueueKey): number {
    return Number(name.replace('x', ''));
  }

  /** Lets the seconds pass, one tenth of a second after the other, and everything that becomes due in them happen. */
  async pass(seconds: number): Promise<void> {
    for (let tenth = 0; tenth < seconds * 10; tenth += 1) {
      this.time.advanceTo(this.time.trueMs + 100);
      await this.controller.whenIdle();
    }
  }
}

/** The numbers below `count` in no order. */
const shuffled = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => (n * 7_919) % count);

test('a herd goes at the bounded rate, the nearest deadline first, and nobody is looked at more than twice', async () => {
  const herd = new Herd();
  herd.controller.start();
  for (const n of shuffled(200)) herd.controller.enqueue('shop', String(n));
  await herd.controller.whenIdle();
  expect(herd.went).toHaveLength(perSecond);
  await herd.pass(19);
  expect(herd.went.map(({ name }) => Number(name))).toEqual(Array.from({ length: 200 }, (_, n) => n));
  for (const [index, { atMs }] of herd.went.entries()) expect(atMs).toBe(1_000_000 + Math.max(0, index - perSecond + 1) * 100);
  expect(herd.looks).toBe(200 + 190);
  await herd.controller.stop();
});

test('what comes later and is more urgent goes before those who wait; namespaces go in turn', async () => {
  const herd = new Herd();
  herd.controller.start();
  for (const n of shuffled(100)) herd.controller.enqueue('shop', String(1_000 + n));
  await herd.controller.whenIdle();
  herd.controller.enqueue('shop', '1');
  herd.controller.enqueue('bank', '5000');
  await herd.controller.whenIdle();
  await herd.pass(1);
  expect(herd.went.slice(perSecond, perSecond + 3).map(({ name }) => name).sort()).toEqual(['1', '1010', '5000']);
  await herd.controller.stop();
});

test('a turn that is no longer needed goes to the next at once', async () => {
  const herd = new Herd();
  herd.controller.start();
  for (let n = 0; n < 40; n += 1) herd.controller.enqueue('shop', n >= 10 && n < 30 ? `x${n}` : String(n));
  await herd.controller.whenIdle();
  await herd.pass(1);
  expect(herd.went.map(({ name }) => name)).toEqual([...Array.from({ length: 10 }, (_, n) => String(n)), ...Array.from({ length: 10 }, (_, n) => String(30 + n))]);
  await herd.controller.stop();
});

test('whoever stopped calls nobody', async () => {
  const herd = new Herd();
  herd.controller.start();
  for (let n = 0; n < 20; n += 1) herd.controller.enqueue('shop', String(n));
  await herd.controller.whenIdle();
  await herd.controller.stop();
  expect(herd.time.timers).toBe(0);
});

test('work that waits for nothing lets the event loop turn; and when all is done, nothing turns it any more', async () => {
  const herd = new Herd();
  // Each look takes a millisecond and waits for nothing.
  herd.reconcile = async () => {
    herd.looks += 1;
    herd.time.trueMs += 1;
    return {};
  };
  herd.controller.start();
  for (const n of shuffled(200)) herd.controller.enqueue('shop', String(n));
  const seen: number[] = [];
  while (herd.looks < 200) {
    await nextTurn();
    seen.push(herd.looks);
  }
  expect(seen.length).toBeGreaterThanOrEqual(15);
  for (let turn = 0; turn < 3; turn += 1) await nextTurn(); // the last one that it asked for
  const scheduled = vi.spyOn(globalThis, 'setImmediate');
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  expect(scheduled).not.toHaveBeenCalled();
  scheduled.mockRestore();
  await herd.controller.stop();
});

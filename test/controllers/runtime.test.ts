import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Cache } from '../../src/controllers/runtime/cache.ts';
import { Controller, type Reconciler } from '../../src/controllers/runtime/controller.ts';
import { OwnWrites } from '../../src/controllers/runtime/own-writes.ts';
import { WorkQueue } from '../../src/controllers/runtime/queue.ts';
import { TokenBucket } from '../../src/controllers/runtime/token-bucket.ts';
import type { WorkloadIdentity } from '../../src/resources/index.ts';
import type { Store, WatchHandler } from '../../src/store/port.ts';
import { VirtualTime } from '../model/clock.ts';

const key = (name: string, namespace = 'a') => ({ namespace, name });

function makeQueue() {
  const time = new VirtualTime(1_000_000);
  const queue = new WorkQueue(time.clockOf(() => true));
  const take = (): string | undefined => {
    const taken = queue.take();
    if (taken !== undefined) queue.done(taken);
    return taken?.name;
  };
  return { time, queue, take, takeAll: () => Array.from({ length: 200 }, take).filter((name) => name !== undefined) };
}

test('a key waits once, however often it is added', () => {
  const { queue, takeAll } = makeQueue();
  for (let times = 0; times < 5; times += 1) queue.add(key('x'));
  expect(takeAll()).toEqual(['x']);
});

test('a key that is added while it is worked on comes back afterwards, once, and is never worked on twice at once', () => {
  const { queue, takeAll } = makeQueue();
  queue.add(key('x'));
  const taken = queue.take();
  queue.add(key('x'));
  queue.add(key('x'));
  expect(queue.take()).toBeUndefined();
  if (taken !== undefined) queue.done(taken);
  expect(takeAll()).toEqual(['x']);
});

test('within a namespace the nearest expiry comes first; more urgency moves a key up', () => {
  const { queue, takeAll } = makeQueue();
  queue.add(key('late'), 300);
  queue.add(key('soon'), 100);
  queue.add(key('never'));
  queue.add(key('never'), 50);
  expect(takeAll()).toEqual(['never', 'soon', 'late']);
});

test('a flood in one namespace delays no other by more than one turn', () => {
  const { queue, take } = makeQueue();
  for (let index = 0; index < 1000; index += 1) queue.add(key(`flood${index}`), 1);
  queue.add(key('calm', 'b'));
  expect([take(), take()]).toContain('calm');
});

test('all delayed keys share one timer; of two times the earlier counts', () => {
  const { time, queue, takeAll } = makeQueue();
  for (let index = 0; index < 100; index += 1) queue.addAt(key(`k${index}`), time.nowMs + 10_000 + index);
  queue.addAt(key('k0'), time.nowMs + 5000);
  queue.addAt(key('k0'), time.nowMs + 50_000);
  expect(time.timers).toBe(1);
  time.advanceTo(time.trueMs + 5000);
  expect(takeAll()).toEqual(['k0']);
  expect(time.timers).toBe(1);
  time.advanceTo(time.trueMs + 6000);
  expect(takeAll()).toHaveLength(99);
});

test('no key is lost and none comes early, whatever is added when, until the clock is set back', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(200_000), fc.nat(90_000)), { maxLength: 40 }), (steps) => {
      const { time, queue, takeAll } = makeQueue();
      const due = new Map<string, number>();
      for (const [name, delayMs, passMs] of steps) {
        queue.addAt(key(`k${name}`), time.nowMs + delayMs);
        due.set(`k${name}`, Math.min(due.get(`k${name}`) ?? Infinity, time.nowMs + delayMs));
        time.advanceTo(time.trueMs + passMs);
        for (const taken of takeAll()) {
          expect(due.get(taken) ?? Infinity).toBeLessThanOrEqual(time.nowMs);
          due.delete(taken);
        }
      }
      for (let minutes = 0; minutes < 10; minutes += 1) {
        time.advanceTo(time.trueMs + 60_000);
        for (const taken of takeAll()) due.delete(taken);
      }
      expect([...due]).toEqual([]);
    }),
  );
});

test('a clock that is set back releases what was delayed on it; one that is set forward is noticed within a minute', () => {
  const { time, queue, takeAll } = makeQueue();
  queue.addAt(key('x'), time.nowMs + 3_600_000);
  time.skewMs = -86_400_000;
  time.advanceTo(time.trueMs + 60_000);
  expect(takeAll()).toEqual(['x']);
  queue.addAt(key('y'), time.nowMs + 3_600_000);
  time.skewMs = 0;
  time.advanceTo(time.trueMs + 60_000);
  expect(takeAll()).toEqual(['y']);
});

test('a token bucket never gives more than burst and rate, nor loses tokens to a clock that goes back', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5000, max: 5000 }), { maxLength: 60 }), (steps) => {
      const bucket = new TokenBucket(3, 1000);
      let [nowMs, forwardMs, taken] = [100_000, 0, 0];
      for (const step of steps) {
        nowMs += step;
        forwardMs += Math.max(0, step);
        if (bucket.take(nowMs) === 0) taken += 1;
      }
      expect(taken).toBeLessThanOrEqual(3 + forwardMs / 1000 + 1e-6);
    }),
  );
  const bucket = new TokenBucket(2, 1000);
  expect([bucket.take(0), bucket.take(0), bucket.take(0), bucket.take(1000), bucket.take(1000)]).toEqual([0, 0, 1000, 0, 1000]);
});

function makeCache() {
  let handler: WatchHandler<WorkloadIdentity> | undefined;
  const store = { watch: (_kind: unknown, _selector: unknown, given: unknown) => void (handler = given as WatchHandler<WorkloadIdentity>) } as unknown as Store;
  const cache = Cache.watching(store, 'WorkloadIdentity', [{}], new AbortController().signal, () => undefined);
  if (handler === undefined) throw new Error('no watch');
  return { cache, watch: handler, changes: [] as string[] };
}

const object = (uid: string, resourceVersion: string): WorkloadIdentity => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'WorkloadIdentity',
  metadata: { namespace: 'a', name: 'x', uid, resourceVersion, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {},
});

test('an older delivery does not undo our own write, and its echo is no change', () => {
  const { cache, watch } = makeCache();
  let changes = 0;
  watch.snapshot([object('u1', '5')]);
  cache.onChange(() => (changes += 1));
  cache.observeWrite(object('u1', '10'));
  watch.upsert(object('u1', '9'));
  watch.upsert(object('u1', '10'));
  expect(cache.get('a', 'x')?.metadata.resourceVersion).toBe('10');
  expect(changes).toBe(1);
});

test('a version with the same number and another digest is a change, whichever digest sorts first', () => {
  const { cache, watch } = makeCache();
  watch.snapshot([object('u1', '34-ffff')]);
  watch.upsert(object('u1', '34-0000'));
  expect(cache.get('a', 'x')?.metadata.resourceVersion).toBe('34-0000');
  watch.upsert(object('u1', '34-ffff'));
  expect(cache.get('a', 'x')?.metadata.resourceVersion).toBe('34-ffff');
  watch.upsert(object('u1', '9-ffff'));
  expect(cache.get('a', 'x')?.metadata.resourceVersion).toBe('34-ffff');
});

test('an answer to a write that comes after the object is gone, or another has its name, brings nothing back', () => {
  const { cache, watch } = makeCache();
  watch.snapshot([object('u1', '5')]);
  watch.remove(object('u1', '6'));
  cache.observeWrite(object('u1', '5'));
  expect(cache.get('a', 'x')).toBeUndefined();
  watch.upsert(object('u2', '7'));
  cache.observeWrite(object('u1', '5'));
  expect(cache.get('a', 'x')?.metadata.uid).toBe('u2');
  watch.upsert(object('u3', '9'));
  cache.observeWrite(object('u2', '8'));
  expect(cache.get('a', 'x')?.metadata.uid).toBe('u3');
  watch.remove(object('u2', '8'));
  expect(cache.get('a', 'x')?.metadata.uid).toBe('u3');
});

test('a snapshot counts even where it is older: the store may have been restored', () => {
  const { cache, watch } = makeCache();
  watch.snapshot([object('u1', '50')]);
  watch.snapshot([object('u1', '7')]);
  expect(cache.get('a', 'x')?.metadata.resourceVersion).toBe('7');
  watch.snapshot([]);
  expect([...cache.values()]).toEqual([]);
});

test('a write of its own does not bring a key back; a change by others meanwhile does, and others hear of the write', async () => {
  const looks: string[] = [];
  const ownWrites = new OwnWrites();
  const reconciler: Reconciler = {
    kind: 'WorkloadIdentity',
    ownWrites,
    deadlineMs: () => undefined,
    reconcile: async ({ namespace, name }) => {
      looks.push(`${namespace}/${name}`);
      const isFirst = looks.length === 1;
      if (isFirst) controller.enqueue(namespace, name);
      ownWrites.show({ namespace, name }, () => {
        controller.enqueue(namespace, name);
        if (isFirst) for (const [where, other] of [['a', 'rival'], ['b', 'changed']] as const) controller.enqueue(where, other);
      });
      return {};
    },
  };
  const silent = () => undefined;
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const metrics = { issued: silent, reconciled: silent, storeInterrupted: silent, queueDepth: silent };
  const controller = new Controller(reconciler, { clock: new VirtualTime(0).clockOf(() => true), log, metrics, concurrency: 1 });
  controller.enqueue('a', 'changed');
  controller.start();
  await controller.whenIdle();
  expect(looks.sort()).toEqual(['a/changed', 'a/changed', 'a/rival', 'b/changed']);
});

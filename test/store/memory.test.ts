import { describe, expect, test } from 'vitest';
import { isMtlsdError } from '../../src/errors/index.ts';
import { MemoryStore, SimulatedCrash, type DeliveryFault, type FaultPlan, type OperationFault } from '../../src/store/memory/index.ts';
import { Recorder } from '../contract/recorder.ts';

/** Runs deferred tasks in an order that a seed decides. */
class Scheduler {
  readonly #tasks: (() => void)[] = [];
  #state: number;

  constructor(seed: number) {
    this.#state = seed * 2_654_435_761 + 1;
  }

  readonly defer = (task: () => void): void => void this.#tasks.push(task);

  /** A number below `bound`. */
  draw(bound: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * bound);
  }

  /** Runs everything, what comes up meanwhile included. */
  async drain(): Promise<void> {
    for (;;) {
      const [task] = this.#tasks.splice(this.draw(this.#tasks.length), 1);
      task?.();
      // Callers go on in microtasks; a macrotask later all of them have.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      if (task === undefined && this.#tasks.length === 0) return;
    }
  }
}

function memory(scheduler: Scheduler, faults?: FaultPlan): MemoryStore {
  let uids = 0;
  const uid = () => `uid-${(uids += 1)}`;
  return new MemoryStore({ nowMs: () => 1_800_000_000_000, uid, defer: scheduler.defer, ...(faults === undefined ? {} : { faults }) });
}

const draft = (name: string, text: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'shop', name }, data: { text } }) as const;
const key = (name: string) => ({ kind: 'ConfigMap', namespace: 'shop', name }) as const;

const failOnce = (fault: OperationFault): FaultPlan => {
  let left = 1;
  return { operation: ({ verb }) => (verb !== 'get' && left-- > 0 ? fault : undefined), delivery: () => undefined };
};

describe('a watch under faults', () => {
  test.each(Array.from({ length: 60 }, (_, seed) => seed))('seed %i: whatever is lost, late, doubled or reordered, the newest state arrives, and no object goes back', async (seed) => {
    const scheduler = new Scheduler(seed);
    const delivery = (): DeliveryFault | undefined => (['duplicate', 'lose', 'interrupt', undefined, undefined, undefined] as const)[scheduler.draw(6)];
    const store = memory(scheduler, { operation: () => undefined, delivery });
    const recorder = new Recorder<'ConfigMap'>();
    using _watch = recorder.watch(store, 'ConfigMap', {});
    for (let round = 0; round < 30; round += 1) {
      const name = `map-${scheduler.draw(4)}`;
      if (scheduler.draw(4) === 0 && store.peek(key(name)) !== undefined) store.remove(key(name));
      else store.apply(draft(name, String(round)));
      if (scheduler.draw(5) === 0) await scheduler.drain();
    }
    await scheduler.drain();
    expect(recorder.current().toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name))).toEqual(store.all('ConfigMap').toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name)));
    const last = new Map<string, number>();
    for (const { metadata } of recorder.seen) {
      expect(Number(metadata.resourceVersion)).toBeGreaterThanOrEqual(last.get(metadata.name) ?? 0);
      last.set(metadata.name, Number(metadata.resourceVersion));
    }
    expect(recorder.faults).toEqual([]);
  });

  test('the same seed does the same', async () => {
    const run = async (): Promise<readonly string[]> => {
      const scheduler = new Scheduler(7);
      const store = memory(scheduler, { operation: () => undefined, delivery: () => (scheduler.draw(3) === 0 ? 'lose' : undefined) });
      const recorder = new Recorder<'ConfigMap'>();
      using _watch = recorder.watch(store, 'ConfigMap', {});
      for (let round = 0; round < 20; round += 1) store.apply(draft(`map-${round % 3}`, String(round)));
      await scheduler.drain();
      return recorder.seen.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`);
    };
    expect(await run()).toEqual(await run());
  });

  test('an interruption is told, and its end', async () => {
    const scheduler = new Scheduler(1);
    let faults = 1;
    const store = memory(scheduler, { operation: () => undefined, delivery: () => (faults-- > 0 ? 'interrupt' : undefined) });
    const told: (string | undefined)[] = [];
    const abort = new AbortController();
    store.watch('ConfigMap', {}, { snapshot: () => told.push('snapshot'), upsert: () => told.push('upsert'), remove: () => undefined, interrupted: (error) => told.push(error?.message) }, abort.signal);
    await scheduler.drain();
    store.apply(draft('a', '1'));
    await scheduler.drain();
    expect(told).toEqual(['snapshot', 'The watch of ConfigMap was interrupted.', undefined, 'snapshot']);
    abort.abort();
  });
});

describe('an operation under faults', () => {
  test.each([true, false])('a crash: the call throws, and took effect or not (%s)', async (applied) => {
    const scheduler = new Scheduler(1);
    const store = memory(scheduler, failOnce({ kind: 'crash', applied }));
    const call = store.write(draft('a', '1'), 'absent').catch((error: unknown) => error);
    await scheduler.drain();
    expect(await call).toBeInstanceOf(SimulatedCrash);
    expect(store.peek(key('a')) !== undefined).toBe(applied);
    expect(store.counts().created).toBe(applied ? 1 : 0);
  });

  test.each([true, false])('an answer that is lost looks like a store that is away (applied: %s)', async (applied) => {
    const scheduler = new Scheduler(1);
    const store = memory(scheduler, failOnce({ kind: 'unavailable', applied, retryAfterMs: 500 }));
    const call = store.write(draft('a', '1'), 'absent').catch((error: unknown) => error);
    await scheduler.drain();
    const error = await call;
    expect(isMtlsdError(error, 'STORE_UNAVAILABLE') && error.retryAfterMs).toBe(500);
    expect(store.peek(key('a')) !== undefined).toBe(applied);
  });

  test('a conflict applies nothing; a plan can be taken back', async () => {
    const scheduler = new Scheduler(1);
    const store = memory(scheduler);
    const { metadata } = store.apply(draft('a', '1'));
    store.injectFaults({ operation: () => ({ kind: 'conflict' }), delivery: () => undefined });
    const call = store.write(draft('a', '2'), metadata).catch((error: unknown) => error);
    await scheduler.drain();
    expect(isMtlsdError(await call, 'STORE_CONFLICT')).toBe(true);
    store.injectFaults({ operation: () => undefined, delivery: () => undefined });
    const again = store.write(draft('a', '2'), metadata);
    await scheduler.drain();
    expect((await again).data).toEqual({ text: '2' });
  });

  test('a finalizer holds a deletion up until it is taken off', async () => {
    const scheduler = new Scheduler(1);
    const store = memory(scheduler);
    store.apply({ ...draft('a', '1'), metadata: { namespace: 'shop', name: 'a', finalizers: ['mtlsd.io/hold'] } });
    store.remove(key('a'));
    expect(store.peek(key('a'))?.metadata.deletionTimestamp).toBe('2027-01-15T08:00:00Z');
    store.apply(draft('a', '1'));
    expect(store.peek(key('a'))).toBeUndefined();
  });
});

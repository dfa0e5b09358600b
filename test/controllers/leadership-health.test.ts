/** Liveness: what is in flight for too long shows, in the answer to the probe. */
import { expect, test } from 'vitest';
import { Controller } from '../../src/controllers/runtime/controller.ts';
import { healthServer } from '../../src/server/index.ts';
import { VirtualTime } from '../model/clock.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const unmeasured = { issued: () => undefined, reconciled: () => undefined, storeInterrupted: () => undefined, queueDepth: () => undefined };
const wedgedAfterMs = 180_000;

test('a reconciliation that never ends is told by /livez, and others beside it do not hide it; once it ends all is well', async () => {
  const time = new VirtualTime(0);
  const stuck = Promise.withResolvers<void>();
  const reconciler = { kind: 'Test', deadlineMs: () => undefined, reconcile: async ({ name }: { readonly name: string }) => (name === 'stuck' ? stuck.promise.then(() => ({})) : {}) };
  const controller = new Controller(reconciler, { clock: time.clockOf(() => true), log: quiet, metrics: unmeasured, concurrency: 2 });
  await using server = healthServer({
    wedged: () => (controller.longestInFlightMs > wedgedAfterMs ? `in flight for ${controller.longestInFlightMs / 1000}s` : undefined),
    notReady: () => undefined,
    metrics: async () => ({ contentType: 'text/plain', text: 'mtlsd_leader 1\n' }),
  });
  const live = async (): Promise<number> => (await server.inject('/livez')).statusCode;
  controller.start();
  controller.enqueue('shop', 'stuck');
  expect(await live()).toBe(200);
  for (let n = 0; n < 20; n += 1) {
    time.advanceTo(time.trueMs + 10_000);
    controller.enqueue('shop', `other-${n}`);
    await Promise.resolve();
  }
  const answer = await server.inject('/livez');
  expect([answer.statusCode, answer.body]).toEqual([503, 'in flight for 200s\n']);
  expect((await server.inject('/readyz')).statusCode).toBe(200);
  expect((await server.inject('/metrics')).body).toBe('mtlsd_leader 1\n');
  stuck.resolve();
  await controller.whenIdle();
  expect(await live()).toBe(200);
  await controller.stop();
});

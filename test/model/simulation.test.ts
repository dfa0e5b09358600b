import { beforeAll, expect, test } from 'vitest';
import { orderWebCrypto } from './crypto-order.ts';
import { fillKeyPools } from './key-pool.ts';
import { runSeed } from './run.ts';

const replayed = process.env['SIM_SEED'];
const seeds = Number(process.env['SIM_SEEDS'] ?? 2000);
const firstSeed = Number(process.env['SIM_FROM'] ?? 1);

beforeAll(async () => {
  orderWebCrypto();
  await fillKeyPools();
});

test.skipIf(replayed === undefined)('one seed, with its trace', async () => {
  const world = await runSeed(Number(replayed));
  process.stdout.write(`${world.trace.join('\n')}\n`);
  expect(world.checks.serials.size).toBeGreaterThanOrEqual(0);
});

test.skipIf(replayed !== undefined)(`${seeds} seeds of crashes, conflicts, lost deliveries, wrong clocks and users hold every promise`, async () => {
  let issued = 0;
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) issued += (await runSeed(seed)).checks.serials.size;
  expect(issued).toBeGreaterThan(seeds);
});

import { beforeAll, expect, test, vi } from 'vitest';
import { orderWebCrypto } from './crypto-order.ts';
import { fillKeyPools } from './key-pool.ts';
import { runSeed } from './run.ts';

/** The judge of templates has tests of its own and takes most of a start's time: here it judges one template in fifty. */
const judged = vi.hoisted(() => ({ count: 0 }));
vi.mock(import('../../src/x509/judge-template.ts'), async (original) => {
  const { judgeTemplate } = await original();
  return { judgeTemplate: async (...parameters: Parameters<typeof judgeTemplate>) => ((judged.count += 1) % 50 === 1 ? judgeTemplate(...parameters) : undefined) };
});

/** Opening a key proves that its halves fit: a pure function of the text, so that one proof for each text will do here. */
vi.mock(import('../../src/x509/key-pair.ts'), async (original) => {
  const { keyPairFromPem, ...others } = await original();
  const opened = new Map<string, ReturnType<typeof keyPairFromPem>>();
  return {
    ...others,
    keyPairFromPem: (pem: string) => {
      const pair = opened.get(pem) ?? keyPairFromPem(pem);
      opened.set(pem, pair);
      return pair;
    },
  };
});

const replayed = process.env['SIM_SEED'];
const firstSeed = Number(process.env['SIM_FROM'] ?? 1);
const seeds = Number(process.env['SIM_SEEDS'] ?? 2000);
const slices = 10;

beforeAll(async () => {
  orderWebCrypto();
  await fillKeyPools();
});

if (replayed !== undefined) {
  test(`seed ${replayed}, with its trace`, async () => {
    const world = await runSeed(Number(replayed));
    process.stdout.write(`${world.trace.join('\n')}\n`);
    expect(world.trace.length).toBeGreaterThan(0);
  });
} else {
  test.each(Array.from({ length: slices }, (_, slice) => slice))(`seeds of crashes, conflicts, lost deliveries, wrong clocks and users hold every promise: slice %i of ${slices}`, async (slice) => {
    let issued = 0;
    for (let seed = firstSeed + slice; seed < firstSeed + seeds; seed += slices) issued += (await runSeed(seed)).checks.serials.size;
    // Runs in which nothing is issued would prove nothing; few seeds may happen to be such.
    expect(issued).toBeGreaterThanOrEqual(seeds >= 500 ? seeds / slices : 0);
  });
}

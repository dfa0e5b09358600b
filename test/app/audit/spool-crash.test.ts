import { expect, test } from 'vitest';
import { killedRecorders } from './killed-recorder.ts';

test('killed by SIGKILL at random moments, with a collector that comes and goes: everything arrives, and nothing is missing in any chain', { timeout: 120_000 }, async () => {
  const { missing, recorded, verdict, answers } = await killedRecorders(3, 'in CI');
  console.log(`${recorded} decisions of ${verdict.chains.length} processes; ${verdict.repeated} came twice; the collector: ${JSON.stringify(answers)}`);
  expect(missing).toEqual([]);
  expect(verdict.findings).toEqual([]);
  expect(recorded).toBeGreaterThan(3);
  expect(verdict.chains.at(-1)).toMatchObject({ ended: true, unsigned: 0, unanchored: 0 });
});

/** What waits for the audit log's sink, through many kills: `AUDIT_KILLS` of them, by `AUDIT_SEED`. */
import { expect, test } from 'vitest';
import { killedRecorders } from '../app/audit/killed-recorder.ts';

test('hundreds of kills at random moments, with a collector that comes and goes: everything arrives, and nothing is missing in any chain', async () => {
  const kills = Number(process.env['AUDIT_KILLS'] ?? 200);
  const seed = process.env['AUDIT_SEED'] ?? String(Date.now());
  const { missing, recorded, verdict, answers } = await killedRecorders(kills, seed);
  const lines = verdict.chains.reduce((sum, chain) => sum + chain.lines, 0);
  console.log(`seed ${seed}: ${recorded} decisions in ${lines} lines of ${verdict.chains.length} processes; ${verdict.repeated} lines came twice; the collector: ${JSON.stringify(answers)}`);
  expect(missing).toEqual([]);
  expect(verdict.findings).toEqual([]);
  expect(verdict.chains.at(-1)).toMatchObject({ ended: true, unsigned: 0, unanchored: 0 });
});

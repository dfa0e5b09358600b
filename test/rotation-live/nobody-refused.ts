import { expect } from 'vitest';
import { rotateUnderLoad, type Load } from './rotate-under-load.ts';
import type { Stage } from './stage.ts';

/** Rotates under load, and holds that nobody who kept the bounds refused anybody. @param workloads in all */
export async function expectNobodyRefused(stage: Stage, workloads: number, load: Load): Promise<void> {
  const { forth, back, phases } = await rotateUnderLoad(stage, Math.ceil(workloads / 2), load);
  console.log(`${stage.daemon.times} times killed: ${stage.daemon.kills.join('; ')}`);
  for (const { counts } of [forth, back]) {
    const { failed, failedLate, late, ...rest } = counts;
    console.log(JSON.stringify({ ...rest, failed: failed.length, failedLate: failedLate.length, late: late.length }));
    expect(failed.slice(0, 20)).toEqual([]);
    expect(counts.crossed).toBeGreaterThan(0);
    // The machine may be too slow for a few; were it for many, nothing would be shown.
    expect(late.length).toBeLessThan(workloads / 10);
  }
  expect([forth.ends, back.ends]).toEqual([['Aborted', 'Complete'], ['Aborted']]);
  expect([forth.after.length, back.after]).toEqual([1, back.before]);
  expect(forth.after).not.toEqual(forth.before);
  expect([...phases]).toEqual(expect.arrayContaining(['Distribute', 'Confirm', 'Canary', 'Switch', 'Reissue', 'Drain', 'Retire']));
}

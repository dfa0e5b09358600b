import { expect, test } from 'vitest';
import { requirementsMet } from '../conformance/requirements.ts';
import { rotateUnderLoad } from './rotate-under-load.ts';

const ready = await requirementsMet('1,000 workloads shake hands during rotations', ['go', 'openssl'], process.env);
const workloads = Number(process.env['ROTATION_WORKLOADS'] ?? 1_000);

test.skipIf(!ready)(
  '1,000 workloads, each as late as it may be, shake hands without one failure while roots are rotated, given up before and after the switch, and rotated again, with the daemon killed at every gate and at every change of its record',
  { timeout: 900_000 },
  async () => {
    const { forth, back, phases, kills } = await rotateUnderLoad(Math.ceil(workloads / 2));
    console.log(`${kills.length} times killed: ${kills.join('; ')}`);
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
  },
);

/** Requests that go on together: in step, in the order in which they came, and not too many at once. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Together } from '../../src/server/together.ts';

test('those that come in one turn of the event loop go on step by step', async () => {
  const together = new Together();
  const steps: string[] = [];
  const request = async (name: string): Promise<void> => {
    await together.next();
    steps.push(`${name} checks`);
    await Promise.resolve();
    steps.push(`${name} signs`);
  };
  await Promise.all(['a', 'b', 'c'].map(request));
  expect(steps).toEqual(['a checks', 'b checks', 'c checks', 'a signs', 'b signs', 'c signs']);
});

test('of a herd, 32 go on at a time, and everybody comes to it', async () => {
  const together = new Together();
  let gone = 0;
  const all = Promise.all(Array.from({ length: 80 }, async () => together.next().then(() => (gone += 1))));
  const seen: number[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    await nextTurn();
    seen.push(gone);
  }
  await all;
  expect(seen).toEqual([32, 64, 80]);
});

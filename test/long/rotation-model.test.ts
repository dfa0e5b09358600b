/** The larger of the small worlds in which a rotation is searched through in every order of events. */
import { expect, test } from 'vitest';
import { Records } from '../model-rotation/records.ts';
import { searchAndTell } from '../model-rotation/told-search.ts';
import { large } from '../model-rotation/worlds.ts';
import { World } from '../model-rotation/world.ts';

const records = await Records.make();

test.each(large)('%s', (title, kind) => {
  const { problem, done } = searchAndTell(title, new World(records, kind));
  expect(problem).toBeUndefined();
  expect(done).toBeGreaterThan(0);
});

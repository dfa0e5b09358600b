import { expect, test } from 'vitest';
import { type Condition, setCondition } from '../../src/resources/index.ts';

const noon = Date.UTC(2026, 0, 1, 12, 0, 0, 123);
const later = noon + 5000;
const issued = { type: 'Issued', status: 'True', reason: 'Issued', message: '', observedGeneration: 1 } as const;
const ready = { type: 'Ready', status: 'False', reason: 'Waiting', message: 'no trust domain', observedGeneration: 1 } as const;
const before: readonly Condition[] = setCondition(setCondition(undefined, issued, noon), ready, noon);

test('a new condition is appended, with whole seconds as the API server keeps them', () => {
  expect(before.map(({ type, lastTransitionTime }) => [type, lastTransitionTime])).toEqual([
    ['Issued', '2026-01-01T12:00:00Z'],
    ['Ready', '2026-01-01T12:00:00Z'],
  ]);
});

test('a change of status moves the time and keeps the place', () => {
  const after = setCondition(before, { ...issued, status: 'False', reason: 'Failed' }, later);
  expect(after[0]).toEqual({ ...issued, status: 'False', reason: 'Failed', lastTransitionTime: '2026-01-01T12:00:05Z' });
  expect(after[1]).toBe(before[1]);
});

test.each([{ reason: 'Other' }, { message: 'other' }, { observedGeneration: 2 }])('a change of %j keeps the time', (change) => {
  expect(setCondition(before, { ...ready, ...change }, later)[1]).toEqual({ ...before[1], ...change });
});

test('nothing new is the very same array', () => {
  expect(setCondition(before, ready, later)).toBe(before);
});

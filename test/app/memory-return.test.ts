import { expect, test } from 'vitest';
import { MemoryReturn } from '../../src/app/memory-return.ts';

function world() {
  const state = { nowMs: 0, resident: 200, rest: true, collections: 0 };
  const collect = (): void => {
    state.collections += 1;
    state.resident = 100;
  };
  const returns = new MemoryReturn({ collect, residentBytes: () => state.resident, nowMs: () => state.nowMs }, () => state.rest);
  const looks = (count: number): number => {
    for (let n = 0; n < count; n += 1) {
      state.nowMs += 4_000;
      returns.look();
    }
    return state.collections;
  };
  return { state, looks };
}

test('memory is given back once all has been at rest for two looks, and not again while nothing has grown', () => {
  const { state, looks } = world();
  state.rest = false;
  expect(looks(10)).toBe(0);
  state.rest = true;
  expect(looks(1)).toBe(0);
  expect(looks(1)).toBe(1);
  expect(looks(1_000)).toBe(1);
});

test('after a herd it is given back again, but never twice within ten minutes', () => {
  const { state, looks } = world();
  looks(2);
  state.resident = 200;
  expect(looks(140)).toBe(1);
  expect(looks(20)).toBe(2);
});

test('whoever works at one of two looks is not at rest', () => {
  const { state, looks } = world();
  for (let n = 0; n < 100; n += 1) {
    state.rest = n % 2 === 0;
    expect(looks(1)).toBe(0);
  }
});

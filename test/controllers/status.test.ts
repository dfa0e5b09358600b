import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sameStatus } from '../../src/controllers/status.ts';

const json = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, fc.constantFrom(null, true, 0, 1, '', 'x'), fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3 })),
})).value;
const text = (value: unknown): string => JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner));

test('two statuses are the same when their JSON is, in whatever order', () => {
  fc.assert(fc.property(json, json, (a, b) => sameStatus(a, b) === (text(a) === text(b))));
  fc.assert(fc.property(json, (a) => sameStatus(a, JSON.parse(JSON.stringify(a)))));
});

test('what is undefined is left out; a list is no object', () => {
  expect(sameStatus({ a: 1, b: undefined }, { a: 1 })).toBe(true);
  expect(sameStatus({ a: 1 }, { a: 1, b: undefined })).toBe(true);
  expect(sameStatus({ a: 1 }, { a: 1, b: null })).toBe(false);
  expect(sameStatus(undefined, {})).toBe(false);
  expect(sameStatus([], {})).toBe(false);
});

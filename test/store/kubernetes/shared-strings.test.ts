import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SharedStrings } from '../../../src/store/kubernetes/shared-strings.ts';

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

test('changes nothing that can be told, and freezes to the leaves', () => {
  const strings = new SharedStrings();
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const frozen = strings.freeze(copy(value));
      expect(frozen).toEqual(copy(value));
      if (typeof frozen === 'object' && frozen !== null) expect([frozen, ...Object.values(frozen).filter((inner) => typeof inner === 'object' && inner !== null)].every(Object.isFrozen)).toBe(true);
    }),
  );
});

test('lists and objects in them come through with what is long and what is many', () => {
  const strings = new SharedStrings();
  for (let round = 0; round < 3; round += 1) {
    const value = { list: Array.from({ length: 5_000 }, (_, n) => ({ unique: `value number ${n}`, same: 'the same in all of them', long: 'x'.repeat(500), short: 'True' })) };
    expect(strings.freeze(copy(value))).toEqual(value);
  }
});

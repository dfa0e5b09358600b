import { expect, test } from 'vitest';
import { isOlder } from '../../../src/store/kubernetes/resource-version.ts';

test.each([
  ['9', '10', true],
  ['10', '9', false],
  ['10', '10', false],
  ['18446744073709551615', '18446744073709551616', true],
  ['0', '5', false],
  ['abc', '5', false],
  ['5', '', false],
])('%s is older than %s: %s', (a, b, older) => {
  expect(isOlder(a, b)).toBe(older);
});

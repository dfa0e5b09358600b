import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isMtlsdError } from '../../src/errors/index.ts';
import { formatDuration, parseDuration } from '../../src/resources/index.ts';

const durationMsMax = 9_223_372_036_854;
const unitMs = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const part = fc.record({ amount: fc.integer({ min: 0, max: 99_999 }), unit: fc.constantFrom('h', 'm', 's', 'ms') });

describe('parseDuration', () => {
  test.each([
    ['0', 0], ['0s', 0], ['90s', 90_000], ['1h', 3_600_000], ['1h30m', 5_400_000], ['1.5h', 5_400_000], ['1.1h', 3_960_000],
    ['500ms', 500], ['0.001s', 1], ['30m1h', 5_400_000], ['2562047h47m16.854s', durationMsMax],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', ' ', '1', 'h', '1d', '-1h', '+1h', '1 h', '1H', '1h ', '.5h', '1.h', '1e3s', '0.0001s', '1us', '2562047h48m', '9'.repeat(40)])(
    'refuses %j with the way to write it',
    (text) => {
      expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'DURATION_INVALID' }) as Error);
    },
  );

  test('adds up its parts, in any order', () => {
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const text = parts.map(({ amount, unit }) => `${amount}${unit}`).join('');
        const sum = parts.reduce((ms, { amount, unit }) => ms + amount * unitMs[unit], 0);
        expect(parseDuration(text)).toBe(sum);
      }),
    );
  });

  test('gives whole milliseconds or DURATION_INVALID for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.hms]{0,12}$/u)), (text) => {
        try {
          expect(Number.isSafeInteger(parseDuration(text))).toBe(true);
        } catch (error) {
          expect(isMtlsdError(error, 'DURATION_INVALID')).toBe(true);
        }
      }),
    );
  });
});

describe('formatDuration', () => {
  test.each([
    [0, '0s'], [1, '1ms'], [999, '999ms'], [1000, '1s'], [1500, '1.5s'], [90_000, '1m30s'], [5_400_000, '1h30m'],
    [3_600_000, '1h'], [3_601_000, '1h1s'], [1_209_600_000, '336h'], [-90_000, '-1m30s'],
  ])('%i ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('is what parseDuration reads back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: durationMsMax }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { SerialNumbers, serialNumberText } from '../../src/x509/index.ts';

describe('SerialNumbers', () => {
  test('10,000 are all different, 16 octets long, and share no memory', () => {
    const source = new SerialNumbers(randomBytes);
    const made = Array.from({ length: 10_000 }, () => source.next());
    expect(made.every((serialNumber) => serialNumber.length === 16 && serialNumber.buffer.byteLength === 16)).toBe(true);
    expect(new Set(made.map(serialNumberText)).size).toBe(10_000);
  });

  test('every octet drawn is used, in order', () => {
    let draws = 0;
    const source = new SerialNumbers((length) => {
      draws += 1;
      return Uint8Array.from({ length }, (_, index) => (index % 251) + 1);
    });
    const first = Array.from({ length: 256 }, () => source.next());
    expect(draws).toBe(1);
    expect(Buffer.concat(first)).toEqual(Buffer.from(Uint8Array.from({ length: 4096 }, (_, index) => (index % 251) + 1)));
    source.next();
    expect(draws).toBe(2);
  });

  test('zero is left out', () => {
    const source = new SerialNumbers((length) => new Uint8Array(length).fill(7, length - 16));
    expect(source.next()).toEqual(new Uint8Array(16).fill(7));
  });

  test('a broken source crashes instead of running for ever', () => {
    expect(() => new SerialNumbers((length) => new Uint8Array(length)).next()).toThrow('source of randomness');
    expect(() => new SerialNumbers(() => new Uint8Array(0)).next()).toThrow('source of randomness');
  });
});

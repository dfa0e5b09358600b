import { describe, expect, test } from 'vitest';
import { LineSplitter, LineTooLongError } from '../../../src/store/kubernetes/line-splitter.ts';

const text = '{"a":1}\n{"é":"€"}\n\n{"long":"0123456789"}\nrest';
const bytes = Buffer.from(text, 'utf8');
const lines = ['{"a":1}', '{"é":"€"}', '{"long":"0123456789"}'];

function split(chunks: readonly Buffer[], lineBytesMax = 1000): { readonly lines: string[]; readonly pendingBytes: number } {
  const splitter = new LineSplitter(lineBytesMax);
  const found = chunks.flatMap((chunk) => [...splitter.push(chunk)].map((line) => line.toString('utf8')));
  return { lines: found, pendingBytes: splitter.pendingBytes };
}

describe('LineSplitter', () => {
  test('gives the same lines wherever one chunk ends', () => {
    for (let at = 0; at <= bytes.length; at++) {
      expect(split([bytes.subarray(0, at), bytes.subarray(at)])).toEqual({ lines, pendingBytes: 4 });
    }
  });

  test('gives the same lines wherever two chunks end', () => {
    for (let one = 0; one <= bytes.length; one++) {
      for (let two = one; two <= bytes.length; two++) {
        expect(split([bytes.subarray(0, one), bytes.subarray(one, two), bytes.subarray(two)]).lines).toEqual(lines);
      }
    }
  });

  test('gives the same lines byte by byte', () => {
    expect(split([...bytes].map((byte) => Buffer.of(byte)))).toEqual({ lines, pendingBytes: 4 });
  });

  test('takes a line as long as the bound, and refuses a longer one as soon as it is', () => {
    const line = Buffer.from(`${'x'.repeat(10)}\n`);
    expect(split([line], 10).lines).toEqual(['x'.repeat(10)]);
    expect(() => split([line], 9)).toThrow(LineTooLongError);
    expect(() => split([Buffer.from('xxxxx'), Buffer.from('xxxxx')], 9)).toThrow(LineTooLongError);
  });

  test('gives a line that lies in one chunk as a view of it', () => {
    const [line] = [...new LineSplitter(100).push(Buffer.from('abc\ndef\n'))];
    const chunk = Buffer.from('abc\n');
    const [view] = [...new LineSplitter(100).push(chunk)];
    expect(line?.toString()).toBe('abc');
    expect(view?.buffer).toBe(chunk.buffer);
  });
});

import { DerError, type DerReader, tag } from '../der-reader.ts';
import { encodeUnsignedInteger } from '../der-writer.ts';

/** A small non-negative number as INTEGER. */
export function encodeCount(value: number): Uint8Array {
  return encodeUnsignedInteger(Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value));
}

/** The next element as an INTEGER from 1 to `max`. Throws DerError. */
export function readCount(reader: DerReader, max: number): number {
  const content = reader.content(reader.element(tag.integer));
  const value = content.length > 5 ? -1 : content.reduce((sum, octet) => sum * 256 + octet, 0);
  if ((content[0] ?? 0) >= 0x80 || value < 1 || value > max) throw new DerError(`a count is not from 1 to ${max}`);
  return value;
}

import { DerError, type DerReader, tag } from '../der-reader.ts';

/** The next element as an INTEGER from 1 to `max`. Throws DerError. */
export function readCount(reader: DerReader, max: number): number {
  const content = reader.content(reader.element(tag.integer));
  const value = content.length > 5 ? -1 : content.reduce((sum, octet) => sum * 256 + octet, 0);
  if ((content[0] ?? 0) >= 0x80 || value < 1 || value > max) throw new DerError(`a count is not from 1 to ${max}`);
  return value;
}

import { tag } from './der-reader.ts';

/** Octets that the header of an element with this much content takes (X.690 §10.1). */
export function headerLength(contentLength: number): number {
  if (contentLength < 0x80) return 2;
  if (contentLength < 0x100) return 3;
  return contentLength < 0x1_00_00 ? 4 : 5;
}

/** Writes a header at `at` and returns where its content begins. */
export function writeHeader(into: Uint8Array, at: number, tagOctet: number, contentLength: number): number {
  into[at] = tagOctet;
  if (contentLength < 0x80) {
    into[at + 1] = contentLength;
    return at + 2;
  }
  const octets = headerLength(contentLength) - 2;
  into[at + 1] = 0x80 | octets;
  for (let index = 0; index < octets; index += 1) into[at + 2 + index] = contentLength >>> ((octets - 1 - index) * 8);
  return at + 2 + octets;
}

/** Writes text that is known to be ASCII and returns where it ends. Anything else is a defect and crashes. */
export function writeAscii(into: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code > 0x7e) throw new RangeError('text for a certificate is not printable ASCII');
    into[at + index] = code;
  }
  return at + text.length;
}

/** One element with the given content, concatenated. */
export function encodeElement(tagOctet: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const encoded = new Uint8Array(headerLength(length) + length);
  let at = writeHeader(encoded, 0, tagOctet, length);
  for (const part of parts) {
    encoded.set(part, at);
    at += part.length;
  }
  return encoded;
}

/** A SEQUENCE of what is already encoded. */
export function encodeSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return encodeElement(tag.sequence, ...parts);
}

/** OBJECT IDENTIFIER from dotted decimals; for constants of this program. */
export function encodeOid(dotted: string): Uint8Array {
  const [root = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets: number[] = [];
  for (const arc of [root * 40 + second, ...rest]) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left & 0x7f) | 0x80);
    octets.push(...groups);
  }
  return encodeElement(tag.oid, Uint8Array.from(octets));
}

/** A non-negative INTEGER from its magnitude, the most significant octet first; any number of leading zeros. */
export function encodeUnsignedInteger(magnitude: Uint8Array): Uint8Array {
  let from = 0;
  while (from < magnitude.length - 1 && magnitude[from] === 0) from += 1;
  const significant = magnitude.length === 0 ? new Uint8Array(1) : magnitude.subarray(from);
  // X.690 §8.3: the first bit is the sign.
  const negative = (significant[0] ?? 0) >= 0x80;
  return negative ? encodeElement(tag.integer, new Uint8Array(1), significant) : encodeElement(tag.integer, significant);
}

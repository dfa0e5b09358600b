import { DerError, type DerReader, tag } from './der-reader.ts';

const textDecoder = new TextDecoder('utf-8', { fatal: true });

/** Lower-case hexadecimal, two digits an octet. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Whether both hold the same octets. Not for secrets. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

const knownOids = new Map<string, string>();
const knownOidsMax = 256;

function decodeOid(content: Uint8Array): string {
  const arcs: string[] = [];
  let arc = 0n;
  for (const octet of content) {
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    if (octet >= 0x80) continue;
    if (arcs.length === 0) {
      const root = arc < 40n ? 0n : arc < 80n ? 1n : 2n;
      arcs.push(String(root), String(arc - root * 40n));
    } else {
      arcs.push(String(arc));
    }
    arc = 0n;
  }
  return arcs.join('.');
}

/** The next element as an OBJECT IDENTIFIER in dotted decimals. The few that certificates use are decoded once. */
export function readOid(reader: DerReader): string {
  const content = reader.content(reader.element(tag.oid));
  if (content.length > 64) throw new DerError('OBJECT IDENTIFIER of more than 64 octets');
  const key = toHex(content);
  const known = knownOids.get(key);
  if (known !== undefined) return known;
  const text = decodeOid(content);
  if (knownOids.size < knownOidsMax) knownOids.set(key, text);
  return text;
}

/** The next element as BOOLEAN when it is one, else `false`: DER never encodes the default (X.690 §11.5). */
export function readDefaultFalse(reader: DerReader): boolean {
  const element = reader.optional(tag.boolean);
  if (element === undefined) return false;
  if (reader.bytes[element.content] === 0) throw new DerError(`default value is encoded at offset ${element.start}`);
  return true;
}

/** The next element as an INTEGER between 0 and 65,535. */
export function readSmallInteger(reader: DerReader): number {
  const content = reader.content(reader.element(tag.integer));
  const [first = 0, second, third] = content;
  if (content.length > 3 || first >= 0x80 || (content.length === 3 && first !== 0)) throw new DerError('INTEGER out of range');
  if (second === undefined) return first;
  return third === undefined ? (first << 8) | second : (second << 8) | third;
}

/** The octets of a BIT STRING that has no unused bits, as keys and signatures are. */
export function readBitStringOctets(reader: DerReader): Uint8Array {
  const element = reader.element(tag.bitString);
  if (reader.bytes[element.content] !== 0) throw new DerError(`BIT STRING is not whole octets at offset ${element.start}`);
  return reader.bytes.subarray(element.content + 1, element.end);
}

/**
 * Content of an IA5String. Control characters are refused: no URI, DNS name or address has one, and this text reaches
 * terminals and logs.
 */
export function ia5Text(content: Uint8Array): string {
  for (const octet of content) {
    if (octet < 0x20 || octet > 0x7e) throw new DerError('IA5String with a control character or an octet beyond ASCII');
  }
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
}

/** Content of a UTF8String. */
export function utf8Text(content: Uint8Array): string {
  try {
    return textDecoder.decode(content);
  } catch {
    throw new DerError('UTF8String is not UTF-8');
  }
}

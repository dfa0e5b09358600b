/** Universal tags, and the context-specific ones are made by `contextTag`. One octet each: high tag numbers are refused. */
export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

const constructedBit = 0x20;
const classMask = 0xc0;

/** The identifier octet of `[number]`, implicit (primitive) or constructed. */
export function contextTag(number: number, constructed: boolean): number {
  return 0x80 | (constructed ? constructedBit : 0) | number;
}

/** The largest input that a reader takes unless told otherwise: a certificate with 1,000 names stays below it. */
const derBytesMax = 64 * 1024;

/** How deep elements may nest. A certificate needs eight levels. */
export const derDepthMax = 16;

/**
 * What is wrong with an encoding, and where. It stays inside this folder: the public parsers turn it into their own
 * error. Its message holds tags, lengths and offsets, never content.
 */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** One element: `bytes[start..end)` is the whole of it, `bytes[content..end)` what it holds. */
export interface DerElement {
  readonly tag: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

const hexOctet = (octet: number): string => `0x${octet.toString(16).padStart(2, '0')}`;

/**
 * Reads the header at `start`, whose element must end by `limit`. X.690 §10.1: the length is definite and takes as few
 * octets as possible.
 */
function elementAt(bytes: Uint8Array, start: number, limit: number): DerElement {
  const identifier = bytes[start];
  const first = bytes[start + 1];
  if (identifier === undefined || first === undefined || start + 2 > limit) throw new DerError(`truncated header at offset ${start}`);
  if ((identifier & 0x1f) === 0x1f) throw new DerError(`tag number above 30 at offset ${start}`);
  if (first < 0x80) {
    const end = start + 2 + first;
    if (end > limit) throw new DerError(`element at offset ${start} is longer than what holds it`);
    return { tag: identifier, start, content: start + 2, end };
  }
  if (first === 0x80) throw new DerError(`indefinite length at offset ${start}`);
  const octets = first & 0x7f;
  // No input has 16 MiB: three octets of length say everything that can be true.
  if (octets > 3) throw new DerError(`length of ${octets} octets at offset ${start}`);
  const content = start + 2 + octets;
  if (content > limit) throw new DerError(`truncated length at offset ${start}`);
  let length = 0;
  for (let at = start + 2; at < content; at += 1) length = (length << 8) | (bytes[at] ?? 0);
  if (length < 0x80 || length < 1 << ((octets - 1) * 8)) throw new DerError(`length is not minimal at offset ${start}`);
  if (content + length > limit) throw new DerError(`element at offset ${start} is longer than what holds it`);
  return { tag: identifier, start, content, end: content + length };
}

function checkInteger(bytes: Uint8Array, element: DerElement): void {
  const first = bytes[element.content];
  if (element.content === element.end || first === undefined) throw new DerError(`empty INTEGER at offset ${element.start}`);
  if (element.end - element.content === 1) return;
  const second = bytes[element.content + 1] ?? 0;
  const padded = (first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80);
  if (padded) throw new DerError(`INTEGER is not minimal at offset ${element.start}`);
}

function checkBitString(bytes: Uint8Array, element: DerElement): void {
  const unused = bytes[element.content];
  if (element.content === element.end || unused === undefined) throw new DerError(`empty BIT STRING at offset ${element.start}`);
  if (unused > 7 || (unused > 0 && element.end - element.content === 1)) {
    throw new DerError(`BIT STRING with ${unused} unused bits at offset ${element.start}`);
  }
  const last = bytes[element.end - 1] ?? 0;
  // X.690 §11.2.1: unused bits are zero.
  if (unused > 0 && (last & ((1 << unused) - 1)) !== 0) throw new DerError(`unused bits are set at offset ${element.start}`);
}

function checkOid(bytes: Uint8Array, element: DerElement): void {
  if (element.content === element.end) throw new DerError(`empty OBJECT IDENTIFIER at offset ${element.start}`);
  let opens = true;
  for (let at = element.content; at < element.end; at += 1) {
    const octet = bytes[at] ?? 0;
    if (opens && octet === 0x80) throw new DerError(`OBJECT IDENTIFIER is not minimal at offset ${element.start}`);
    opens = octet < 0x80;
  }
  if (!opens) throw new DerError(`truncated OBJECT IDENTIFIER at offset ${element.start}`);
}

function checkBoolean(bytes: Uint8Array, element: DerElement): void {
  const value = bytes[element.content];
  if (element.end - element.content !== 1 || (value !== 0x00 && value !== 0xff)) {
    throw new DerError(`BOOLEAN is not 00 or FF at offset ${element.start}`);
  }
}

/** X.690 §10 and §11, for one element of a universal class. */
function checkUniversal(bytes: Uint8Array, element: DerElement): void {
  switch (element.tag) {
    case 0x00:
      throw new DerError(`end-of-contents octets at offset ${element.start}`);
    case tag.boolean:
      return checkBoolean(bytes, element);
    case tag.integer:
      return checkInteger(bytes, element);
    case tag.bitString:
      return checkBitString(bytes, element);
    case tag.null:
      if (element.content !== element.end) throw new DerError(`NULL with content at offset ${element.start}`);
      return;
    case tag.oid:
      return checkOid(bytes, element);
    default: {
      const number = element.tag & 0x1f;
      const mustBeConstructed = number === 0x10 || number === 0x11;
      const isConstructed = (element.tag & constructedBit) !== 0;
      // X.690 §10.2: strings are primitive in DER.
      if (mustBeConstructed !== isConstructed) throw new DerError(`tag ${hexOctet(element.tag)} is not DER at offset ${element.start}`);
    }
  }
}

function walk(bytes: Uint8Array, from: number, limit: number, depth: number): void {
  if (depth > derDepthMax) throw new DerError(`more than ${derDepthMax} levels at offset ${from}`);
  let at = from;
  while (at < limit) {
    const element = elementAt(bytes, at, limit);
    if ((element.tag & classMask) === 0) checkUniversal(bytes, element);
    if ((element.tag & constructedBit) !== 0) walk(bytes, element.content, element.end, depth + 1);
    at = element.end;
  }
}

/**
 * Walks the whole input once and refuses all that is not DER: nothing behind the first element, definite and minimal
 * lengths, minimal INTEGERs, sound BOOLEANs, BIT STRINGs and OBJECT IDENTIFIERs, at most `derDepthMax` levels and
 * `bytesMax` bytes. What it lets through can be read without looking back. Throws DerError.
 */
export function checkDer(bytes: Uint8Array, bytesMax: number = derBytesMax): void {
  if (bytes.length > bytesMax) throw new DerError(`${bytes.length} bytes are more than ${bytesMax}`);
  const element = elementAt(bytes, 0, bytes.length);
  if (element.end !== bytes.length) throw new DerError(`${bytes.length - element.end} trailing bytes`);
  walk(bytes, 0, bytes.length, 0);
}

/**
 * A cursor over the elements of one constructed value. Every method throws DerError when what comes next is not what
 * was asked for; `finish` demands that nothing is left.
 */
export class DerReader {
  readonly bytes: Uint8Array;
  #at: number;
  readonly #limit: number;

  private constructor(bytes: Uint8Array, from: number, limit: number) {
    this.bytes = bytes;
    this.#at = from;
    this.#limit = limit;
  }

  /** Over a whole input that comes from outside: `checkDer` runs first. */
  static overChecked(bytes: Uint8Array, bytesMax?: number): DerReader {
    checkDer(bytes, bytesMax);
    return new DerReader(bytes, 0, bytes.length);
  }

  /** Over a whole element of an input that `checkDer` has passed. */
  static overPassed(element: Uint8Array): DerReader {
    return new DerReader(element, 0, element.length);
  }

  /** Over the content of an element of this input. */
  inside(element: DerElement): DerReader {
    return new DerReader(this.bytes, element.content, element.end);
  }

  get done(): boolean {
    return this.#at >= this.#limit;
  }

  /** The identifier octet of the next element, -1 at the end. */
  peek(): number {
    return this.#at < this.#limit ? (this.bytes[this.#at] ?? -1) : -1;
  }

  /** The next element, whatever it is. */
  any(): DerElement {
    const element = elementAt(this.bytes, this.#at, this.#limit);
    this.#at = element.end;
    return element;
  }

  /** The next element, which must have this tag. */
  element(expected: number): DerElement {
    const found = this.peek();
    if (found !== expected) {
      const what = found === -1 ? 'the end' : hexOctet(found);
      throw new DerError(`tag ${hexOctet(expected)} expected at offset ${this.#at}, found ${what}`);
    }
    return this.any();
  }

  /** The next element when it has this tag. */
  optional(expected: number): DerElement | undefined {
    return this.peek() === expected ? this.any() : undefined;
  }

  /** A reader over the content of the next element, which must have this tag. */
  constructed(expected: number): DerReader {
    return this.inside(this.element(expected));
  }

  /** A copy-free view of a whole element. */
  whole(element: DerElement): Uint8Array {
    return this.bytes.subarray(element.start, element.end);
  }

  /** A copy-free view of what an element holds. */
  content(element: DerElement): Uint8Array {
    return this.bytes.subarray(element.content, element.end);
  }

  /** Demands that nothing is left. */
  finish(): void {
    if (!this.done) throw new DerError(`unexpected element at offset ${this.#at}`);
  }
}

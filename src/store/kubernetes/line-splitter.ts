/** A line that is longer than any object can be: the stream is not what it should be. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';
}

/**
 * Cuts a byte stream into lines, wherever its chunks end. A line inside one chunk is a view of it, not a copy; one that
 * spans chunks is joined once. Holds at most `lineBytesMax` bytes.
 */
export class LineSplitter {
  readonly #lineBytesMax: number;
  #pieces: Buffer[] = [];
  #pendingBytes = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** Bytes of a line that has not ended yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** The lines that `chunk` completes, without their ends; empty ones are left out. @throws LineTooLongError */
  *push(chunk: Buffer): Generator<Buffer, void, undefined> {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      const line = this.#complete(chunk.subarray(start, end));
      start = end + 1;
      if (line.length > 0) yield line;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  #complete(last: Buffer): Buffer {
    this.#checkLength(last.length);
    if (this.#pieces.length === 0) return last;
    const line = Buffer.concat([...this.#pieces, last], this.#pendingBytes + last.length);
    this.#pieces = [];
    this.#pendingBytes = 0;
    return line;
  }

  #keep(piece: Buffer): void {
    this.#checkLength(piece.length);
    this.#pieces.push(piece);
    this.#pendingBytes += piece.length;
  }

  #checkLength(moreBytes: number): void {
    if (this.#pendingBytes + moreBytes <= this.#lineBytesMax) return;
    throw new LineTooLongError(`a line of the watch is longer than ${this.#lineBytesMax} bytes`);
  }
}

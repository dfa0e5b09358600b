import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { hashOf, lineBytesMax, parseLine, type AuditLine, type ChainHead } from '../../audit/index.ts';
import type { AuditSink, DroppedThrough } from './sink.ts';

interface FileSinkOptions {
  /** Length at which a new file begins. */
  readonly bytesMax: number;
  /** How many files there are, the one that is written to included. */
  readonly filesMax: number;
}

/**
 * A file of lines, mode 0600, with those before it in `<path>.1`, `<path>.2` …: what is stored is bounded (L17). A line is in the
 * file when `deliver` returns. A line that a crash or a full disk has cut is taken out again before the next one.
 */
export class FileSink implements AuditSink {
  readonly name: string;
  readonly #path: string;
  readonly #options: FileSinkOptions;
  #file: number | undefined;
  #length = 0;
  #heard: (through: DroppedThrough) => void = () => undefined;

  constructor(path: string, options: FileSinkOptions) {
    this.name = path;
    this.#path = path;
    this.#options = options;
  }

  deliver(lines: readonly string[]): void {
    if (this.#file !== undefined && this.#length >= this.#options.bytesMax) this.#turn(this.#file);
    const file = this.#file ?? this.#open();
    const bytes = Buffer.from(`${lines.join('\n')}\n`, 'utf8');
    const before = this.#length;
    try {
      while (this.#length < before + bytes.length) this.#length += writeSync(file, bytes, this.#length - before);
    } catch (error) {
      ftruncateSync(file, before);
      this.#length = before;
      throw error;
    }
  }

  sync(): void {
    if (this.#file !== undefined) fsyncSync(this.#file);
  }

  lastHead(): ChainHead | undefined {
    for (const path of [this.#path, `${this.#path}.1`]) {
      const line = lastLine(path);
      if (line !== undefined) return { chain: line.chain, sequence: line.sequence, hash: hashOf(line.text) };
    }
    return undefined;
  }

  onDropped(listener: (through: DroppedThrough) => void): void {
    this.#heard = listener;
    if (existsSync(this.#pathOf(this.#options.filesMax - 1))) this.#tellDropped();
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #pathOf(index: number): string {
    return index === 0 ? this.#path : `${this.#path}.${index}`;
  }

  #open(): number {
    const file = openSync(this.#path, 'a+', 0o600);
    this.#file = file;
    this.#length = fstatSync(file).size;
    const tail = tailOf(file, this.#length);
    const cut = tail.subarray(tail.lastIndexOf(0x0a) + 1);
    if (cut.length > 0 && cut.toString('utf8').startsWith('{"audit":true,')) {
      this.#length -= cut.length;
      ftruncateSync(file, this.#length);
    } else if (cut.length > 0) {
      this.#length += writeSync(file, '\n');
    }
    return file;
  }

  #turn(file: number): void {
    const oldest = this.#options.filesMax - 1;
    const drops = existsSync(this.#pathOf(oldest));
    for (let index = oldest; index > 0; index -= 1) {
      if (existsSync(this.#pathOf(index - 1))) renameSync(this.#pathOf(index - 1), this.#pathOf(index));
    }
    closeSync(file);
    this.#file = undefined;
    if (drops) this.#tellDropped();
  }

  /** What is gone ends before the first line of the oldest file. */
  #tellDropped(): void {
    const first = firstLine(this.#pathOf(this.#options.filesMax - 1));
    if (first !== undefined) this.#heard({ chain: first.chain, sequence: first.sequence - 1, time: first.time });
  }
}

function firstLine(path: string): AuditLine | undefined {
  return readAt(path, (file) => {
    const bytes = Buffer.alloc(lineBytesMax);
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0)).toString('utf8').split('\n').at(0);
  });
}

function lastLine(path: string): AuditLine | undefined {
  return readAt(path, (file) => tailOf(file, fstatSync(file).size).toString('utf8').split('\n').at(-2));
}

/** The end of a file: one line at least. */
function tailOf(file: number, length: number): Buffer {
  const bytes = Buffer.alloc(Math.min(length, 2 * lineBytesMax));
  return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, length - bytes.length));
}

/** A line of a file; undefined when there is no such file, or no such line in it. */
function readAt(path: string, read: (file: number) => string | undefined): AuditLine | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const line = parseLine(read(file) ?? '');
    return line === undefined || 'problem' in line ? undefined : line;
  } finally {
    closeSync(file);
  }
}

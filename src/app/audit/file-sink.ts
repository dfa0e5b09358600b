import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
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
 * file when `deliver` returns. A line that a crash or a full disk has cut is taken out again before the next one. A file that somebody
 * removes or renames is noticed at the next line, which begins a new one.
 */
export class FileSink implements AuditSink {
  readonly name: string;
  readonly #path: string;
  readonly #options: FileSinkOptions;
  #file: number | undefined;
  #length = 0;
  #dropped: (through: DroppedThrough) => void = () => undefined;
  #disturbed: (sentence: string) => void = () => undefined;

  constructor(path: string, options: FileSinkOptions) {
    this.name = path;
    this.#path = path;
    this.#options = options;
  }

  deliver(lines: readonly string[]): void {
    if (this.#file !== undefined) this.#look(this.#file);
    if (this.#file !== undefined && this.#length >= this.#options.bytesMax) this.#turn();
    const file = this.#file ?? this.#open();
    const bytes = Buffer.from(`${lines.join('\n')}\n`, 'utf8');
    const before = this.#length;
    try {
      while (this.#length < before + bytes.length) this.#length += writeSync(file, bytes, this.#length - before);
    } catch (error) {
      this.#takeOut(file, before);
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
    this.#dropped = listener;
    if (existsSync(this.#pathOf(this.#options.filesMax - 1))) this.#tellDropped();
  }

  onDisturbed(listener: (sentence: string) => void): void {
    this.#disturbed = listener;
  }

  close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file);
  }

  #pathOf(index: number): string {
    return index === 0 ? this.#path : `${this.#path}.${index}`;
  }

  /** What was begun is taken out again: now, or when the file is opened the next time. */
  #takeOut(file: number, length: number): void {
    try {
      ftruncateSync(file, length);
      this.#length = length;
    } catch {
      this.close();
    }
  }

  /** What others do to the file: one that is not where it was is left to them. */
  #look(file: number): void {
    const [here, there] = [fstatSync(file), statSync(this.#path, { throwIfNoEntry: false })];
    if (there?.ino !== here.ino || there.dev !== here.dev) {
      this.#disturbed(here.nlink === 0 ? 'somebody removed the file of the audit log: the lines in it are gone, and a new file begins' : 'somebody moved the file of the audit log: the lines in it are where it is now, and a new file begins');
      this.close();
    } else if (here.size !== this.#length) {
      this.#disturbed(`somebody else ${here.size < this.#length ? 'cut' : 'wrote to'} the file of the audit log`);
      this.close();
    }
  }

  /** Behind whole lines: what a crash has cut of the last one goes. */
  #open(): number {
    const file = openSync(this.#path, 'a+', 0o600);
    try {
      this.#length = fstatSync(file).size;
      const tail = tailOf(file, this.#length);
      const cut = tail.subarray(tail.lastIndexOf(0x0a) + 1);
      if (cut.length > 0 && isBegun(cut.toString('utf8'))) {
        ftruncateSync(file, this.#length - cut.length);
        this.#length -= cut.length;
      } else if (cut.length > 0) {
        this.#length += writeSync(file, '\n');
      }
    } catch (error) {
      closeSync(file);
      throw error;
    }
    this.#file = file;
    return file;
  }

  /** Files move up to the first gap: a turn that failed half-way goes on where it was. */
  #turn(): void {
    const oldest = this.#options.filesMax - 1;
    let gap = 1;
    while (gap < oldest && existsSync(this.#pathOf(gap))) gap += 1;
    const drops = gap === oldest && existsSync(this.#pathOf(oldest));
    for (let index = gap; index > 0; index -= 1) {
      renameSync(this.#pathOf(index - 1), this.#pathOf(index));
      if (drops && index === oldest) this.#tellDropped();
    }
    this.close();
  }

  /** What is gone ends before the first line of the oldest file. */
  #tellDropped(): void {
    const first = firstLine(this.#pathOf(this.#options.filesMax - 1));
    if (first !== undefined) this.#dropped({ chain: first.chain, sequence: first.sequence - 1, time: first.time });
  }
}

const opening = '{"audit":true,';

/** Whether a text without a line break is a line of the log that was cut, wherever. */
function isBegun(text: string): boolean {
  return text.startsWith(opening) || opening.startsWith(text);
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

import { closeSync, fstatSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import type { AuditLog, AuditRecord } from '../audit/index.ts';
import type { Clock, Log } from '../telemetry/index.ts';

/** A file that is longer makes room: it becomes the earlier one, in the place of the one before. */
const bytesMax = 16 * 1024 * 1024;

interface AuditFileOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Length at which a new file begins. */
  readonly bytesMax?: number;
}

/**
 * An audit log in a file of JSON lines, mode 0600, with the lines before it in `<path>.1`: what is stored is bounded (L17).
 * A line is in the file when `record` returns. A disk that is full costs the lines that did not fit, which the log tells once, and no later ones.
 */
export class AuditFile implements AuditLog, Disposable {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #bytesMax: number;
  #file: number | undefined;
  #length = 0;
  /** Whether the file ends within a line. */
  #cut = false;
  #failed = false;

  constructor(path: string, options: AuditFileOptions) {
    this.#path = path;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#bytesMax = options.bytesMax ?? bytesMax;
  }

  record(record: AuditRecord): void {
    const line = `${JSON.stringify({ time: new Date(this.#clock.nowMs()).toISOString(), ...record })}\n`;
    try {
      this.#append(line);
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.#log.error(`the audit log cannot be written, records are lost: ${error instanceof Error ? error.message : 'unknown error'}`, { path: this.#path });
      this.#failed = true;
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #append(line: string): void {
    if (this.#file !== undefined && this.#length >= this.#bytesMax) this.#turn(this.#file);
    const file = this.#file ?? this.#open();
    const bytes = Buffer.from(this.#cut ? `\n${line}` : line, 'utf8');
    const before = this.#length;
    // A full disk may take a part of a line: the next one begins on a line of its own.
    while (this.#length < before + bytes.length) {
      this.#length += writeSync(file, bytes, this.#length - before);
      this.#cut = this.#length < before + bytes.length;
    }
  }

  #open(): number {
    const file = openSync(this.#path, 'a+', 0o600);
    this.#file = file;
    this.#length = fstatSync(file).size;
    const last = Buffer.alloc(1);
    this.#cut = this.#length > 0 && readSync(file, last, 0, 1, this.#length - 1) === 1 && last.toString() !== '\n';
    return file;
  }

  #turn(file: number): void {
    renameSync(this.#path, `${this.#path}.1`);
    closeSync(file);
    this.#file = undefined;
    this.#cut = false;
  }
}

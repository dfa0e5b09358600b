import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditSink } from './sink.ts';

/** A pipe whose reader is slow has room again after a while. */
const fullPipeMs = 20;
const newline = 0x0a;

/**
 * Lines to a file descriptor, such as standard output. A line is written when `deliver` returns, unless the pipe is full. One that was cut
 * (a disk that is full, behind standard output) is ended before it is written again.
 */
export class DescriptorSink implements AuditSink {
  readonly name = 'standard output';
  readonly #descriptor: number;
  #isCut = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  deliver(lines: readonly string[]): void | Promise<void> {
    const bytes = Buffer.from(`${this.#isCut ? '\n' : ''}${lines.join('\n')}\n`, 'utf8');
    const written = this.#write(bytes, 0);
    if (written < bytes.length) return this.#later(bytes, written);
  }

  /** What a full pipe does not take waits: a line that was begun is ended before any other. */
  async #later(bytes: Buffer, from: number): Promise<void> {
    let written = from;
    while (written < bytes.length) {
      await sleep(fullPipeMs);
      written = this.#write(bytes, written);
    }
  }

  /** @returns how far it came: shorter than the bytes when the pipe is full */
  #write(bytes: Buffer, from: number): number {
    let written = from;
    try {
      while (written < bytes.length) {
        written += writeSync(this.#descriptor, bytes, written);
        this.#isCut = bytes[written - 1] !== newline;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
    return written;
  }
}

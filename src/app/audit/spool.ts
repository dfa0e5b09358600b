import type { Clock, Log } from '../../telemetry/index.ts';
import { SinkRefusal, type AuditSink } from './sink.ts';
import type { SpoolFolder } from './spool-folder.ts';

/** A batch is at most this long: what a collector takes at once, and what is delivered again when it fails. */
const batchMax = { lines: 500, bytes: 256 * 1024 } as const;
const retryMs = { first: 100, last: 30_000 } as const;
/** So many lines are tried behind one that is refused, before the sink counts as down. */
const probesMax = 16;

interface SpoolOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Below 1, so that replicas whose collector is down do not come back to it in step. */
  readonly random: () => number;
  /** Bytes that wait at most, give or take a line. */
  readonly bytesMax: number;
  /** Where what waits outlives the process; undefined: in memory alone. */
  readonly folder?: SpoolFolder | undefined;
  /** Hears how many bytes wait when some stay, and when none do any more. */
  readonly onChange?: (bytes: number) => void;
  /** Hears of a line that is not delivered, as the sink refuses it and takes the next one; and what the sink says. */
  readonly onRefused?: (text: string, why: string) => void;
}

interface Waiting {
  readonly text: string;
  readonly bytes: number;
  readonly delivered: (() => void) | undefined;
}

/**
 * What waits for a sink, bounded. With a sink that is up and quick nothing waits: a line is delivered when `push` returns. One that
 * is down is tried again with back-off, and gets all that waited, in order. With a folder, what waits is there when `push` returns.
 */
export class Spool {
  readonly #sink: AuditSink;
  readonly #options: SpoolOptions;
  #waiting: Waiting[];
  /** How many of those, the oldest, are in the folder. */
  #saved: number;
  #bytes: number;
  #busy = false;
  #closed = false;
  #failures = 0;
  /** How long the next batch may be: shorter after one that was refused. */
  #linesMax: number = batchMax.lines;
  /** How many lines at the head were refused one by one: the next one is tried, alone. */
  #refused = 0;
  #whyRefused = '';
  #cancelRetry: (() => void) | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(sink: AuditSink, options: SpoolOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#waiting = (options.folder?.takeRecovered() ?? []).map((text) => ({ text, bytes: Buffer.byteLength(text) + 1, delivered: undefined }));
    this.#saved = this.#waiting.length;
    this.#bytes = sumOf(this.#waiting);
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nothing more can be taken, with `reserve` bytes kept free. */
  isFull(reserve = 0): boolean {
    return this.#bytes >= this.#options.bytesMax - reserve;
  }

  /** Delivers what an earlier process left behind. */
  resume(): void {
    this.#pump();
    if (this.#bytes > 0) this.#options.onChange?.(this.#bytes);
  }

  /** Takes a line, whether it is full or not: ask before. @param delivered called when the sink has it */
  push(text: string, delivered?: () => void): void {
    const bytes = Buffer.byteLength(text) + 1;
    this.#waiting.push({ text, bytes, delivered });
    this.#bytes += bytes;
    this.#pump();
    if (this.#bytes === 0) return;
    this.#save();
    this.#options.onChange?.(this.#bytes);
  }

  /** Resolves when nothing waits. */
  async drained(): Promise<void> {
    if (this.#waiting.length === 0) return;
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#sink.close?.();
    this.#options.folder?.close();
  }

  /** What the folder could not take before comes with the next line, in order. */
  #save(): void {
    const { folder } = this.#options;
    if (folder?.save(() => this.#waiting.slice(this.#saved).map(({ text }) => text)) === true) this.#saved = this.#waiting.length;
  }

  #pump(): void {
    while (!this.#busy && !this.#closed && this.#cancelRetry === undefined && this.#waiting.length > 0) {
      const batch = this.#next();
      let result: void | Promise<void>;
      try {
        result = this.#sink.deliver(batch.map(({ text }) => text));
      } catch (error) {
        this.#failed(error, batch.length);
        continue;
      }
      if (result === undefined) this.#done(batch.length);
      else void this.#later(result, batch.length);
    }
  }

  async #later(result: Promise<void>, count: number): Promise<void> {
    this.#busy = true;
    try {
      await result;
      this.#busy = false;
      this.#done(count);
    } catch (error) {
      this.#busy = false;
      this.#failed(error, count);
    }
    this.#pump();
  }

  #next(): readonly Waiting[] {
    if (this.#refused > 0) return this.#waiting.slice(this.#refused, this.#refused + 1);
    let [count, bytes] = [0, 0];
    for (const line of this.#waiting) {
      bytes += line.bytes;
      if (count > 0 && (count >= this.#linesMax || bytes > batchMax.bytes)) break;
      count += 1;
    }
    return this.#waiting.slice(0, count);
  }

  /** Behind lines that were refused one by one, `count` were taken: so it is for these lines that they were refused. */
  #done(count: number): void {
    if (this.#failures > 0) this.#options.log.info('the audit log is written again', { sink: this.#sink.name });
    this.#failures = 0;
    this.#linesMax = Math.min(batchMax.lines, this.#linesMax * 2);
    const left = this.#waiting.slice(0, this.#refused + count);
    const refused = this.#refused;
    this.#refused = 0;
    this.#waiting = this.#waiting.slice(left.length);
    this.#bytes -= sumOf(left);
    this.#options.folder?.release(Math.min(this.#saved, left.length));
    this.#saved = Math.max(0, this.#saved - left.length);
    this.#options.onChange?.(this.#bytes);
    for (const { delivered } of left.slice(refused)) delivered?.();
    for (const { text } of left.slice(0, refused)) this.#options.onRefused?.(text, this.#whyRefused);
    if (this.#waiting.length > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  #failed(error: unknown, count: number): void {
    if (error instanceof SinkRefusal && count > 1) {
      this.#linesMax = Math.ceil(count / 2);
      return;
    }
    if (error instanceof SinkRefusal && this.#refused < probesMax && this.#refused + 1 < this.#waiting.length) {
      this.#refused += 1;
      this.#whyRefused = error.message;
      return;
    }
    this.#refused = 0;
    this.#tryLater(error);
  }

  #tryLater(error: unknown): void {
    if (this.#closed) return;
    const { clock, log, random } = this.#options;
    if (this.#failures === 0) log.error('the audit log cannot be written: what happens waits', { sink: this.#sink.name, why: error instanceof Error ? error.message : 'unknown error' });
    this.#failures += 1;
    const waitMs = Math.min(retryMs.last, retryMs.first * 2 ** Math.min(this.#failures, 10)) * (0.5 + random() / 2);
    this.#cancelRetry = clock.schedule(clock.nowMs() + waitMs, () => {
      this.#cancelRetry = undefined;
      this.#pump();
    });
  }
}

function sumOf(lines: readonly Waiting[]): number {
  return lines.reduce((sum, { bytes }) => sum + bytes, 0);
}

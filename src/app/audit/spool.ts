import type { Clock, Log } from '../../telemetry/index.ts';
import type { AuditSink } from './sink.ts';

/** A batch is at most this long: what a collector takes at once, and what is delivered again when it fails. */
const batchLinesMax = 500;
const retryMs = { first: 100, last: 30_000 } as const;

interface SpoolOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Below 1, so that replicas whose collector is down do not come back to it in step. */
  readonly random: () => number;
  /** Bytes that wait at most, give or take a line. */
  readonly bytesMax: number;
  /** Hears how many bytes wait when some stay, and when none do any more. */
  readonly onChange?: (bytes: number) => void;
}

interface Waiting {
  readonly text: string;
  readonly delivered: (() => void) | undefined;
}

/**
 * What waits for a sink, in memory and bounded. With a sink that is up and quick nothing waits: a line is delivered when `push`
 * returns. One that is down is tried again with back-off, and gets all that waited, in order.
 */
export class Spool {
  readonly #sink: AuditSink;
  readonly #options: SpoolOptions;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #busy = false;
  #failures = 0;
  #cancelRetry: (() => void) | undefined;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(sink: AuditSink, options: SpoolOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nothing more can be taken, with `reserve` bytes kept free. */
  isFull(reserve = 0): boolean {
    return this.#bytes >= this.#options.bytesMax - reserve;
  }

  /** Takes a line, whether it is full or not: ask before. @param delivered called when the sink has it */
  push(text: string, delivered?: () => void): void {
    this.#waiting.push({ text, delivered });
    this.#bytes += Buffer.byteLength(text) + 1;
    this.#pump();
    if (this.#bytes > 0) this.#options.onChange?.(this.#bytes);
  }

  /** Resolves when nothing waits. */
  async drained(): Promise<void> {
    if (this.#waiting.length === 0) return;
    this.#idle ??= Promise.withResolvers();
    return this.#idle.promise;
  }

  close(): void {
    this.#cancelRetry?.();
    this.#sink.close?.();
  }

  #pump(): void {
    while (!this.#busy && this.#cancelRetry === undefined && this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, batchLinesMax);
      let result: void | Promise<void>;
      try {
        result = this.#sink.deliver(batch.map(({ text }) => text));
      } catch (error) {
        this.#failed(error);
        return;
      }
      if (result === undefined) this.#done(batch);
      else void this.#later(result, batch);
    }
  }

  async #later(result: Promise<void>, batch: readonly Waiting[]): Promise<void> {
    this.#busy = true;
    try {
      await result;
      this.#busy = false;
      this.#done(batch);
    } catch (error) {
      this.#busy = false;
      this.#failed(error);
    }
    this.#pump();
  }

  #done(batch: readonly Waiting[]): void {
    if (this.#failures > 0) this.#options.log.info('the audit log is written again', { sink: this.#sink.name });
    this.#failures = 0;
    this.#waiting = this.#waiting.slice(batch.length);
    this.#bytes -= batch.reduce((sum, { text }) => sum + Buffer.byteLength(text) + 1, 0);
    this.#options.onChange?.(this.#bytes);
    for (const { delivered } of batch) delivered?.();
    if (this.#waiting.length > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  #failed(error: unknown): void {
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

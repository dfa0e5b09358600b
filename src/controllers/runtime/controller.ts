import { isMtlsdError } from '../../errors/index.ts';
import { retryDelayMs } from '../../rotation/index.ts';
import type { Clock, Log, Metrics } from '../../telemetry/index.ts';
import type { OwnWrites } from './own-writes.ts';
import { WorkQueue, type QueueKey } from './queue.ts';
import type { Turns } from './turns.ts';

/** What one reconciliation asks for: to be called again at a time, or not before something changes. */
export interface Outcome {
  /** Milliseconds since the epoch. */
  readonly nextAtMs?: number | undefined;
}

/**
 * Brings one object from what is to what should be. Level-triggered and idempotent: it may be called at any time, any
 * number of times, after any crash. An error means: back off and try again.
 */
export interface Reconciler {
  readonly kind: string;
  reconcile(key: QueueKey): Promise<Outcome>;
  /** What its keys wait for besides the queue: whoever is called comes back to the queue. */
  readonly turns?: Turns;
  /** Changes that are its own: they do not bring a key back. */
  readonly ownWrites?: OwnWrites;
  /** When it is too late for this key (expiry of what it has), milliseconds since the epoch: orders the queue. */
  deadlineMs(key: QueueKey): number | undefined;
}

/** What a controller is run with. */
export interface ControllerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** How many objects are reconciled at once. */
  readonly concurrency: number;
}

/**
 * Reconciliations that wait for nothing follow each other without a turn of the event loop. After so long the loop gets one:
 * probes are answered and the Lease is renewed while ten thousand objects are looked at.
 */
const sliceMs = 10;

/** Runs a reconciler over its queue: bounded concurrency, per-key back-off bounded by the life that is left. */
export class Controller {
  readonly queue: WorkQueue;
  readonly #reconciler: Reconciler;
  readonly #options: ControllerOptions;
  readonly #failures = new Map<string, number>();
  readonly #startedAtMs = new Map<string, number>();
  readonly #idleWaiters: (() => void)[] = [];
  #running = 0;
  #pumpIsDue = false;
  /** When the turn of the event loop began in which it works; undefined before it does. */
  #turnSinceMs: number | undefined;
  /** Whether that turn ended with work left. */
  #isCutShort = false;
  #stopped = false;

  constructor(reconciler: Reconciler, options: ControllerOptions) {
    this.#reconciler = reconciler;
    this.#options = options;
    this.queue = new WorkQueue(options.clock);
    reconciler.turns?.onTurn((key) => this.queue.add(key, reconciler.deadlineMs(key)));
  }

  /** Starts to work on what is queued. */
  start(): void {
    if (this.#stopped) return;
    this.queue.onReady(() => this.#pumpSoon());
    this.#pump();
  }

  /** Adds an object with its deadline, unless what is told is a write of its own reconciliation. */
  enqueue(namespace = '', name: string): void {
    if (this.#reconciler.ownWrites?.isOf(namespace, name) === true) return;
    const key = { namespace, name };
    this.queue.add(key, this.#reconciler.deadlineMs(key));
  }

  /** For how long the reconciliation that is in flight longest has been, milliseconds. */
  get longestInFlightMs(): number {
    const [oldest] = this.#startedAtMs.values(); // in the order in which they began
    return oldest === undefined ? 0 : this.#options.clock.nowMs() - oldest;
  }

  /** How many keys failed at their last try and wait for the next. */
  get failing(): number {
    return this.#failures.size;
  }

  /** Takes no further work and resolves when what is in flight has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.queue.close();
    this.#reconciler.turns?.close();
    while (this.#running > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Resolves when nothing is ready or in flight. Delayed keys do not count. */
  async whenIdle(): Promise<void> {
    while (this.queue.depth > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** When all is in the queue that comes with what came first: the most urgent of a herd, not the one that was told first. */
  #pumpSoon(): void {
    if (this.#pumpIsDue) return;
    this.#pumpIsDue = true;
    queueMicrotask(() => {
      this.#pumpIsDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (!this.#stopped && this.#running < this.#options.concurrency && this.#hasTime()) {
      const key = this.queue.take();
      if (key === undefined) break;
      this.#running += 1;
      void this.#work(key).finally(() => {
        this.#running -= 1;
        this.#options.metrics.queueDepth(this.#reconciler.kind, this.queue.depth);
        this.#pump();
        if (this.#running === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve();
      });
    }
  }

  /** Whether this turn of the event loop has not lasted too long; if so, work goes on in the next one. */
  #hasTime(): boolean {
    const nowMs = this.#options.clock.nowMs();
    if (this.#turnSinceMs === undefined) {
      this.#turnSinceMs = nowMs;
      setImmediate(() => {
        this.#turnSinceMs = undefined;
        if (!this.#isCutShort) return;
        this.#isCutShort = false;
        this.#pump();
      });
    }
    this.#isCutShort ||= nowMs - this.#turnSinceMs >= sliceMs;
    return !this.#isCutShort;
  }

  async #work(key: QueueKey): Promise<void> {
    const { clock, metrics } = this.#options;
    const id = `${key.namespace}/${key.name}`;
    const startedMs = clock.nowMs();
    this.#startedAtMs.set(id, startedMs);
    try {
      const { nextAtMs } = await this.#reconciler.reconcile(key);
      this.#failures.delete(id);
      metrics.reconciled(this.#reconciler.kind, 'done', clock.nowMs() - startedMs);
      if (nextAtMs !== undefined) this.queue.addAt(key, nextAtMs, this.#reconciler.deadlineMs(key));
    } catch (error) {
      metrics.reconciled(this.#reconciler.kind, 'retry', clock.nowMs() - startedMs);
      this.#retry(key, id, error);
    } finally {
      this.#startedAtMs.delete(id);
      this.queue.done(key);
    }
  }

  #retry(key: QueueKey, id: string, error: unknown): void {
    const { clock, log } = this.#options;
    const failures = (this.#failures.get(id) ?? 0) + 1;
    this.#failures.set(id, failures);
    const deadlineMs = this.#reconciler.deadlineMs(key);
    const remainingMs = deadlineMs === undefined ? undefined : deadlineMs - clock.nowMs();
    const askedMs = isMtlsdError(error) ? (error.retryAfterMs ?? 0) : 0;
    const delayMs = Math.max(askedMs, retryDelayMs(failures, remainingMs));
    this.queue.addAt(key, clock.nowMs() + delayMs, deadlineMs);
    // A lost race is decided anew at once and is nothing to tell anybody about.
    const level = isMtlsdError(error, 'STORE_CONFLICT') ? 'debug' : isMtlsdError(error) ? 'warn' : 'error';
    const detail = error instanceof Error ? (level === 'error' ? (error.stack ?? error.message) : error.message) : 'unknown error';
    log[level](detail, { kind: this.#reconciler.kind, object: id, code: isMtlsdError(error) ? error.code : 'UNKNOWN', failures, retryInMs: delayMs });
  }
}

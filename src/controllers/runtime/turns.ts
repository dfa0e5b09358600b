import type { Clock } from '../../telemetry/index.ts';
import { WorkQueue, type QueueKey } from './queue.ts';
import { TokenBucket } from './token-bucket.ts';

/**
 * A bounded rate that many keys share. Who finds nothing left stands in line: the nearest deadline first, namespaces in
 * turn. Whoever's turn comes is called once, and its place is kept until it comes. Nobody tries again by itself: then the
 * next one would be whoever happens to look at the right moment, and a long line would cost a look at each of its keys for
 * every one that is let through.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  readonly #line: WorkQueue;
  /** Called, and not come yet. */
  readonly #called = new Set<string>();
  #call: (key: QueueKey) => void = () => undefined;
  #cancelTimer: (() => void) | undefined;
  #closed = false;

  /** A second's worth may be used at once. */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#bucket = new TokenBucket(Math.max(1, perSecond), 1000 / perSecond);
    this.#line = new WorkQueue(clock);
  }

  /** Sets what is told when the turn of a key comes that had to wait. */
  onTurn(call: (key: QueueKey) => void): void {
    this.#call = call;
  }

  /** Whether it is the key's turn now. If not, it stands in line and will be called. */
  take(key: QueueKey, deadlineMs: number | undefined): boolean {
    const id = idOf(key);
    if (!this.#called.has(id)) {
      this.#line.add(key, deadlineMs);
      this.#advance(id);
    }
    return this.#called.delete(id);
  }

  /** To be told at the end of each look at a key: a turn that it was called for and did not need goes to the next. */
  leave(key: QueueKey): void {
    if (!this.#called.delete(idOf(key))) return;
    this.#bucket.giveBack();
    this.#advance();
  }

  /** Calls nobody any more. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
  }

  /** @param present who is here already and need not be called */
  #advance(present?: string): void {
    while (this.#line.depth > 0 && this.#bucket.take(this.#clock.nowMs()) === 0) {
      const key = this.#line.take();
      if (key === undefined) break;
      this.#line.done(key);
      const id = idOf(key);
      this.#called.add(id);
      if (id !== present) this.#call(key);
    }
    this.#arm();
  }

  #arm(): void {
    if (this.#closed || this.#cancelTimer !== undefined || this.#line.depth === 0) return;
    const nowMs = this.#clock.nowMs();
    this.#cancelTimer = this.#clock.schedule(nowMs + this.#bucket.waitMs(nowMs), () => {
      this.#cancelTimer = undefined;
      this.#advance();
    });
  }
}

function idOf(key: QueueKey): string {
  return `${key.namespace}/${key.name}`;
}

import type { Clock } from '../../telemetry/index.ts';
import { Heap } from './heap.ts';

/** What is to be reconciled: one object by namespace (empty for cluster scope) and name. */
export interface QueueKey {
  readonly namespace: string;
  readonly name: string;
}

interface Entry {
  readonly id: string;
  readonly key: QueueKey;
  readonly urgency: number;
  readonly order: number;
}

interface Delayed {
  readonly id: string;
  readonly key: QueueKey;
  readonly atMs: number;
  readonly urgency: number;
}

/** A queue looks at the clock at least this often while something is delayed. */
const longestSleepMs = 60_000;
/** A clock that is disciplined may step back by this much without having been wrong. */
const clockToleranceMs = 1_000;

/**
 * A work queue. A key waits at most once and is never worked on twice at the same time; adding it while it is being worked
 * on has it come back afterwards. Namespaces take turns, so that a flood in one delays no other; within a namespace the
 * most urgent (nearest expiry) comes first. Delayed keys share one heap and one timer: of two times the earlier counts.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #ready = new Map<string, Heap<Entry>>();
  readonly #waiting = new Map<string, number>();
  readonly #working = new Map<string, { again: boolean; urgency: number }>();
  readonly #delayed = new Heap<Delayed>((a, b) => a.atMs < b.atMs);
  readonly #delayedAt = new Map<string, number>();
  #cancelTimer: (() => void) | undefined;
  #timerAtMs = Infinity;
  #order = 0;
  #seenMs = 0;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keys that are ready or being worked on. */
  get depth(): number {
    return this.#waiting.size + this.#working.size;
  }

  /** When the next delayed key becomes ready, or undefined. */
  get nextDelayedMs(): number | undefined {
    this.#dropStale();
    return this.#delayed.peek()?.atMs;
  }

  /** Sets what is told when a key becomes ready. */
  onReady(wake: () => void): void {
    this.#wake = wake;
  }

  /** @param urgency milliseconds since the epoch at which it is too late; smaller comes first */
  add(key: QueueKey, urgency = Infinity): void {
    const id = idOf(key);
    const working = this.#working.get(id);
    if (working !== undefined) {
      working.again = true;
      working.urgency = Math.min(working.urgency, urgency);
      return;
    }
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined && waiting <= urgency) return;
    this.#waiting.set(id, urgency);
    this.#readyOf(key.namespace).push({ id, key, urgency, order: this.#order++ });
    this.#wake?.();
  }

  /** Adds the key at `atMs`, unless it is due earlier already. */
  addAt(key: QueueKey, atMs: number, urgency = Infinity): void {
    if (atMs <= this.#clock.nowMs()) return this.add(key, urgency);
    const id = idOf(key);
    const known = this.#delayedAt.get(id);
    if (known !== undefined && known <= atMs) return;
    this.#delayedAt.set(id, atMs);
    this.#delayed.push({ id, key, atMs, urgency });
    this.#arm();
  }

  /** Takes the next key; it counts as being worked on until `done`. */
  take(): QueueKey | undefined {
    for (const [namespace, heap] of this.#ready) {
      // A turn for each namespace: the one that was served goes to the end.
      this.#ready.delete(namespace);
      const entry = this.#popLive(heap);
      if (heap.size > 0) this.#ready.set(namespace, heap);
      if (entry === undefined) continue;
      this.#waiting.delete(entry.id);
      this.#delayedAt.delete(entry.id);
      this.#working.set(entry.id, { again: false, urgency: Infinity });
      return entry.key;
    }
    return undefined;
  }

  /** Ends the work on a key that `take` gave. */
  done(key: QueueKey): void {
    const id = idOf(key);
    const working = this.#working.get(id);
    this.#working.delete(id);
    if (working?.again === true) this.add(key, working.urgency);
  }

  /** Forgets every timer. Nothing becomes ready by itself afterwards, and a timer never keeps the process alive again. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#wake = undefined;
  }

  #readyOf(namespace: string): Heap<Entry> {
    let heap = this.#ready.get(namespace);
    if (heap === undefined) {
      heap = new Heap<Entry>((a, b) => a.urgency < b.urgency || (a.urgency === b.urgency && a.order < b.order));
      this.#ready.set(namespace, heap);
    }
    return heap;
  }

  /** An entry that was added again with more urgency leaves its old one behind: skip those. */
  #popLive(heap: Heap<Entry>): Entry | undefined {
    for (;;) {
      const entry = heap.pop();
      if (entry === undefined || this.#waiting.get(entry.id) === entry.urgency) return entry;
    }
  }

  #arm(): void {
    if (this.#closed) return;
    if (this.#clockWentBack()) this.#releaseDue(true);
    const due = this.nextDelayedMs;
    if (due === undefined) return;
    // Never asleep for long: a clock that is set, or a machine that was suspended, is noticed in time.
    const next = Math.min(due, this.#clock.nowMs() + longestSleepMs);
    if (next >= this.#timerAtMs && this.#cancelTimer !== undefined) return;
    this.#cancelTimer?.();
    this.#timerAtMs = next;
    this.#cancelTimer = this.#clock.schedule(next, () => {
      this.#cancelTimer = undefined;
      this.#timerAtMs = Infinity;
      this.#releaseDue(this.#clockWentBack());
      this.#arm();
    });
  }

  #clockWentBack(): boolean {
    const nowMs = this.#clock.nowMs();
    const wentBack = nowMs < this.#seenMs - clockToleranceMs;
    this.#seenMs = wentBack ? nowMs : Math.max(this.#seenMs, nowMs);
    return wentBack;
  }

  /** @param all whatever their time: it was computed on a clock that has been set back since */
  #releaseDue(all: boolean): void {
    const nowMs = this.#clock.nowMs();
    for (;;) {
      this.#dropStale();
      const next = this.#delayed.peek();
      if (next === undefined || (!all && next.atMs > nowMs)) return;
      this.#delayed.pop();
      this.#delayedAt.delete(next.id);
      this.add(next.key, next.urgency);
    }
  }

  #dropStale(): void {
    for (let next = this.#delayed.peek(); next !== undefined; next = this.#delayed.peek()) {
      if (this.#delayedAt.get(next.id) === next.atMs) return;
      this.#delayed.pop();
    }
  }
}

function idOf(key: QueueKey): string {
  return `${key.namespace}/${key.name}`;
}

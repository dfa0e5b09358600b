import { systemClock } from '../../../src/app/clock.ts';
import type { Clock } from '../../../src/telemetry/index.ts';

interface Scheduled {
  readonly atMs: number;
  readonly callback: () => void;
  cancel: () => void;
}

/** The machine's clock, moved by an offset that can be changed: what is due by then runs. */
export class JumpingClock implements Clock {
  #aheadMs: number;
  readonly #scheduled = new Set<Scheduled>();

  /** @param aheadMs by how much it is ahead of the machine's; negative: behind */
  constructor(aheadMs: number) {
    this.#aheadMs = aheadMs;
  }

  nowMs(): number {
    return systemClock.nowMs() + this.#aheadMs;
  }

  schedule(atMs: number, callback: () => void): () => void {
    const entry: Scheduled = { atMs, callback, cancel: () => undefined };
    this.#scheduled.add(entry);
    this.#arm(entry);
    return () => {
      entry.cancel();
      this.#scheduled.delete(entry);
    };
  }

  /** What is due by then has run when this returns. */
  jump(aheadMs: number): void {
    this.#aheadMs = aheadMs;
    const nowMs = this.nowMs();
    for (const entry of [...this.#scheduled].toSorted((a, b) => a.atMs - b.atMs)) {
      entry.cancel();
      if (entry.atMs > nowMs) this.#arm(entry);
      else if (this.#scheduled.delete(entry)) entry.callback();
    }
  }

  #arm(entry: Scheduled): void {
    entry.cancel = systemClock.schedule(entry.atMs - this.#aheadMs, () => {
      this.#scheduled.delete(entry);
      entry.callback();
    });
  }
}

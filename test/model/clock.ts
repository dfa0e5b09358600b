import type { Clock } from '../../src/telemetry/index.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * Virtual time. True time only goes forward, by the simulation's hand; the clock that a process reads is true time plus
 * what somebody has set it wrong by. A timer runs after the true time that it had to wait when it was set, as a machine's
 * timers do: setting the clock moves none.
 */
export class VirtualTime {
  trueMs: number;
  skewMs = 0;
  #order = 0;
  #timers: Timer[] = [];

  constructor(startMs: number) {
    this.trueMs = startMs;
  }

  get nowMs(): number {
    return this.trueMs + this.skewMs;
  }

  /** A clock for one process; `isAlive` says whether its timers still matter. */
  clockOf(isAlive: () => boolean): Clock {
    return {
      nowMs: () => this.nowMs,
      schedule: (atMs, callback) => {
        const timer: Timer = { atMs: this.trueMs + Math.max(0, atMs - this.nowMs), order: this.#order++, callback: () => isAlive() && callback() };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((other) => other !== timer);
        };
      },
    };
  }

  /** True time of the next timer, or undefined. */
  get nextTimerMs(): number | undefined {
    return this.#timers.length === 0 ? undefined : Math.min(...this.#timers.map((timer) => timer.atMs));
  }

  /** Moves true time and runs what has become due, each timer once. */
  advanceTo(trueMs: number): void {
    this.trueMs = Math.max(this.trueMs, trueMs);
    const due = this.#timers.filter((timer) => timer.atMs <= this.trueMs).sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    for (const timer of due) {
      if (!this.#timers.includes(timer)) continue;
      this.#timers = this.#timers.filter((other) => other !== timer);
      timer.callback();
    }
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** Forgets all timers: their process is gone. */
  clear(): void {
    this.#timers = [];
  }
}

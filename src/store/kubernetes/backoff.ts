/** Waits between attempts, in milliseconds. */
export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** A server that asks for more patience than this is asked again all the same. */
const retryAfterMaxMs = 60_000;

/** Exponential waits with jitter: replicas that failed together do not come back together. */
export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: () => number;
  #failures = 0;

  /** @param random uniform in [0, 1) */
  constructor(limits: BackoffLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
  }

  /** The next wait. With `retryAfterMs` at least that, and up to half as much more. */
  nextMs(retryAfterMs?: number): number {
    const full = Math.min(this.#limits.firstMs * 2 ** this.#failures, this.#limits.maxMs);
    this.#failures = Math.min(this.#failures + 1, 30);
    const own = full / 2 + (full / 2) * this.#random();
    if (retryAfterMs === undefined) return own;
    const asked = Math.min(retryAfterMs, retryAfterMaxMs);
    return Math.max(own, asked * (1 + this.#random() / 2));
  }

  /** It works again. */
  reset(): void {
    this.#failures = 0;
  }
}

/** A bound on how often something happens: a burst, then a steady rate. Time comes in. */
export class TokenBucket {
  readonly #burst: number;
  readonly #intervalMs: number;
  #tokens: number;
  #atMs: number | undefined;

  /** @param intervalMs milliseconds after which one more is allowed */
  constructor(burst: number, intervalMs: number) {
    this.#burst = burst;
    this.#intervalMs = intervalMs;
    this.#tokens = burst;
  }

  /** Takes one. Returns 0, or how many milliseconds to wait for the next, having taken none. */
  take(nowMs: number): number {
    const waitMs = this.waitMs(nowMs);
    if (waitMs === 0) this.#tokens -= 1;
    return waitMs;
  }

  /** Returns one that was taken and not used. */
  giveBack(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + 1);
  }

  /** How many milliseconds until one can be taken; 0 when now. */
  waitMs(nowMs: number): number {
    this.#refill(nowMs);
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * this.#intervalMs);
  }

  #refill(nowMs: number): void {
    // A clock that was set back must not take tokens away.
    const passedMs = Math.max(0, nowMs - (this.#atMs ?? nowMs));
    this.#tokens = Math.min(this.#burst, this.#tokens + passedMs / this.#intervalMs);
    this.#atMs = nowMs;
  }
}

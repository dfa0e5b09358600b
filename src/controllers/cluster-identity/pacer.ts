/**
 * Gives each waiting key a moment of its own, at a steady rate after a burst: ten thousand that wait are looked at once
 * each, not all of them at every turn.
 */
export class Pacer {
  readonly #intervalMs: number;
  readonly #burst: number;
  readonly #slots = new Map<string, number>();
  #nextMs = -Infinity;

  /** @param intervalMs milliseconds between two keys, once `burst` of them went through at once */
  constructor(intervalMs: number, burst: number) {
    this.#intervalMs = intervalMs;
    this.#burst = burst;
  }

  /** 0 when it is the key's turn, which is used up then; or for how many milliseconds it has to wait. */
  take(key: string, nowMs: number): number {
    const slotMs = this.#slots.get(key) ?? this.#reserve(key, nowMs);
    if (slotMs > nowMs) return slotMs - nowMs;
    this.#slots.delete(key);
    return 0;
  }

  /** The key wants no turn any more. */
  forget(key: string): void {
    this.#slots.delete(key);
  }

  #reserve(key: string, nowMs: number): number {
    // A clock that was set back does not make everybody wait for it.
    const latestMs = nowMs + this.#slots.size * this.#intervalMs + this.#intervalMs;
    const slotMs = Math.min(latestMs, Math.max(this.#nextMs, nowMs - (this.#burst - 1) * this.#intervalMs));
    this.#nextMs = slotMs + this.#intervalMs;
    this.#slots.set(key, slotMs);
    return slotMs;
  }
}

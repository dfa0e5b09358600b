/** Two readings of one moment: a wall clock can be set back, a monotonic one cannot. Milliseconds. */
export interface Instant {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/**
 * How long this replica may act, as far as the lease that it last wrote says, and for which signer epochs. It ends by
 * itself: a process that was paused past its end finds it ended when it wakes up, and signs nothing.
 */
export class Term {
  readonly #now: () => Instant;
  #until: Instant | undefined;
  #epochs: ReadonlyMap<string, number> = new Map();

  constructor(now: () => Instant) {
    this.#now = now;
  }

  /** Milliseconds until the term ends; 0 when it has. */
  get leftMs(): number {
    if (this.#until === undefined) return 0;
    const now = this.#now();
    return Math.max(0, Math.min(this.#until.wallMs - now.wallMs, this.#until.monotonicMs - now.monotonicMs));
  }

  /** Takes note of a lease as it was written: it counts from the moment before the request was sent. */
  extend(sentAt: Instant, durationMs: number, epochs: ReadonlyMap<string, number>): void {
    this.#until = { wallMs: sentAt.wallMs + durationMs, monotonicMs: sentAt.monotonicMs + durationMs };
    this.#epochs = new Map(epochs);
  }

  /** Whether the lease that was written last names this epoch. */
  names(trustDomain: string, signerEpoch: number): boolean {
    return this.#epochs.get(trustDomain) === signerEpoch;
  }

  /** Ends the term now. */
  end(): void {
    this.#until = undefined;
  }

  /** See `SigningLease.permits`. */
  permits(trustDomain: string, signerEpoch: number, nowMs: number): boolean {
    if (this.#until === undefined || nowMs >= this.#until.wallMs) return false;
    return this.#now().monotonicMs < this.#until.monotonicMs && this.#epochs.get(trustDomain) === signerEpoch;
  }
}

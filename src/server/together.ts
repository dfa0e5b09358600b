/** More than these do not go on at once: whoever came first shall not wait for a herd. */
const togetherMax = 32;

/**
 * Has requests that came in together go on together, step by step from one `await` to the next. What one step does for all of them
 * stays in the processor's caches: signatures in a row cost a third of what they cost with the rest of a request between two of
 * them. A request that is alone waits for nobody.
 */
export class Together {
  readonly #waiting: (() => void)[] = [];

  /** Resolves when everything that has come in by now was read. */
  async next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) setImmediate(() => this.#go());
    });
  }

  #go(): void {
    for (const go of this.#waiting.splice(0, togetherMax)) go();
    if (this.#waiting.length > 0) setImmediate(() => this.#go());
  }
}

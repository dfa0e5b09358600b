/**
 * Fresh reads that many want at once: nobody is given a read that had begun before they asked, and all who ask while one is
 * under way share the next. A herd of pods with one service account costs a few reads of it instead of one for each pod.
 */
export class SharedReads<T> {
  readonly #running = new Map<string, Promise<T>>();
  readonly #next = new Map<string, Promise<T>>();

  /** What `get` gives, or gave to somebody who asked under the same key meanwhile. */
  async read(key: string, get: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running === undefined) return this.#begin(key, get);
    const next = this.#next.get(key) ?? this.#after(running, key, get);
    this.#next.set(key, next);
    return next;
  }

  async #after(running: Promise<T>, key: string, get: () => Promise<T>): Promise<T> {
    // Whatever became of it is its own readers' business.
    await running.catch(() => undefined);
    this.#next.delete(key);
    return this.#begin(key, get);
  }

  async #begin(key: string, get: () => Promise<T>): Promise<T> {
    const read = get();
    this.#running.set(key, read);
    try {
      return await read;
    } finally {
      if (this.#running.get(key) === read) this.#running.delete(key);
    }
  }
}

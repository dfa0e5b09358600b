import { placeOf } from '../../src/store/object-key.ts';
import type { Kind, Store, Watched, WatchHandler, WatchSelector } from '../../src/store/port.ts';

/** Follows a watch as a cache does, and notes what a handler must never see. */
export class Recorder<K extends Kind> {
  readonly #objects = new Map<string, Watched<K>>();
  readonly seen: Watched<K>[] = [];
  readonly removed: Watched<K>[] = [];
  /** Calls that came when none may. */
  readonly faults: string[] = [];
  calls = 0;
  synced = false;
  #insideWatch = false;
  #insideHandler = false;

  readonly handler: WatchHandler<Watched<K>> = {
    snapshot: (objects) => this.#note('snapshot', () => {
      this.synced = true;
      this.#objects.clear();
      for (const object of objects) this.#put(object);
    }),
    upsert: (object) => this.#note('upsert', () => this.#put(object)),
    remove: (last) => this.#note('remove', () => {
      this.removed.push(last);
      this.#objects.delete(placeOf(last.metadata));
    }),
  };

  /** Starts a watch that ends with the result. */
  watch(store: Store, kind: K, selector: WatchSelector): Disposable {
    const abort = new AbortController();
    this.#insideWatch = true;
    store.watch(kind, selector, this.handler, abort.signal);
    this.#insideWatch = false;
    return { [Symbol.dispose]: () => abort.abort() };
  }

  current(): readonly Watched<K>[] {
    return [...this.#objects.values()];
  }

  uidOf(name: string): string | undefined {
    return this.#named(name)?.metadata.uid;
  }

  versionOf(name: string): string | undefined {
    return this.#named(name)?.metadata.resourceVersion;
  }

  #named(name: string): Watched<K> | undefined {
    return this.current().find((object) => object.metadata.name === name);
  }

  #put(object: Watched<K>): void {
    this.seen.push(object);
    this.#objects.set(placeOf(object.metadata), object);
  }

  #note(what: string, act: () => void): void {
    this.calls += 1;
    if (this.#insideWatch) this.faults.push(`${what} inside watch()`);
    if (this.#insideHandler) this.faults.push(`${what} inside another call`);
    if (!this.synced && what !== 'snapshot') this.faults.push(`${what} before the first snapshot`);
    this.#insideHandler = true;
    try {
      act();
    } finally {
      this.#insideHandler = false;
    }
  }
}

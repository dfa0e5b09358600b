import { keyOf, placeOf } from '../object-key.ts';
import type { Kind, Watched, WatchHandler, WatchSelector } from '../port.ts';
import type { Revision } from '../revision.ts';
import { selects, watchedView } from '../selection.ts';

interface Watch {
  readonly selector: WatchSelector;
  readonly handler: WatchHandler<Watched<Kind>>;
  readonly signal: AbortSignal;
  /** False until the snapshot was handed over: what changes before is in it. */
  live: boolean;
}

/**
 * What watches of one kind see: the objects as they are, and each change as a delta. Every hand-over is a task of its own, in
 * order: a handler is never called inside the call that caused it, and never twice at once.
 */
export class WatchHub {
  readonly #objects = new Map<string, Revision>();
  readonly #watches = new Set<Watch>();

  /** The object as watches see it. */
  get(place: string): Revision | undefined {
    return this.#objects.get(place);
  }

  /** All objects as watches see them. */
  all(): IterableIterator<Revision> {
    return this.#objects.values();
  }

  get size(): number {
    return this.#objects.size;
  }

  watch(selector: WatchSelector, handler: WatchHandler<Watched<Kind>>, signal: AbortSignal): void {
    if (signal.aborted) return;
    const watch: Watch = { selector, handler, signal, live: false };
    this.#watches.add(watch);
    signal.addEventListener('abort', () => this.#watches.delete(watch), { once: true });
    // A turn later, so that whoever starts several watches has them all in place before the first speaks.
    setImmediate(() => {
      if (signal.aborted) return;
      watch.live = true;
      handler.snapshot([...this.#objects.values()].filter((object) => selects(selector, object)).map(view));
    });
  }

  /** Takes `object` for what is there now; the very same object is no change. */
  put(object: Revision): void {
    const place = placeOf(keyOf(object));
    const before = this.#objects.get(place);
    if (before === object) return;
    this.#objects.set(place, object);
    for (const watch of this.#watches) {
      if (selects(watch.selector, object)) this.#tell(watch, () => watch.handler.upsert(view(object)));
      else if (before !== undefined && selects(watch.selector, before)) this.#tell(watch, () => watch.handler.remove(view(object)));
    }
  }

  drop(place: string): void {
    const last = this.#objects.get(place);
    if (last === undefined) return;
    this.#objects.delete(place);
    for (const watch of this.#watches) if (selects(watch.selector, last)) this.#tell(watch, () => watch.handler.remove(view(last)));
  }

  #tell(watch: Watch, deliver: () => void): void {
    if (!watch.live) return;
    queueMicrotask(() => {
      if (!watch.signal.aborted) deliver();
    });
  }
}

function view(object: Revision): Watched<Kind> {
  return watchedView(object);
}

import { placeOf } from '../object-key.ts';
import type { Kind, Watched } from '../port.ts';
import { isOlder } from './resource-version.ts';
import { SharedStrings } from './shared-strings.ts';
import { watchedFromWire, type WireObject } from './wire-object.ts';

/** Gathers the objects with which a stream begins, until its end mark says that they are all. */
export class InitialObjects<K extends Kind> {
  readonly #kind: K;
  readonly #strings: SharedStrings;
  readonly #objects = new Map<string, Watched<K>>();

  constructor(kind: K, strings = new SharedStrings()) {
    this.#kind = kind;
    this.#strings = strings;
  }

  /** One event before the end mark. Changes may come between the objects, and an older state never replaces a newer one. */
  add(type: 'ADDED' | 'MODIFIED' | 'DELETED', wire: WireObject): void {
    const place = placeOf(wire.metadata);
    const known = this.#objects.get(place);
    if (known !== undefined && isOlder(wire.metadata.resourceVersion, known.metadata.resourceVersion)) return;
    if (type === 'DELETED') this.#objects.delete(place);
    else this.#objects.set(place, watchedFromWire(this.#kind, wire, this.#strings));
  }

  /** All of them, in the order in which they came. */
  objects(): readonly Watched<K>[] {
    return [...this.#objects.values()];
  }
}

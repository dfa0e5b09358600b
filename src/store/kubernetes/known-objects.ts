import type { StoredObject } from '../../resources/object.ts';
import { placeOf } from '../object-key.ts';

/** What one event of a watch means to someone who knows the objects so far. */
export type Change<T extends StoredObject> = { readonly type: 'upsert' | 'remove'; readonly object: T };

/**
 * The objects that a watch has shown, by place. It knows that a name can be used again: a late deletion of an old uid
 * leaves the new object alone, and a new uid first removes the old one.
 */
export class KnownObjects<T extends StoredObject> {
  #objects = new Map<string, T>();

  /** Number of objects. */
  get size(): number {
    return this.#objects.size;
  }

  /** Replaces all. An object that did not change stays the same value, so that nobody holds two copies of it. */
  replaceAll(objects: Iterable<T>): readonly T[] {
    const next = new Map<string, T>();
    for (const object of objects) {
      const place = placeOf(object.metadata);
      const known = this.#objects.get(place);
      next.set(place, known !== undefined && isSameState(known, object) ? known : object);
    }
    this.#objects = next;
    return [...next.values()];
  }

  /** The object exists in this state now. */
  upsert(object: T): readonly Change<T>[] {
    const place = placeOf(object.metadata);
    const known = this.#objects.get(place);
    if (known !== undefined && isSameState(known, object)) return [];
    this.#objects.set(place, object);
    const gone = known !== undefined && known.metadata.uid !== object.metadata.uid;
    return gone ? [{ type: 'remove', object: known }, { type: 'upsert', object }] : [{ type: 'upsert', object }];
  }

  /** The object ceased to exist, or left the selection; `last` is its final state. */
  remove(last: T): readonly Change<T>[] {
    const place = placeOf(last.metadata);
    if (this.#objects.get(place)?.metadata.uid !== last.metadata.uid) return [];
    this.#objects.delete(place);
    return [{ type: 'remove', object: last }];
  }
}

function isSameState(a: StoredObject, b: StoredObject): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion;
}

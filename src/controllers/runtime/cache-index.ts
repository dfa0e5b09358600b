import type { StoredObject } from '../../resources/index.ts';

/**
 * The objects of a cache under keys that are read from them. Most keys have one object, and there are several times as many
 * keys as objects: one object stands under its key as it is, and only where there are more is there a map.
 */
export class CacheIndex<T extends StoredObject> {
  readonly #keysOf: (object: T) => readonly string[];
  readonly #entries = new Map<string, T | Map<string, T>>();

  constructor(keysOf: (object: T) => readonly string[]) {
    this.#keysOf = keysOf;
  }

  count(key: string): number {
    const found = this.#entries.get(key);
    return found === undefined ? 0 : found instanceof Map ? found.size : 1;
  }

  get(key: string): readonly T[] {
    const found = this.#entries.get(key);
    return found === undefined ? [] : found instanceof Map ? [...found.values()] : [found];
  }

  /** An object came, changed or went: what it was before, and what it is now. */
  change(before: T | undefined, after: T | undefined): void {
    const [old, now] = [before === undefined ? [] : this.#keysOf(before), after === undefined ? [] : this.#keysOf(after)];
    if (before !== undefined) for (const key of old) if (!now.includes(key)) this.#delete(key, before);
    if (after !== undefined) for (const key of now) this.#set(key, after);
  }

  #set(key: string, object: T): void {
    const found = this.#entries.get(key);
    if (found instanceof Map) found.set(idOf(object), object);
    else if (found === undefined || idOf(found) === idOf(object)) this.#entries.set(key, object);
    else this.#entries.set(key, new Map([found, object].map((one) => [idOf(one), one])));
  }

  #delete(key: string, object: T): void {
    const found = this.#entries.get(key);
    if (found instanceof Map) {
      found.delete(idOf(object));
      const [last] = found.values();
      if (found.size === 1 && last !== undefined) this.#entries.set(key, last);
    } else if (found !== undefined && idOf(found) === idOf(object)) this.#entries.delete(key);
  }
}

/** `namespace/name`: names an object within its kind. */
export function idOf({ metadata }: StoredObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

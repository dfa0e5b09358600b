import { isMtlsdError } from '../../errors/index.ts';
import type { StoredObject } from '../../resources/index.ts';
import type { Kind, Store, Watched, WatchSelector } from '../../store/port.ts';
import { CacheIndex, idOf } from './cache-index.ts';

/** Called with each object that changed: the one before, the one now; one of them may be missing. */
export type CacheListener<T> = (before: T | undefined, after: T | undefined) => void;

/** More than can be on their way at once. */
const goneMax = 4096;

/**
 * A watch's objects in memory, by namespace and name, and through named indexes. It is filled by the store; a writer also
 * shows it what it has just written, so that the next decision is not taken on what was there before.
 */
export class Cache<T extends StoredObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, CacheIndex<T>>();
  readonly #listeners: CacheListener<T>[] = [];
  /** UIDs of objects that are gone, the last ones: an answer on its way is not older than that. */
  readonly #gone = new Set<string>();
  #synced = false;
  readonly #whenSynced = Promise.withResolvers<void>();
  readonly #knownListeners: ((namespace: string) => void)[] = [];
  /** The namespaces that are watched; undefined: all. */
  #watched: ReadonlySet<string> | undefined;
  /** Watches without a snapshot so far, by namespace (empty: all), and why. */
  readonly #unknown = new Map<string, { readonly why: string; readonly refused: boolean }>();

  /** Fills the cache from watches until `signal` aborts: one, or one for each namespace that is watched. */
  static watching<K extends Kind>(
    store: Store,
    kind: K,
    selectors: readonly WatchSelector[],
    signal: AbortSignal,
    interrupted: (error: Error | undefined) => void,
  ): Cache<Watched<K>> {
    const cache = new Cache<Watched<K>>();
    const namespaces = selectors.map(({ namespace = '' }) => namespace);
    cache.#watched = namespaces.includes('') ? undefined : new Set(namespaces);
    for (const namespace of namespaces) cache.#unknown.set(namespace, { why: 'it was not read yet', refused: false });
    for (const selector of selectors) {
      const { namespace = '' } = selector;
      const handler = {
        snapshot: (objects: readonly Watched<K>[]) => {
          cache.#replace(objects, selector.namespace);
          cache.#know(namespace);
        },
        upsert: (object: Watched<K>) => cache.#put(object),
        remove: (last: Watched<K>) => cache.#remove(last),
        interrupted: (error: Error | undefined) => {
          if (isMtlsdError(error, 'STORE_FORBIDDEN')) cache.#refuse(namespace, error.message);
          interrupted(error);
        },
      };
      store.watch(kind, selector, handler, signal);
    }
    return cache;
  }

  /**
   * Why the objects of a namespace are not known, or undefined when they are: nothing may be concluded from the absence of
   * one until then. A right that is missing in one namespace does not hold the others up.
   */
  whyUnknown(namespace: string): string | undefined {
    if (this.#watched !== undefined && !this.#watched.has(namespace)) return 'it is not among the namespaces that mtlsd watches';
    return this.#unknown.get(this.#watched === undefined ? '' : namespace)?.why;
  }

  /** Calls `listener` when the objects of a namespace are known that were not when the cache began to count as filled. */
  onKnown(listener: (namespace: string) => void): void {
    this.#knownListeners.push(listener);
  }

  /** Whether every watch that may be has had its first snapshot. Nothing may be concluded from absence before. */
  get synced(): boolean {
    return this.#synced;
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Resolves with the first snapshot of every watch that may be. */
  whenSynced(): Promise<void> {
    return this.#whenSynced.promise;
  }

  onChange(listener: CacheListener<T>): void {
    this.#listeners.push(listener);
  }

  /** Adds an index: `keysOf` says under which keys an object is found. To be called before the first snapshot. */
  addIndex(name: string, keysOf: (object: T) => readonly string[]): void {
    this.#indexes.set(name, new CacheIndex(keysOf));
  }

  get(namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(`${namespace ?? ''}/${name}`);
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  /** How many objects an index has under a key. */
  countByIndex(index: string, key: string): number {
    return this.#indexes.get(index)?.count(key) ?? 0;
  }

  byIndex(index: string, key: string): readonly T[] {
    return this.#indexes.get(index)?.get(key) ?? [];
  }

  /**
   * Shows the cache an object as a write has just returned it. An older delivery of the watch does not undo it; and an
   * answer that comes after the watch has told that the object is gone does not bring it back, for no delivery would
   * remove it again.
   */
  observeWrite(object: T): void {
    if (!this.#gone.has(object.metadata.uid)) this.#put(object);
  }

  /** Shows the cache that a delete has just succeeded. */
  observeDelete(object: T): void {
    this.#remove(object);
  }

  #put(object: T): void {
    const before = this.#objects.get(idOf(object));
    // The echo of our own write changes nothing: telling it would reconcile everything twice.
    if (before === undefined || (this.#differs(object) && !isOlder(object, before))) this.#set(object);
  }

  #set(object: T): void {
    const id = idOf(object);
    const before = this.#objects.get(id);
    if (before !== undefined && before.metadata.uid !== object.metadata.uid) this.#noteGone(before.metadata.uid);
    this.#objects.set(id, object);
    for (const index of this.#indexes.values()) index.change(before, object);
    for (const listener of this.#listeners) listener(before, object);
  }

  #noteGone(uid: string): void {
    this.#gone.add(uid);
    const [oldest] = this.#gone;
    if (this.#gone.size > goneMax && oldest !== undefined) this.#gone.delete(oldest);
  }

  #differs(object: T): boolean {
    const known = this.#objects.get(idOf(object));
    return known?.metadata.uid !== object.metadata.uid || known.metadata.resourceVersion !== object.metadata.resourceVersion;
  }

  #remove(last: T): void {
    const id = idOf(last);
    const before = this.#objects.get(id);
    this.#noteGone(last.metadata.uid);
    if (before === undefined || before.metadata.uid !== last.metadata.uid) return;
    this.#objects.delete(id);
    for (const index of this.#indexes.values()) index.change(before, undefined);
    for (const listener of this.#listeners) listener(before, undefined);
  }

  /** A snapshot counts even where it is older than what was known: the store may have been restored from a backup. */
  #replace(objects: readonly T[], namespace: string | undefined): void {
    const ids = new Set(objects.map(idOf));
    for (const object of objects) if (this.#differs(object)) this.#set(object);
    for (const [id, object] of this.#objects) {
      if (!ids.has(id) && (namespace === undefined || object.metadata.namespace === namespace)) this.#remove(object);
    }
  }

  #know(namespace: string): void {
    if (!this.#unknown.delete(namespace)) return;
    if (this.#synced) for (const listener of this.#knownListeners) listener(namespace);
    this.#syncWhenRead();
  }

  #refuse(namespace: string, why: string): void {
    if (!this.#unknown.has(namespace)) return;
    this.#unknown.set(namespace, { why, refused: true });
    this.#syncWhenRead();
  }

  /** With one snapshot at least: where nothing can be read, nothing can be done. */
  #syncWhenRead(): void {
    const waiting = [...this.#unknown].some(([namespace, { refused }]) => namespace === '' || !refused);
    if (waiting || this.#unknown.size === this.#watched?.size) return;
    this.#synced = true;
    this.#whenSynced.resolve();
  }
}

/**
 * Versions of one object (same uid) rise as integers: the API server promises it, the other adapters do it. What follows the
 * digits (a folder adds what its files look like) tells versions apart, and says nothing about which came first.
 */
function isOlder(object: StoredObject, known: StoredObject): boolean {
  if (object.metadata.uid !== known.metadata.uid) return false;
  const [a, b] = [counterOf(object), counterOf(known)];
  return a.length < b.length || (a.length === b.length && a < b);
}

function counterOf({ metadata }: StoredObject): string {
  return /^\d*/u.exec(metadata.resourceVersion)?.[0] ?? '';
}

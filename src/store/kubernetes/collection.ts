import type { Kind, Watched, WatchSelector } from '../port.ts';
import type { Api } from './api.ts';
import type { Question } from './failures.ts';
import { collectionPath, resourceTypeOf } from './resource-types.ts';
import type { SharedStrings } from './shared-strings.ts';
import { WatchProtocolError } from './watch-event.ts';
import { isWireObject, watchedFromWire } from './wire-object.ts';

/** All objects that a selector selects, at one moment. */
export interface Listing<K extends Kind> {
  readonly objects: readonly Watched<K>[];
  readonly resourceVersion: string;
}

/** A part of a kind's objects as the API server lists and watches it. */
export class Collection<K extends Kind> {
  readonly #api: Api;
  readonly #kind: K;
  readonly #selector: WatchSelector;
  readonly #pageSize: number;
  readonly #strings: SharedStrings;

  constructor(api: Api, kind: K, selector: WatchSelector, pageSize: number, strings: SharedStrings) {
    this.#api = api;
    this.#kind = kind;
    this.#selector = selector;
    this.#pageSize = pageSize;
    this.#strings = strings;
  }

  /** What errors name. */
  question(verb: 'list' | 'watch'): Question {
    const { namespace } = this.#selector;
    return { verb, kind: this.#kind, ...(namespace === undefined ? {} : { namespace }) };
  }

  /** URL path with query, the selector included. */
  async path(query: Readonly<Record<string, string>>): Promise<string> {
    return `${await this.#base()}?${new URLSearchParams({ ...query, ...labelQuery(this.#selector), ...fieldQuery(this.#selector) }).toString()}`;
  }

  /** Reads all pages. @throws STORE_…; WatchProtocolError for an answer that is no list */
  async list(): Promise<Listing<K>> {
    const objects: Watched<K>[] = [];
    let first: Page | undefined;
    for (let next: string | undefined = ''; next !== undefined; ) {
      const query = { limit: String(this.#pageSize), ...(next === '' ? {} : { continue: next }) };
      const page = asPage(await this.#api.list(this.question('list'), await this.path(query)));
      first ??= page;
      for (const item of page.items) objects.push(watchedFromWire(this.#kind, item, this.#strings));
      next = page.next;
    }
    return { objects, resourceVersion: first?.resourceVersion ?? '' };
  }

  /** The resourceVersion of this moment, by a consistent read of at most one object's metadata. */
  async currentVersion(): Promise<string> {
    return asPage(await this.#api.list(this.question('list'), `${await this.#base()}?limit=1`, true)).resourceVersion;
  }

  async #base(): Promise<string> {
    return collectionPath(resourceTypeOf(this.#kind), await this.#api.versionOf(this.#kind), this.#selector.namespace);
  }
}

interface Page {
  readonly items: readonly Parameters<typeof watchedFromWire>[1][];
  readonly resourceVersion: string;
  readonly next: string | undefined;
}

function asPage(value: unknown): Page {
  const { items, metadata } = value as { readonly items?: unknown; readonly metadata?: { readonly resourceVersion?: unknown; readonly continue?: string } };
  const list: unknown = items ?? [];
  if (!Array.isArray(list) || !list.every(isWireObject) || typeof metadata?.resourceVersion !== 'string') {
    throw new WatchProtocolError('a list is no list of objects with a resourceVersion');
  }
  const next = metadata.continue;
  return { items: list, resourceVersion: metadata.resourceVersion, next: next === '' ? undefined : next };
}

function labelQuery({ labels = {} }: WatchSelector): Record<string, string> {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? {} : { labelSelector: pairs.join(',') };
}

function fieldQuery({ fields = {} }: WatchSelector): Record<string, string> {
  const pairs = Object.entries(fields).map(([path, value]) => `${path}=${value}`);
  return pairs.length === 0 ? {} : { fieldSelector: pairs.join(',') };
}

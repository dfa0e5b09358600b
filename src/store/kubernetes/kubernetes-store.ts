import type { Log } from '../../telemetry/index.ts';
import type { Draft } from '../../resources/object.ts';
import { keyOf } from '../object-key.ts';

import type { Kind, Kinds, ObjectKey, Precondition, StatusKind, StatusOf, Store, Watched, WatchHandler, WatchSelector } from '../port.ts';
import { MtlsdError } from '../../errors/index.ts';
import type { Api } from './api.ts';
import { unreachableError, type Question } from './failures.ts';
import { Reflector, type WatchLimits } from './reflector.ts';
import { collectionPath, isCustomResource, resourceTypeOf } from './resource-types.ts';
import { SharedStrings } from './shared-strings.ts';
import { fromWire, isWireObject, toWire, watchedFromWire } from './wire-object.ts';

/** What a Kubernetes store is made of. */
export interface KubernetesStoreParts {
  readonly api: Api;
  readonly fieldManager: string;
  readonly watchLimits: WatchLimits;
  readonly log: Log;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Ends the connections. */
  readonly close: () => Promise<void>;
}

/**
 * The store's port on a Kubernetes API server. A creation is a POST, so that nothing foreign is ever adopted; every other
 * change carries uid and resourceVersion. Never server-side apply: it is no compare-and-swap.
 */
export class KubernetesStore implements Store, AsyncDisposable {
  readonly #parts: KubernetesStoreParts;
  readonly #closing = new AbortController();
  readonly #watches = new Set<Promise<void>>();
  readonly #strings = new SharedStrings();

  constructor(parts: KubernetesStoreParts) {
    this.#parts = parts;
  }

  /** The API server behind it, for what is no object of the store: Events. */
  get api(): Api {
    return this.#parts.api;
  }

  watch<K extends Kind>(kind: K, selector: WatchSelector, handler: WatchHandler<Watched<K>>, signal: AbortSignal): void {
    const { api, watchLimits: limits, log, random, nowMs } = this.#parts;
    const either = AbortSignal.any([signal, this.#closing.signal]);
    const watch = new Reflector({ api, kind, selector, handler, signal: either, limits, strings: this.#strings, log, random, nowMs }).run();
    this.#watches.add(watch);
    void watch.finally(() => this.#watches.delete(watch));
  }

  async get<K extends Kind>(key: ObjectKey<K>): Promise<Kinds[K] | undefined> {
    const question: Question = { verb: 'get', ...key };
    try {
      return this.#stored(question, await this.#parts.api.ask(question, { method: 'GET', path: await this.#path(key) })) as Kinds[K];
    } catch (error) {
      if (error instanceof MtlsdError && error.code === 'STORE_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async write<K extends Kind>(object: Draft<Kinds[K]> & { readonly kind: K }, expect: 'absent' | Precondition): Promise<Kinds[K]> {
    const key = keyOf<K>(object);
    const { api, fieldManager } = this.#parts;
    const version = await api.versionOf(key.kind);
    const { group } = resourceTypeOf(key.kind);
    const body = toWire(object, group === '' ? version : `${group}/${version}`, expect);
    const query = `?fieldManager=${fieldManager}`;
    const question: Question = { verb: expect === 'absent' ? 'create' : 'update', ...key };
    const answer =
      expect === 'absent'
        ? api.ask(question, { method: 'POST', path: `${collectionPath(resourceTypeOf(key.kind), version, key.namespace)}${query}`, body })
        : api.ask(question, { method: 'PUT', path: `${await this.#path(key)}${query}`, body });
    return this.#stored(question, await answer) as Kinds[K];
  }

  async patchStatus<K extends StatusKind>(key: ObjectKey<K>, status: StatusOf<K>, expect: Precondition): Promise<Kinds[K]> {
    const { api, fieldManager } = this.#parts;
    const question: Question = { verb: 'update', ...key };
    const { group } = resourceTypeOf(key.kind);
    const version = await api.versionOf(key.kind);
    const { name, namespace } = key;
    // Of the body, the API server takes the status and the preconditions; the rest stays as it is stored.
    const body = JSON.stringify({
      apiVersion: `${group}/${version}`,
      kind: key.kind,
      metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid: expect.uid, resourceVersion: expect.resourceVersion },
      status,
    });
    const path = `${await this.#path(key)}/status?fieldManager=${fieldManager}`;
    return this.#stored(question, await api.ask(question, { method: 'PUT', path, body })) as Kinds[K];
  }

  async delete(key: ObjectKey, expect: Precondition): Promise<void> {
    const body = JSON.stringify({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: expect.uid, resourceVersion: expect.resourceVersion },
      propagationPolicy: 'Background',
    });
    await this.#parts.api.ask({ verb: 'delete', ...key }, { method: 'DELETE', path: await this.#path(key), body });
  }

  async serves(kind: Kind): Promise<boolean> {
    return this.#parts.api.serves(kind);
  }

  async servedSinceMs(kind: Kind): Promise<number | undefined> {
    return this.#parts.api.servedSinceMs(kind);
  }

  /** Ends all watches and connections; calls that are under way fail. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#watches);
    await this.#parts.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #path(key: ObjectKey): Promise<string> {
    const version = await this.#parts.api.versionOf(key.kind);
    return `${collectionPath(resourceTypeOf(key.kind), version, key.namespace)}/${encodeURIComponent(key.name)}`;
  }

  /** A kind of ours as its watch shows it: an answer to a write goes into the cache that the watch fills. */
  #stored(question: Question, value: unknown): Kinds[Kind] {
    if (!isWireObject(value)) throw unreachableError(question, '', new Error('an answer that is no object'));
    const { kind } = question;
    return isCustomResource(resourceTypeOf(kind)) ? (watchedFromWire(kind, value, this.#strings) as Kinds[Kind]) : fromWire(kind, value);
  }
}

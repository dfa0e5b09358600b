import { MtlsdError } from '../../errors/index.ts';
import { allKinds, describeKey, keyOf, placeOf } from '../object-key.ts';
import type { Draft } from '../../resources/object.ts';
import type { Kind, Kinds, ObjectKey, Precondition, StatusKind, StatusOf, Store, Watched, WatchHandler, WatchSelector } from '../port.ts';
import { firstRevision, nextRevision, nextStatus, terminatingRevision, type Incoming, type Revision } from '../revision.ts';
import { alreadyExists, conflict, notFound, requireState } from '../store-errors.ts';
import { noFaults, SimulatedCrash, type FaultPlan, type Operation } from './faults.ts';
import { deferToMicrotask, type Defer } from './scheduler.ts';
import { Watcher } from './watcher.ts';

/** What a memory store is made of. */
export interface MemoryStoreOptions {
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** A new uid at each call. */
  readonly uid: () => string;
  /** Decides the order of everything; default: microtasks. */
  readonly defer?: Defer;
  /** Default: nothing goes wrong. */
  readonly faults?: FaultPlan;
}

/** How often each kind of change was made through the port. Changes that changed nothing are not counted. */
export interface WriteCounts {
  readonly created: number;
  readonly replaced: number;
  readonly statusPatched: number;
  readonly deleted: number;
}

/**
 * A store in memory with the semantics of an API server, deterministic: given the same clock, ids, scheduler and faults it
 * does the same. It promises what the port says; it never looks at a clock, a timer or randomness of its own. Every call
 * travels to the store and back as two deferred tasks; it takes effect between them, in one step.
 *
 * `apply`, `edit` and `remove` are what a person with kubectl does: at once, without faults.
 */
export class MemoryStore implements Store {
  readonly #options: MemoryStoreOptions;
  readonly #defer: Defer;
  readonly #objects = Object.fromEntries(allKinds.map((kind) => [kind, new Map()])) as unknown as Readonly<Record<Kind, Map<string, Revision>>>;
  readonly #watchers = new Map<Kind, Set<Watcher<Kind>>>(allKinds.map((kind) => [kind, new Set<Watcher<Kind>>()]));
  readonly #unserved = new Set<Kind>();
  #counts = { created: 0, replaced: 0, statusPatched: 0, deleted: 0 };
  #faults: FaultPlan;
  #version = 0;

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    this.#defer = options.defer ?? deferToMicrotask;
    this.#faults = options.faults ?? noFaults;
  }

  watch<K extends Kind>(kind: K, selector: WatchSelector, handler: WatchHandler<Watched<K>>, signal: AbortSignal): void {
    if (signal.aborted) return;
    const watchers = this.#watchers.get(kind);
    const watcher = new Watcher<K>({
      kind,
      selector,
      handler,
      signal,
      defer: this.#defer,
      faults: () => this.#faults,
      list: () => [...this.#objects[kind].values()],
    });
    watchers?.add(watcher);
    signal.addEventListener('abort', () => watchers?.delete(watcher), { once: true });
  }

  async get<K extends Kind>(key: ObjectKey<K>): Promise<Kinds[K] | undefined> {
    return this.#call({ verb: 'get', key }, () => this.peek(key));
  }

  async write<K extends Kind>(object: Draft<Kinds[K]> & { readonly kind: K }, expect: 'absent' | Precondition): Promise<Kinds[K]> {
    const key = keyOf(object);
    const verb = expect === 'absent' ? 'create' : 'replace';
    return this.#call({ verb, key }, () => (expect === 'absent' ? this.#create(key, object) : this.#replace(key, object, expect)) as unknown as Kinds[K]);
  }

  async patchStatus<K extends StatusKind>(key: ObjectKey<K>, status: StatusOf<K>, expect: Precondition): Promise<Kinds[K]> {
    return this.#call({ verb: 'patchStatus', key }, () => {
      const current = this.#required(key, expect);
      const next = nextStatus(current, status, this.#nextVersion());
      if (this.#commit(key, current, next)) this.#counts.statusPatched += 1;
      return next as unknown as Kinds[K];
    });
  }

  async delete(key: ObjectKey, expect: Precondition): Promise<void> {
    await this.#call({ verb: 'delete', key }, () => {
      this.#drop(key, this.#required(key, expect));
      this.#counts.deleted += 1;
    });
  }

  async serves(kind: Kind): Promise<boolean> {
    return this.#call({ verb: 'serves', key: { kind, name: kind } }, () => !this.#unserved.has(kind));
  }

  /** From now on this plan decides what goes wrong. */
  injectFaults(plan: FaultPlan): void {
    this.#faults = plan;
  }

  /** Says that the API of a kind is there to stay, or that its definition is missing or being deleted. */
  setServed(kind: Kind, served: boolean): void {
    if (served) this.#unserved.delete(kind);
    else this.#unserved.add(kind);
  }

  /** The object as it is now, without a call: for assertions. */
  peek<K extends Kind>(key: ObjectKey<K>): Kinds[K] | undefined {
    return this.#objects[key.kind].get(placeOf(key)) as unknown as Kinds[K] | undefined;
  }

  /** All objects of a kind as they are now, without a call: for assertions. */
  all<K extends Kind>(kind: K): readonly Kinds[K][] {
    return [...this.#objects[kind].values()] as unknown as readonly Kinds[K][];
  }

  /** Changes made through the port so far. */
  counts(): WriteCounts {
    return { ...this.#counts };
  }

  /** Creates or replaces all but the status, whoever made it. @throws STORE_INVALID */
  apply<K extends Kind>(object: Draft<Kinds[K]> & { readonly kind: K }): Kinds[K] {
    const key = keyOf(object);
    const current = this.#objects[key.kind].get(placeOf(key));
    const next = current === undefined ? this.#newborn(object) : nextRevision(current, object, this.#nextVersion());
    this.#commit(key, current, next);
    return next as unknown as Kinds[K];
  }

  /** A foreign change: `change` gets the object as it is and returns it as it shall be, status apart. @throws STORE_NOT_FOUND */
  edit<K extends Kind>(key: ObjectKey<K>, change: (current: Kinds[K]) => Draft<Kinds[K]> & { readonly kind: K }): Kinds[K] {
    const current = this.peek(key);
    if (current === undefined) throw notFound(key);
    return this.apply<K>(change(current));
  }

  /** Deletes the object, whatever its state; with finalizers it is marked only. @throws STORE_NOT_FOUND */
  remove(key: ObjectKey): void {
    const current = this.#objects[key.kind].get(placeOf(key));
    if (current === undefined) throw notFound(key);
    this.#drop(key, current);
  }

  async #call<T>(operation: Operation, act: () => T): Promise<T> {
    const { verb, key } = operation;
    await new Promise<void>((resolve) => this.#defer(resolve, { what: 'request', verb, key }));
    const outcome = this.#perform(operation, act);
    await new Promise<void>((resolve) => this.#defer(resolve, { what: 'response', verb, key }));
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  #perform<T>(operation: Operation, act: () => T): { readonly value: T } | { readonly error: Error } {
    const fault = this.#faults.operation(operation);
    if (fault?.kind === 'refused') return { error: fault.error };
    if (fault?.kind === 'conflict' && isChange(operation)) return { error: conflict(operation.key, 'another writer came first') };
    if (fault === undefined || fault.kind === 'conflict') return attempt(act);
    // Whatever comes of it: the answer, a refusal included, never reaches the caller.
    if (fault.applied) attempt(act);
    if (fault.kind === 'crash') return { error: new SimulatedCrash(operation, fault.applied) };
    return { error: unavailable(operation, fault.retryAfterMs) };
  }

  #create(key: ObjectKey, object: Incoming): Revision {
    if (this.#objects[key.kind].has(placeOf(key))) throw alreadyExists(key);
    const next = this.#newborn(object);
    this.#commit(key, undefined, next);
    this.#counts.created += 1;
    return next;
  }

  #replace(key: ObjectKey, object: Incoming, expect: Precondition): Revision {
    const current = this.#required(key, expect);
    const next = nextRevision(current, object, this.#nextVersion());
    if (this.#commit(key, current, next)) this.#counts.replaced += 1;
    return next;
  }

  #newborn(object: Incoming): Revision {
    const creationTimestamp = new Date(this.#options.nowMs()).toISOString().replace(/\.\d+Z$/u, 'Z');
    return firstRevision(object, { uid: this.#options.uid(), creationTimestamp, resourceVersion: this.#nextVersion() });
  }

  #required(key: ObjectKey, expect: Precondition): Revision {
    const current = this.#objects[key.kind].get(placeOf(key));
    if (current === undefined) throw notFound(key);
    requireState(key, current.metadata, expect);
    return current;
  }

  #drop(key: ObjectKey, current: Revision): void {
    if ((current.metadata.finalizers ?? []).length === 0) return this.#remove(key, current);
    if (current.metadata.deletionTimestamp !== undefined) return;
    const at = new Date(this.#options.nowMs()).toISOString().replace(/\.\d+Z$/u, 'Z');
    this.#commit(key, current, terminatingRevision(current, at, this.#nextVersion()));
  }

  #remove(key: ObjectKey, current: Revision): void {
    this.#objects[key.kind].delete(placeOf(key));
    this.#version += 1;
    this.#announce(key.kind, current, undefined);
  }

  /** Stores `next` unless it is the current revision. The last finalizer of an object being deleted takes it along. */
  #commit(key: ObjectKey, current: Revision | undefined, next: Revision): boolean {
    if (next === current) return false;
    const { deletionTimestamp, finalizers = [] } = next.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0) {
      this.#remove(key, next);
      return true;
    }
    this.#objects[key.kind].set(placeOf(key), next);
    this.#version = Number(next.metadata.resourceVersion);
    this.#announce(key.kind, current, next);
    return true;
  }

  #announce(kind: Kind, before: Revision | undefined, after: Revision | undefined): void {
    for (const watcher of this.#watchers.get(kind) ?? []) watcher.changed(before, after);
  }

  #nextVersion(): string {
    return String(this.#version + 1);
  }
}

function isChange(operation: Operation): boolean {
  return operation.verb !== 'get' && operation.verb !== 'serves' && operation.verb !== 'create';
}

function attempt<T>(act: () => T): { readonly value: T } | { readonly error: Error } {
  try {
    return { value: act() };
  } catch (error) {
    if (error instanceof Error) return { error };
    throw error;
  }
}

function unavailable(operation: Operation, retryAfterMs: number | undefined): MtlsdError {
  const object = describeKey(operation.key);
  return new MtlsdError('STORE_UNAVAILABLE', `${operation.verb} of ${object} got no answer from the store.`, {
    details: { object },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

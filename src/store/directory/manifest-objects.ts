import { deepFreeze, sameContent, wireCopy } from '../frozen.ts';
import { describeKey, keyOf, placeOf } from '../object-key.ts';
import type { Kind, ObjectKey, Precondition } from '../port.ts';
import { firstRevision, nextRevision, type Incoming, type Revision } from '../revision.ts';
import { notFound, requireState } from '../store-errors.ts';
import { acceptedIn, rejected, withAccepted } from './accepted-condition.ts';
import { asStoreError } from './failures.ts';
import { KeyedLock } from './keyed-lock.ts';
import type { InForce, ManifestPlan } from './manifest-plan.ts';
import type { StatusFiles } from './status-files.ts';
import type { Versions } from './versions.ts';
import type { WatchHub } from './watch-hub.ts';

/** Names the manifest that an object came from, below the folder of manifests. */
const sourceAnnotation = 'mtlsd.io/source';

/** The kinds that come from the folder of manifests. */
export const manifestKinds: readonly Kind[] = ['TrustDomain', 'WorkloadIdentity'];

interface ManifestObjectsParts {
  /** The kinds that come from one source: what it is silent about is dropped, of these kinds alone. */
  readonly kinds: readonly Kind[];
  readonly hubs: Readonly<Record<Kind, WatchHub>>;
  readonly files: StatusFiles;
  readonly versions: Versions;
  readonly nowMs: () => number;
  readonly newUid: () => string;
}

/** How many objects are written side by side: more only fills the queue of the disk. */
const writersMax = 8;

/**
 * The objects that manifests describe, as they are in force. Their spec follows the manifests, their status is the
 * controllers' but for the condition that says that a newer manifest was refused. Each change is on disk before anyone hears of it.
 */
export class ManifestObjects {
  readonly #parts: ManifestObjectsParts;
  readonly #lock = new KeyedLock();

  constructor(parts: ManifestObjectsParts) {
    this.#parts = parts;
  }

  /** Learns what was in force when the last run ended. Answers the paths of status files that cannot be used. */
  async load(): Promise<readonly string[]> {
    const { objects, damaged } = await this.#parts.files.load(this.#parts.kinds);
    for (const object of objects) {
      this.#parts.versions.seen(object.metadata.resourceVersion);
      this.#parts.hubs[object.kind].put(object);
    }
    return damaged.map(({ path, why }) => `${path}: ${why}`);
  }

  /** Whether objects of this kind come from here. */
  holds(kind: Kind): boolean {
    return this.#parts.kinds.includes(kind);
  }

  get(key: ObjectKey): Revision | undefined {
    return this.#parts.hubs[key.kind].get(placeOf(key));
  }

  /** How many objects are in force. */
  get count(): number {
    return this.#parts.kinds.reduce((sum, kind) => sum + this.#parts.hubs[kind].size, 0);
  }

  /** The manifest that an object in force came from. */
  sourceOf(key: ObjectKey): string | undefined {
    return this.get(key)?.metadata.annotations?.[sourceAnnotation];
  }

  /** What is in force, by `Kind namespace/name`. */
  inForce(): ReadonlyMap<string, InForce> {
    const all = new Map<string, InForce>();
    for (const kind of this.#parts.kinds) {
      for (const object of this.#parts.hubs[kind].all()) {
        const key = keyOf(object);
        all.set(describeKey(key), { key, source: object.metadata.annotations?.[sourceAnnotation] ?? '' });
      }
    }
    return all;
  }

  async patchStatus(key: ObjectKey, status: unknown, expect: Precondition): Promise<Revision> {
    return this.#lock.run(describeKey(key), async () => {
      const current = this.get(key);
      if (current === undefined) throw notFound(key);
      requireState(key, current.metadata, expect);
      const whole = withAccepted(wireCopy(status), acceptedIn(current.status));
      return this.#commit(key, current, this.#withStatus(current, whole));
    });
  }

  /** Brings the objects to what the manifests ask for. One object that cannot be written does not hold up the others; its error is thrown in the end. */
  async apply(plan: ManifestPlan): Promise<void> {
    const tasks = [
      ...plan.puts.map((put) => () => this.#put(put.key, put.object, put.source)),
      ...plan.kept.map(({ key, why }) => () => this.#reject(key, why)),
      ...plan.drops.map((key) => () => this.#drop(key)),
    ];
    const failures: unknown[] = [];
    const queue = tasks.values();
    const worker = async () => {
      for (const task of queue) await task().catch((error: unknown) => failures.push(error));
    };
    await Promise.all(Array.from({ length: Math.min(writersMax, tasks.length) }, worker));
    if (failures.length > 0) throw failures[0];
  }

  async idle(): Promise<void> {
    await this.#lock.idle();
  }

  async #put(key: ObjectKey, incoming: Incoming, source: string): Promise<void> {
    const metadata = { ...incoming.metadata, annotations: { ...incoming.metadata.annotations, [sourceAnnotation]: source } };
    const wanted: Incoming = { ...incoming, metadata };
    await this.#lock.run(describeKey(key), async () => {
      const current = this.get(key);
      const { versions } = this.#parts;
      const next = current === undefined ? this.#newborn(wanted) : nextRevision(current, wanted, versions.next());
      await this.#commit(key, current, this.#withStatus(next, withAccepted(next.status, undefined)));
    });
  }

  #newborn(wanted: Incoming): Revision {
    const creationTimestamp = new Date(this.#parts.nowMs()).toISOString().replace(/\.\d+Z$/u, 'Z');
    return firstRevision(wanted, { uid: this.#parts.newUid(), creationTimestamp, resourceVersion: this.#parts.versions.next() });
  }

  async #reject(key: ObjectKey, why: string): Promise<void> {
    await this.#lock.run(describeKey(key), async () => {
      const current = this.get(key);
      if (current === undefined) return;
      const condition = rejected(current.status, { why, observedGeneration: current.metadata.generation, nowMs: this.#parts.nowMs() });
      await this.#commit(key, current, this.#withStatus(current, withAccepted(current.status, condition)));
    });
  }

  async #drop(key: ObjectKey): Promise<void> {
    await this.#lock.run(describeKey(key), async () => {
      try {
        await this.#parts.files.remove(key);
      } catch (error) {
        throw asStoreError(key, this.#parts.files.pathOf(key), error);
      }
      this.#parts.hubs[key.kind].drop(placeOf(key));
    });
  }

  #withStatus(current: Revision, status: unknown): Revision {
    if (sameContent(status, current.status)) return current;
    const { status: _replaced, ...rest } = current;
    const metadata = { ...current.metadata, resourceVersion: this.#parts.versions.next() };
    return deepFreeze({ ...rest, metadata, ...(status === undefined ? {} : { status: wireCopy(status) }) });
  }

  async #commit(key: ObjectKey, current: Revision | undefined, next: Revision): Promise<Revision> {
    if (next === current) return next;
    try {
      await this.#parts.files.write(key, next);
    } catch (error) {
      throw asStoreError(key, this.#parts.files.pathOf(key), error);
    }
    this.#parts.hubs[key.kind].put(next);
    return next;
  }
}

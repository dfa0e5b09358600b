import { setTimeout as sleep } from 'node:timers/promises';
import { MtlsdError } from '../../errors/index.ts';
import type { Draft } from '../../resources/index.ts';
import { describeKey, keyOf, placeOf } from '../object-key.ts';
import type { Kind, Kinds, ObjectKey, Precondition, StatusKind, StatusOf, Store, Watched, WatchHandler, WatchSelector } from '../port.ts';
import { firstRevision, type Incoming, type Revision } from '../revision.ts';
import { alreadyExists } from '../store-errors.ts';
import { requirePathSafe } from './failures.ts';
import { KeyedLock } from './keyed-lock.ts';
import type { ManifestObjects } from './manifest-objects.ts';
import type { ProblemBoard } from './problem-board.ts';
import { holdsReceipts, type ProjectedForm } from './projected-form.ts';
import type { ProjectedObjects } from './projected-objects.ts';
import type { RecordFiles } from './record-files.ts';
import type { SourceProblem } from './source-problem.ts';
import type { Versions } from './versions.ts';
import type { WatchHub } from './watch-hub.ts';

/** How often, and after which pauses, a request that the store itself put there is looked for. */
const asksMax = 40;
const askPauseMs = 50;

/** What a directory store is put together from: see `openDirectoryStore`. */
export interface DirectoryStoreParts {
  readonly hubs: Readonly<Record<Kind, WatchHub>>;
  readonly manifests: ManifestObjects;
  /** Objects that people ask for in the output folder. */
  readonly requests: ManifestObjects;
  /** Puts a request into the output folder, as a person does. */
  readonly ask: (object: Incoming) => Promise<void>;
  readonly identities: ProjectedObjects;
  readonly identityForm: ProjectedForm;
  readonly bundles: ProjectedObjects;
  readonly receipts: ProjectedObjects;
  readonly records: RecordFiles;
  readonly board: ProblemBoard;
  readonly versions: Versions;
  readonly nowMs: () => number;
  readonly newUid: () => string;
  /** Looks for changes right now. */
  readonly scan: () => Promise<void>;
  /** Whether the manifests could be read at the last look. */
  readonly manifestsAvailable: () => boolean;
  /** Ends all that runs on its own, when nothing else does any more. */
  readonly stop: () => Promise<void>;
  readonly release: () => void;
}

/**
 * The store of a standalone mtlsd. TrustDomains and WorkloadIdentities come from a folder of manifests, CARotations from
 * `requests/` in the output folder, Secrets with an identity and ConfigMaps become folders of files for consumers, all other Secrets (authority records) are files in the
 * state folder. It promises what the port says, across restarts and crashes: a file is replaced whole or not at all, and
 * nothing that cannot be read counts as absent.
 */
export class DirectoryStore implements Store {
  readonly #parts: DirectoryStoreParts;
  /** A Secret can be born in two places: one birth of a name at a time. */
  readonly #births = new KeyedLock();
  #closing: Promise<void> | undefined;

  constructor(parts: DirectoryStoreParts) {
    this.#parts = parts;
  }

  watch<K extends Kind>(kind: K, selector: WatchSelector, handler: WatchHandler<Watched<K>>, signal: AbortSignal): void {
    this.#parts.hubs[kind].watch(selector, handler, signal);
  }

  async get<K extends Kind>(key: ObjectKey<K>): Promise<Kinds[K] | undefined> {
    this.#requireOpen(key);
    requirePathSafe(key);
    return (await this.#get(key)) as unknown as Kinds[K] | undefined;
  }

  async write<K extends Kind>(object: Draft<Kinds[K]> & { readonly kind: K }, expect: 'absent' | Precondition): Promise<Kinds[K]> {
    const key = keyOf(object);
    this.#requireOpen(key);
    requirePathSafe(key);
    const stored = expect === 'absent' ? await this.#create(key, object) : await this.#replace(key, object, expect);
    return stored as unknown as Kinds[K];
  }

  async patchStatus<K extends StatusKind>(key: ObjectKey<K>, status: StatusOf<K>, expect: Precondition): Promise<Kinds[K]> {
    this.#requireOpen(key);
    return (await this.#sourceOf(key.kind).patchStatus(key, status, expect)) as unknown as Kinds[K];
  }

  async delete(key: ObjectKey, expect: Precondition): Promise<void> {
    this.#requireOpen(key);
    requirePathSafe(key);
    if (key.kind === 'ConfigMap') return this.#configMaps(key).delete(key, expect);
    if (key.kind !== 'Secret') throw this.#notOurs(key);
    if (this.#parts.identities.has(placeOf(key))) return this.#parts.identities.delete(key, expect);
    return this.#parts.records.delete(key, expect);
  }

  /** Manifests that cannot be read say nothing about what is wanted; what only a cluster has is not served. */
  async serves(kind: Kind): Promise<boolean> {
    if (this.#parts.manifests.holds(kind)) return this.#parts.manifestsAvailable();
    return kind === 'Secret' || kind === 'ConfigMap' || this.#parts.requests.holds(kind);
  }

  /** All that is wrong in the folder of manifests, by file and line. */
  problems(): readonly SourceProblem[] {
    return this.#parts.board.problems;
  }

  /** Calls `listener` with all problems whenever they change. The result ends that. */
  onProblems(listener: (problems: readonly SourceProblem[]) => void): () => void {
    return this.#parts.board.listen(listener);
  }

  /** Looks for changes of manifests and foreign edits right now, instead of within a second. */
  async scan(): Promise<void> {
    if (this.#closing === undefined) await this.#parts.scan();
  }

  /** Ends everything and gives the state folder free. Calls that run are awaited. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const { stop, births, records, identities, bundles, receipts, manifests, requests, release } = { ...this.#parts, births: this.#births };
    await stop();
    for (const part of [births, records, identities, bundles, receipts, manifests, requests]) await part.idle();
    release();
  }

  async #get(key: ObjectKey): Promise<Revision | undefined> {
    if (key.kind === 'ConfigMap') return this.#configMaps(key).get(key);
    if (key.kind !== 'Secret') return this.#sourceOf(key.kind).get(key);
    if (this.#parts.identities.has(placeOf(key))) return this.#parts.identities.get(key);
    return this.#parts.records.get(key);
  }

  async #create(key: ObjectKey, object: Incoming): Promise<Revision> {
    const birth = () => this.#newborn(object);
    if (key.kind === 'ConfigMap') return this.#configMaps(key).create(key, birth);
    if (this.#parts.requests.holds(key.kind)) return this.#ask(key, object);
    if (key.kind !== 'Secret') throw this.#notOurs(key);
    return this.#births.run(placeOf(key), async () => {
      const { identities, records, identityForm } = this.#parts;
      if (identityForm.folderOf(object as Revision) === undefined) {
        if ((await identities.get(key)) !== undefined) throw alreadyExists(key);
        return records.create(key, birth);
      }
      if ((await records.get(key)) !== undefined) throw alreadyExists(key);
      return identities.create(key, birth);
    });
  }

  /** A request becomes an object as any other one does: when it has lain there for a moment. */
  async #ask(key: ObjectKey, object: Incoming): Promise<Revision> {
    const { requests, ask, scan } = this.#parts;
    if (requests.get(key) !== undefined) throw alreadyExists(key);
    await ask(object);
    for (let look = 0; look < asksMax; look += 1) {
      await scan();
      const taken = requests.get(key);
      if (taken !== undefined) return taken;
      await sleep(askPauseMs);
    }
    throw new MtlsdError('STORE_UNAVAILABLE', `${describeKey(key)} was asked for, and is not there yet.`, { details: { object: describeKey(key) } });
  }

  async #replace(key: ObjectKey, object: Incoming, expect: Precondition): Promise<Revision> {
    if (key.kind === 'ConfigMap') return this.#configMaps(key).replace(key, object, expect);
    if (key.kind !== 'Secret') throw this.#notOurs(key);
    if (this.#parts.identities.has(placeOf(key))) return this.#parts.identities.replace(key, object, expect);
    return this.#parts.records.replace(key, object, expect);
  }

  #configMaps({ name }: ObjectKey): ProjectedObjects {
    return holdsReceipts(name) ? this.#parts.receipts : this.#parts.bundles;
  }

  #sourceOf(kind: Kind): ManifestObjects {
    return this.#parts.requests.holds(kind) ? this.#parts.requests : this.#parts.manifests;
  }

  #newborn(object: Incoming): Revision {
    const creationTimestamp = new Date(this.#parts.nowMs()).toISOString().replace(/\.\d+Z$/u, 'Z');
    return firstRevision(object, { uid: this.#parts.newUid(), creationTimestamp, resourceVersion: this.#parts.versions.next() });
  }

  #notOurs(key: ObjectKey): MtlsdError {
    const object = describeKey(key);
    const sources = this.#sourceOf(key.kind);
    const source = sources.sourceOf(key) ?? 'the folder of manifests';
    const why = sources.holds(key.kind) ? `comes from ${source}: only the manifest changes it` : 'cannot be written: outside a cluster there is no such kind';
    return new MtlsdError('STORE_FORBIDDEN', `${object} ${why}.`, { details: { object } });
  }

  #requireOpen(key: ObjectKey): void {
    if (this.#closing === undefined) return;
    const object = describeKey(key);
    throw new MtlsdError('STORE_UNAVAILABLE', `${object} cannot be reached: the store is closed.`, { details: { object } });
  }
}

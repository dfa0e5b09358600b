import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MtlsdError } from '../../errors/index.ts';
import { describeKey, keyOf, placeOf } from '../object-key.ts';
import type { ObjectKey, Precondition } from '../port.ts';
import { nextRevision, type Incoming, type Revision } from '../revision.ts';
import { alreadyExists, conflict, notFound, requireState } from '../store-errors.ts';
import { ensureFolders, temporaryPrefix } from './atomic-file.ts';
import { errnoOf, type Disk } from './disk.ts';
import { asStoreError } from './failures.ts';
import { fingerprint, readFiles, readMeta, sweepGenerations, writeGeneration } from './generation-folder.ts';
import { KeyedLock } from './keyed-lock.ts';
import { decodeMeta, encodeMeta, joinObject, type ProjectedForm } from './projected-form.ts';
import type { Versions } from './versions.ts';
import type { WatchHub } from './watch-hub.ts';

interface Placement {
  readonly folder: string;
  /** The files that belong there. */
  readonly names: readonly string[];
  /** See `fingerprint`: a foreign edit changes it, and with it the resourceVersion. */
  readonly print: string;
}

interface ReadObject {
  readonly object: Revision;
  readonly placement: Placement;
}

/** What the objects of one form share. */
export interface ProjectedParts {
  readonly root: string;
  readonly form: ProjectedForm;
  readonly hub: WatchHub;
  readonly disk: Disk;
  readonly versions: Versions;
  /** A short text, new at each call. */
  readonly tag: () => string;
}

const folderMode = 0o755;
/** A folder on its way out. */
const gonePrefix = '.gone-';

/**
 * Objects of one kind as folders of files in kubelet's layout. Content is read from disk for each answer and never kept;
 * what someone else does to the files shows as another resourceVersion, or as a removal.
 */
export class ProjectedObjects {
  readonly #parts: ProjectedParts;
  readonly #placements = new Map<string, Placement>();
  /** Folder → place: a folder holds one object. */
  readonly #holders = new Map<string, string>();
  readonly #lock = new KeyedLock();

  constructor(parts: ProjectedParts) {
    this.#parts = parts;
  }

  has(place: string): boolean {
    return this.#placements.has(place);
  }

  /** Sweeps what a crash left behind and learns what is there. Only at start. Answers the folders that nobody can read. */
  async load(): Promise<readonly string[]> {
    const unusable: string[] = [];
    const { root, form } = this.#parts;
    const above = form.depth === 1 ? [root] : (await folders(root)).map((namespace) => join(root, namespace));
    for (const parent of above) {
      for (const name of await folders(parent)) {
        const folder = join(parent, name);
        if (name.startsWith(gonePrefix) || name.startsWith(temporaryPrefix)) {
          await this.#parts.disk.removeTree(folder);
          continue;
        }
        const usable = await sweepGenerations(this.#parts.disk, folder);
        const found = usable ? await this.#read(folder) : undefined;
        if (found !== undefined) this.#remember(found);
        else if (usable) unusable.push(folder);
      }
    }
    return unusable;
  }

  async get(key: ObjectKey): Promise<Revision | undefined> {
    return this.#exclusive(key, () => this.#current(key));
  }

  /** `birth` makes the first revision. The caller has made sure that nothing of this key exists elsewhere. */
  async create(key: ObjectKey, birth: () => Revision): Promise<Revision> {
    return this.#exclusive(key, async () => {
      if ((await this.#current(key)) !== undefined) {
        throw alreadyExists(key);
      }
      const object = birth();
      return this.#commit(key, this.#folderOf(object), object);
    });
  }

  async replace(key: ObjectKey, incoming: Incoming, expect: Precondition): Promise<Revision> {
    return this.#exclusive(key, async () => {
      const current = await this.#required(key, expect);
      const next = nextRevision(current, incoming, this.#parts.versions.next());
      if (next === current) return current;
      const folder = this.#folderOf(next);
      if (folder !== this.#placements.get(placeOf(key))?.folder) {
        throw new MtlsdError('STORE_INVALID', `${describeKey(key)} was refused: it cannot move to the identity ${folder}; delete it and create it again.`, { details: { object: describeKey(key) } });
      }
      return this.#commit(key, folder, next);
    });
  }

  async delete(key: ObjectKey, expect: Precondition): Promise<void> {
    await this.#exclusive(key, async () => {
      await this.#required(key, expect);
      const folder = this.#placements.get(placeOf(key))?.folder;
      if (folder === undefined) throw notFound(key);
      const gone = join(dirname(folder), `${gonePrefix}${this.#parts.tag()}`);
      try {
        await this.#parts.disk.move(folder, gone);
        await this.#parts.disk.syncFolder(dirname(folder));
      } catch (error) {
        throw asStoreError(key, folder, error);
      }
      this.#forget(placeOf(key));
      // The object is gone; what is left of its files is swept at the next start at the latest.
      await this.#parts.disk.removeTree(gone).catch(() => undefined);
    });
  }

  /** The places of all objects, for a check in slices. */
  places(): readonly string[] {
    return [...this.#placements.keys()];
  }

  /** Looks whether someone else touched the files of the object, without reading them, and tells watches if so. */
  async recheck(place: string): Promise<void> {
    const placement = this.#placements.get(place);
    if (placement === undefined || fingerprint(placement.folder, placement.names) === placement.print) return;
    await this.get(this.#keyAt(place));
  }

  async idle(): Promise<void> {
    await this.#lock.idle();
  }

  #keyAt(place: string): ObjectKey {
    const [namespace = '', name = ''] = place.split('/');
    return { kind: this.#parts.form.kind, namespace, name };
  }

  #folderOf(object: Revision): string {
    const below = this.#parts.form.folderOf(object);
    if (below === undefined) throw conflict(keyOf(object), 'it no longer belongs to an identity');
    return join(this.#parts.root, ...below);
  }

  async #exclusive<T>(key: ObjectKey, task: () => Promise<T>): Promise<T> {
    return this.#lock.run(placeOf(key), task);
  }

  async #required(key: ObjectKey, expect: Precondition): Promise<Revision> {
    const current = await this.#current(key);
    if (current === undefined) throw notFound(key);
    requireState(key, current.metadata, expect);
    return current;
  }

  /** Reads the object afresh; watches hear of it when it is not what it was. */
  async #current(key: ObjectKey): Promise<Revision | undefined> {
    const place = placeOf(key);
    const placement = this.#placements.get(place);
    if (placement === undefined) return undefined;
    const found = await this.#read(placement.folder).catch((error: unknown) => {
      throw asStoreError(key, placement.folder, error);
    });
    if (found === undefined || placeOf(keyOf(found.object)) !== place) {
      this.#forget(place);
      return undefined;
    }
    this.#remember(found);
    return found.object;
  }

  async #read(folder: string): Promise<ReadObject | undefined> {
    // Someone else may edit meanwhile: the version must be that of the bytes.
    for (let attempt = 1; ; attempt += 1) {
      const text = await readMeta(folder);
      const meta = text === undefined ? undefined : decodeMeta(this.#parts.form, text);
      if (meta === undefined) return undefined;
      const before = fingerprint(folder, meta.files);
      const files = await readFiles(folder, meta.files);
      const print = fingerprint(folder, meta.files);
      if (print === undefined) return undefined;
      if (before !== print && attempt < 4) continue;
      const object = joinObject(this.#parts.form, meta.object, files, `${meta.object.metadata.resourceVersion}-${print}`);
      return { object, placement: { folder, names: meta.files, print } };
    }
  }

  async #commit(key: ObjectKey, folder: string, object: Revision): Promise<Revision> {
    return this.#lock.run(folder, async () => {
      const files = this.#parts.form.files(object);
      let print: string;
      try {
        await ensureFolders(this.#parts.disk, this.#parts.root, folder.slice(this.#parts.root.length + 1).split('/'), folderMode);
        print = await writeGeneration(this.#parts.disk, folder, `${object.metadata.resourceVersion}-${this.#parts.tag()}`, encodeMeta(object), files);
      } catch (error) {
        await this.#resync(folder);
        throw asStoreError(key, folder, error);
      }
      const names = files.map((file) => file.name);
      const version = `${object.metadata.resourceVersion}-${print}`;
      const stored = Object.freeze({ ...object, metadata: Object.freeze({ ...object.metadata, resourceVersion: version }) });
      this.#remember({ object: stored, placement: { folder, names, print } });
      return stored;
    });
  }

  /** After a write that failed midway: what is in force is what the disk says. */
  async #resync(folder: string): Promise<void> {
    const found = await this.#read(folder).catch(() => undefined);
    if (found !== undefined) this.#remember(found);
  }

  #remember({ object, placement }: ReadObject): void {
    const place = placeOf(keyOf(object));
    const holder = this.#holders.get(placement.folder);
    // Another Secret of the same identity took the folder over: the files are one set, the old object is no more.
    if (holder !== undefined && holder !== place) this.#forget(holder);
    this.#parts.versions.seen(object.metadata.resourceVersion);
    this.#placements.set(place, placement);
    this.#holders.set(placement.folder, place);
    const known = this.#parts.hub.get(place)?.metadata;
    if (known?.resourceVersion === object.metadata.resourceVersion && known.uid === object.metadata.uid) return;
    this.#parts.hub.put(this.#parts.form.remembered(object));
  }

  #forget(place: string): void {
    const placement = this.#placements.get(place);
    this.#placements.delete(place);
    if (placement !== undefined && this.#holders.get(placement.folder) === place) this.#holders.delete(placement.folder);
    this.#parts.hub.drop(place);
  }
}

async function folders(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

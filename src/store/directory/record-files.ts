import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMtlsdError, MtlsdError } from '../../errors/index.ts';
import { deepFreeze } from '../frozen.ts';
import { describeKey, keyOf, placeOf } from '../object-key.ts';
import type { ObjectKey, Precondition } from '../port.ts';
import { nextRevision, type Incoming, type Revision } from '../revision.ts';
import { alreadyExists, notFound, requireState } from '../store-errors.ts';
import { ensureFolders, replaceFile, temporaryPrefix } from './atomic-file.ts';
import { errnoOf, type Disk } from './disk.ts';
import { asStoreError } from './failures.ts';
import { KeyedLock } from './keyed-lock.ts';
import type { Versions } from './versions.ts';
import type { WatchHub } from './watch-hub.ts';

interface RecordParts {
  /** The state folder, which exists. */
  readonly state: string;
  readonly hub: WatchHub;
  readonly disk: Disk;
  readonly versions: Versions;
  readonly tag: () => string;
}

/** The version of the form in which records are written. */
const recordVersion = 1;
const folderMode = 0o700;
const fileAccess = { mode: 0o600 };

/**
 * Secrets that belong to mtlsd alone, authority records above all: one JSON file each in the state folder. A file that
 * cannot be read as a record is an error for whoever asks for it, never an absence: it may hold the only copy of a key.
 */
export class RecordFiles {
  readonly #parts: RecordParts;
  readonly #lock = new KeyedLock();

  constructor(parts: RecordParts) {
    this.#parts = parts;
  }

  /** The file of the Secret at `key`. */
  pathOf(key: ObjectKey): string {
    return join(this.#parts.state, 'secrets', key.namespace ?? '', `${key.name}.json`);
  }

  /** Sweeps temporary files and learns what is there. Answers what is wrong with files that cannot be used. */
  async load(): Promise<readonly MtlsdError[]> {
    const problems: MtlsdError[] = [];
    const root = join(this.#parts.state, 'secrets');
    for (const namespace of await entries(root)) {
      for (const file of await entries(join(root, namespace))) {
        if (file.startsWith(temporaryPrefix)) await this.#parts.disk.remove(join(root, namespace, file));
        if (file.startsWith(temporaryPrefix) || !file.endsWith('.json')) continue;
        const key = { kind: 'Secret', namespace, name: file.slice(0, -'.json'.length) } as const;
        try {
          await this.get(key);
        } catch (error) {
          if (!isMtlsdError(error)) throw error;
          problems.push(error);
        }
      }
    }
    return problems;
  }

  /** @throws STORE_STATE_DAMAGED, STORE_STATE_NEWER, STORE_UNAVAILABLE */
  async get(key: ObjectKey): Promise<Revision | undefined> {
    return this.#lock.run(placeOf(key), () => this.#current(key));
  }

  async create(key: ObjectKey, birth: () => Revision): Promise<Revision> {
    return this.#lock.run(placeOf(key), async () => {
      if ((await this.#current(key)) !== undefined) throw alreadyExists(key);
      return this.#commit(key, birth());
    });
  }

  async replace(key: ObjectKey, incoming: Incoming, expect: Precondition): Promise<Revision> {
    return this.#lock.run(placeOf(key), async () => {
      const current = await this.#required(key, expect);
      const next = nextRevision(current, incoming, this.#parts.versions.next());
      return next === current ? current : this.#commit(key, next);
    });
  }

  async delete(key: ObjectKey, expect: Precondition): Promise<void> {
    await this.#lock.run(placeOf(key), async () => {
      await this.#required(key, expect);
      const path = this.pathOf(key);
      try {
        await this.#parts.disk.remove(path);
        await this.#parts.disk.syncFolder(join(path, '..'));
      } catch (error) {
        throw asStoreError(key, path, error);
      }
      this.#parts.hub.drop(placeOf(key));
    });
  }

  async idle(): Promise<void> {
    await this.#lock.idle();
  }

  async #required(key: ObjectKey, expect: Precondition): Promise<Revision> {
    const current = await this.#current(key);
    if (current === undefined) throw notFound(key);
    requireState(key, current.metadata, expect);
    return current;
  }

  async #current(key: ObjectKey): Promise<Revision | undefined> {
    const path = this.pathOf(key);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw asStoreError(key, path, error);
      this.#parts.hub.drop(placeOf(key));
      return undefined;
    }
    const object = decode(key, path, text);
    this.#remember(object);
    return object;
  }

  async #commit(key: ObjectKey, object: Revision): Promise<Revision> {
    const path = this.pathOf(key);
    const text = `${JSON.stringify({ version: recordVersion, ...object }, undefined, 2)}\n`;
    try {
      await ensureFolders(this.#parts.disk, this.#parts.state, ['secrets', key.namespace ?? ''], folderMode);
      await replaceFile(this.#parts.disk, path, Buffer.from(text, 'utf8'), fileAccess, this.#parts.tag());
    } catch (error) {
      throw asStoreError(key, path, error);
    }
    this.#remember(object);
    return object;
  }

  #remember(object: Revision): void {
    this.#parts.versions.seen(object.metadata.resourceVersion);
    const known = this.#parts.hub.get(placeOf(keyOf(object)))?.metadata;
    if (known?.resourceVersion === object.metadata.resourceVersion && known.uid === object.metadata.uid) return;
    const { data: _contentsStayOnDisk, ...rest } = object as Revision & { readonly data?: unknown };
    this.#parts.hub.put(Object.freeze(rest));
  }
}

function decode(key: ObjectKey, path: string, text: string): Revision {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may be a key.
    throw damaged(key, path, 'it is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null) throw damaged(key, path, 'it is no JSON object');
  const { version, ...object } = parsed as Partial<Revision> & { readonly version?: unknown; readonly data?: unknown };
  if (typeof version === 'number' && version > recordVersion) {
    throw new MtlsdError('STORE_STATE_NEWER', `${path} was written by a newer mtlsd (version ${version} of its form, this mtlsd knows ${recordVersion}). Run the newer version again, or restore a backup of this version.`, { details: { path } });
  }
  if (version !== recordVersion) throw damaged(key, path, 'its version is missing');
  const fault = faultOf(key, object);
  if (fault !== undefined) throw damaged(key, path, fault);
  return deepFreeze(object as Revision);
}

function faultOf(key: ObjectKey, object: Partial<Revision> & { readonly data?: unknown }): string | undefined {
  const { kind, metadata, data } = object;
  if (kind !== key.kind) return 'it is no Secret';
  if (metadata?.name !== key.name || metadata.namespace !== key.namespace) return 'it holds an object of another name';
  if (!metadata.uid || !metadata.resourceVersion || !metadata.creationTimestamp) return 'its metadata is incomplete';
  const values: readonly unknown[] = typeof data === 'object' && data !== null ? Object.values(data) : [undefined];
  return values.every((value) => typeof value === 'string') ? undefined : 'its data is missing';
}

function damaged(key: ObjectKey, path: string, why: string): MtlsdError {
  return new MtlsdError('STORE_STATE_DAMAGED', `${describeKey(key)} cannot be read: ${path} is damaged (${why}). Restore this file from a backup; mtlsd never replaces it by itself.`, { details: { path } });
}

async function entries(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

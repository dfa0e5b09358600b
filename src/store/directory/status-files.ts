import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { deepFreeze } from '../frozen.ts';
import { isKind, kindTraits } from '../object-key.ts';
import type { Kind, ObjectKey } from '../port.ts';
import type { Revision } from '../revision.ts';
import { ensureFolders, replaceFile, temporaryPrefix } from './atomic-file.ts';
import { errnoOf, type Disk } from './disk.ts';

const folderMode = 0o755;
const fileAccess = { mode: 0o644 };
const extension = '.yaml';

/** A status file that is not what it should be. */
interface DamagedStatus {
  readonly path: string;
  readonly why: string;
}

/**
 * One YAML file an object, spec and status: for people to read, and the memory of what was last in force, so that a restart
 * keeps uid, generation and the last good version of a manifest that is broken now.
 */
export class StatusFiles {
  readonly #out: string;
  readonly #disk: Disk;
  readonly #tag: () => string;

  constructor(out: string, disk: Disk, tag: () => string) {
    this.#out = out;
    this.#disk = disk;
    this.#tag = tag;
  }

  pathOf(key: ObjectKey): string {
    return join(this.#out, ...folderParts(key), `${key.name}${extension}`);
  }

  /** Everything that is there, and what of it cannot be used. Sweeps temporary files. */
  async load(kinds: readonly Kind[]): Promise<{ readonly objects: readonly Revision[]; readonly damaged: readonly DamagedStatus[] }> {
    const objects: Revision[] = [];
    const damaged: DamagedStatus[] = [];
    for (const kind of kinds) {
      for (const path of await this.#filesOf(kind)) {
        const object = decode(kind, await readFile(path, 'utf8'));
        if (object !== undefined && this.pathOf({ kind, ...object.metadata }) === path) objects.push(object);
        else damaged.push({ path, why: `it is no ${kind} of that name` });
      }
    }
    return { objects, damaged };
  }

  async write(key: ObjectKey, object: Revision): Promise<void> {
    const text = stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });
    await ensureFolders(this.#disk, this.#out, folderParts(key), folderMode);
    await replaceFile(this.#disk, this.pathOf(key), Buffer.from(text, 'utf8'), fileAccess, this.#tag());
  }

  async remove(key: ObjectKey): Promise<void> {
    const path = this.pathOf(key);
    await this.#disk.remove(path);
    await this.#disk.syncFolder(dirname(path)).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
    });
  }

  async #filesOf(kind: Kind): Promise<readonly string[]> {
    const root = join(this.#out, 'status', kind);
    const folders = kindTraits[kind].namespaced ? (await names(root)).map((namespace) => join(root, namespace)) : [root];
    const files: string[] = [];
    for (const folder of folders) {
      for (const name of await names(folder)) {
        const path = join(folder, name);
        if (name.startsWith(temporaryPrefix)) await this.#disk.remove(path);
        else if (name.endsWith(extension)) files.push(path);
      }
    }
    return files;
  }
}

function folderParts(key: ObjectKey): readonly string[] {
  return ['status', key.kind, ...(key.namespace === undefined ? [] : [key.namespace])];
}

function decode(kind: Kind, text: string): Revision | undefined {
  try {
    const object = parse(text) as Partial<Revision> | null;
    const { metadata } = object ?? {};
    if (object?.kind === undefined || !isKind(object.kind) || object.kind !== kind || metadata === undefined) return undefined;
    const { name, uid, resourceVersion, creationTimestamp } = metadata;
    const texts: readonly unknown[] = [object.apiVersion, name, uid, resourceVersion, creationTimestamp];
    return texts.every((part) => typeof part === 'string' && part !== '') ? deepFreeze(object as Revision) : undefined;
  } catch {
    return undefined;
  }
}

async function names(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

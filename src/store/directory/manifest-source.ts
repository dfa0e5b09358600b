import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describeKey } from '../object-key.ts';
import { errnoOf } from './disk.ts';
import { lookAtFolder, signatureOf, type FileLook, type FolderLook } from './manifest-folder.ts';
import type { ManifestObjects } from './manifest-objects.ts';
import { planManifests } from './manifest-plan.ts';
import type { Kind } from '../port.ts';
import { manifestBytesMax, parseManifest, type ParsedManifest } from './manifest-text.ts';
import { problem, type SourceProblem } from './source-problem.ts';

/** A file must look the same for this long before it is read: editors write in steps. */
const settleMs = 100;
/** A file must be gone for this long before its objects go: editors remove and create. */
const goneMs = 300;

interface KnownFile {
  /** How it looked when it was read, or tried to be. */
  readonly signature: string;
  readonly parsed: ParsedManifest;
  /** It could not be read, which may pass without a trace on the file: it is tried at each scan. */
  readonly retry?: boolean;
  readonly pending?: Change | undefined;
}

/** A change that has been seen, but is not acted upon yet. */
interface Change {
  readonly signature: string;
  readonly sinceMs: number;
}

/** What a scan came to. */
export interface ScanResult {
  /** A change is waiting to settle: look again after so many milliseconds. */
  readonly againInMs: number | undefined;
  readonly folders: readonly string[];
}

const never: ParsedManifest = { entries: [], problems: [], complete: false };

/** A folder whose files become objects. */
export interface SourceFolder {
  readonly root: string;
  /** What it is called in messages: `the folder of manifests`. */
  readonly called: string;
  /** What stands before its files in messages, so that they tell from which folder they are: empty, or ending in a slash. */
  readonly prefix: string;
  /** Why objects of a kind cannot be here, and what to do instead; undefined when they can. */
  readonly refuses: (kind: Kind) => string | undefined;
}

/**
 * Follows a folder of manifests. Nothing that cannot be read, half-written or not, removes anything: objects go when their
 * file is gone or, read whole, is silent about them.
 */
export class ManifestSource {
  readonly #folder: SourceFolder;
  readonly #objects: ManifestObjects;
  readonly #monotonicMs: () => number;
  #files = new Map<string, KnownFile>();
  /** What was last put in force, by `Kind namespace/name`: the very object that came out of the parser. */
  readonly #applied = new Map<string, unknown>();
  #identity: string | undefined;
  #available = false;
  #problems: readonly SourceProblem[] = [];
  #dirty = true;

  constructor(folder: SourceFolder, objects: ManifestObjects, monotonicMs: () => number) {
    this.#folder = folder;
    this.#objects = objects;
    this.#monotonicMs = monotonicMs;
  }

  get problems(): readonly SourceProblem[] {
    const { prefix } = this.#folder;
    return prefix === '' ? this.#problems : this.#problems.map((each) => ({ ...each, file: each.file === '' ? '' : `${prefix}${each.file}` }));
  }

  /** Whether the folder could be read at the last look: then what is not in it is not wanted. */
  get available(): boolean {
    return this.#available;
  }

  /** Looks for changes and acts on those that have settled; at the first scan, on all that is there. */
  async scan(): Promise<ScanResult> {
    const look = await lookAtFolder(this.#folder.root);
    const trouble = this.#rootTrouble(look);
    if ('error' in look || trouble !== undefined) {
      this.#available = false;
      this.#dirty = true;
      this.#problems = trouble === undefined ? [] : [trouble];
      return { againInMs: undefined, folders: [] };
    }
    const first = !this.#available && this.#files.size === 0;
    this.#available = true;
    this.#identity = look.identity;
    if (first) this.#expectSources();
    let waitMs = Number.POSITIVE_INFINITY;
    for (const [path, file] of look.files) waitMs = Math.min(waitMs, await this.#consider(path, file, first));
    for (const path of this.#files.keys()) if (!look.files.has(path)) waitMs = Math.min(waitMs, this.#considerMissing(path, look.unlisted));
    if (this.#dirty) await this.#apply();
    return { againInMs: Number.isFinite(waitMs) ? Math.max(waitMs, 10) : undefined, folders: look.folders };
  }

  #rootTrouble(look: FolderLook | { readonly error: string }): SourceProblem | undefined {
    const count = this.#objects.count;
    const { called, root } = this.#folder;
    const stay = count === 0 ? '' : `; its ${count} objects stay as they are`;
    if ('error' in look) {
      const what = look.error === 'ENOENT' ? 'is missing' : look.error === 'ENOTDIR' ? 'is a file, and no folder' : `cannot be listed (${look.error})`;
      return problem('MANIFESTS_UNAVAILABLE', '', `${called} ${root} ${what}${stay}`);
    }
    // A person who removes the last manifest leaves the same folder behind; a mount that went away does not.
    if (look.empty && count > 0 && look.identity !== this.#identity) {
      return problem('MANIFESTS_UNAVAILABLE', '', `${called} ${root} is empty, as after a lost mount${stay}`);
    }
    return undefined;
  }

  /** Files of which objects are in force are known, even if they were never read in this run. */
  #expectSources(): void {
    for (const { source } of this.#objects.inForce().values()) {
      if (source !== '' && !this.#files.has(source)) this.#files.set(source, { signature: '', parsed: never });
    }
  }

  /** Answers how long to wait for this file, in milliseconds. */
  async #consider(path: string, look: FileLook, first: boolean): Promise<number> {
    const known = this.#files.get(path);
    const signature = 'signature' in look ? look.signature : `unreadable ${look.unreadable}`;
    if (known?.signature === signature) {
      if (known.pending !== undefined) this.#files.set(path, { ...known, pending: undefined });
      if (known.retry !== true) return Number.POSITIVE_INFINITY;
    }
    const wait = first || known?.signature === signature ? 0 : this.#settle(path, signature, settleMs);
    if (wait > 0) return wait;
    const read = 'signature' in look ? await this.#read(path, signature) : { signature, parsed: unreadable(path, look.unreadable) };
    if (read === undefined) return settleMs;
    this.#files.set(path, read);
    if (!(known?.retry === true && read.retry === true)) this.#dirty = true;
    return Number.POSITIVE_INFINITY;
  }

  #considerMissing(path: string, unlisted: ReadonlyMap<string, string>): number {
    const folder = [...unlisted].find(([below]) => path.startsWith(below));
    if (folder !== undefined) {
      const [below, errno] = folder;
      const signature = `unlisted ${errno}`;
      if (this.#files.get(path)?.signature !== signature) {
        this.#files.set(path, { signature, parsed: unreadable(path, errno, below) });
        this.#dirty = true;
      }
      return Number.POSITIVE_INFINITY;
    }
    const wait = this.#settle(path, 'gone', goneMs);
    if (wait > 0) return wait;
    this.#files.delete(path);
    this.#dirty = true;
    return Number.POSITIVE_INFINITY;
  }

  /** How long the file must still look like `signature`; 0 when it has for long enough. */
  #settle(path: string, signature: string, forMs: number): number {
    const known = this.#files.get(path);
    const nowMs = this.#monotonicMs();
    if (known?.pending?.signature === signature) return Math.max(0, Math.ceil(known.pending.sinceMs + forMs - nowMs));
    this.#files.set(path, { signature: known?.signature ?? '', parsed: known?.parsed ?? nothingYet, pending: { signature, sinceMs: nowMs } });
    return forMs;
  }

  /** Undefined when the file changed while it was read. */
  async #read(path: string, signature: string): Promise<KnownFile | undefined> {
    const absolute = join(this.#folder.root, path);
    try {
      const before = await stat(absolute);
      // A huge file is judged by its size alone.
      const bytes = before.size > manifestBytesMax ? new Uint8Array(manifestBytesMax + 1) : await readFile(absolute);
      if (signatureOf(before) !== signature || signatureOf(await stat(absolute)) !== signature) return undefined;
      return { signature, parsed: this.#sift(parseManifest(path, bytes, (key) => this.#objects.get(key))) };
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      return errno === 'ENOENT' ? undefined : { signature, parsed: unreadable(path, errno), retry: true };
    }
  }

  /** What belongs elsewhere is a problem, and no object. */
  #sift(parsed: ParsedManifest): ParsedManifest {
    const misplaced = parsed.entries.flatMap(({ key, file, line }) => {
      const why = this.#folder.refuses(key.kind);
      return why === undefined ? [] : [problem('MANIFEST_INVALID', file, why, { line, object: describeKey(key) })];
    });
    if (misplaced.length === 0) return parsed;
    const entries = parsed.entries.filter(({ key }) => this.#folder.refuses(key.kind) === undefined);
    return { ...parsed, entries, problems: [...parsed.problems, ...misplaced] };
  }

  async #apply(): Promise<void> {
    const files = new Map<string, ParsedManifest>();
    for (const [path, { parsed, pending }] of this.#files) {
      // A file on its way out still holds its objects, but does not dispute them with the file that they moved to.
      files.set(path, pending?.signature === 'gone' ? { ...parsed, entries: [], complete: false } : parsed);
    }
    const plan = planManifests(files, this.#objects.inForce());
    this.#problems = plan.problems;
    const kept = plan.kept.filter(({ key }) => !this.#isLeaving(key));
    // With many manifests, one edit must not cost a comparison of all.
    const puts = plan.puts.filter(({ key, object }) => this.#applied.get(describeKey(key)) !== object);
    for (const { key } of [...kept, ...puts]) this.#applied.delete(describeKey(key));
    for (const key of plan.drops) this.#applied.delete(describeKey(key));
    await this.#objects.apply({ ...plan, puts, kept });
    for (const { key, object } of puts) this.#applied.set(describeKey(key), object);
    this.#dirty = false;
  }

  #isLeaving(key: Parameters<ManifestObjects['get']>[0]): boolean {
    const source = this.#objects.sourceOf(key);
    return source !== undefined && this.#files.get(source)?.pending?.signature === 'gone';
  }
}

/** A file that was seen but not read yet: it asks for nothing. */
const nothingYet: ParsedManifest = { entries: [], problems: [], complete: true };

function unreadable(path: string, errno: string, folder?: string): ParsedManifest {
  const what = folder === undefined || folder === '' ? 'the file' : `its folder ${folder}`;
  return { entries: [], problems: [problem('MANIFEST_UNREADABLE', path, `${what} cannot be read (${errno})`)], complete: false };
}

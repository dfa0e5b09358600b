import { readdirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf } from './disk.ts';

/** What one look at a file shows without reading it. */
export type FileLook =
  | { readonly signature: string }
  /** It is there, but cannot be looked at. */
  | { readonly unreadable: string };

/** What one look at the folder of manifests shows. */
export interface FolderLook {
  /** Device and inode of the folder: another one means that something was mounted or unmounted. */
  readonly identity: string;
  /** Whether there is nothing at all in it. */
  readonly empty: boolean;
  /** By path below the folder. */
  readonly files: ReadonlyMap<string, FileLook>;
  /** Folders (paths below, ending in a slash) that could not be listed: what is in them is unknown. */
  readonly unlisted: ReadonlyMap<string, string>;
  /** Absolute paths of all folders, to be watched. */
  readonly folders: readonly string[];
}

const manifestName = /\.(?:ya?ml|json)$/u;
const depthMax = 16;
const filesMax = 100_000;
/** How many files are looked at before other work gets its turn. */
const slice = 500;

/**
 * Looks at all manifests below `root` in the order of their paths. Dot-files are left out (editors' and kubelet's own), so
 * are names that end in `~` or are otherwise no manifests. Symbolic links are followed to files and folders; what two paths
 * lead to counts once, so that loops end. Answers the error code when the folder itself cannot be listed.
 */
export async function lookAtFolder(root: string): Promise<FolderLook | { readonly error: string }> {
  const walk = new Walk(root);
  try {
    const stats = statSync(root);
    const empty = readdirSync(root).length === 0;
    await walk.folder('', stats, 0);
    const failure = walk.unlisted.get('');
    if (failure !== undefined) return { error: failure };
    return { identity: `${stats.dev}:${stats.ino}`, empty, files: walk.files, unlisted: walk.unlisted, folders: walk.folders };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    return { error: errno };
  }
}

/** What a file looks like: any write, replacement or change of access makes another one. */
export function signatureOf(stats: Stats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}`;
}

class Walk {
  readonly files = new Map<string, FileLook>();
  readonly unlisted = new Map<string, string>();
  readonly folders: string[] = [];
  readonly #root: string;
  readonly #seen = new Set<string>();
  #sinceTurn = 0;

  constructor(root: string) {
    this.#root = root;
  }

  async folder(below: string, stats: Stats, depth: number): Promise<void> {
    if (this.#alreadySeen(stats)) return;
    const path = join(this.#root, below);
    let names: string[];
    try {
      names = readdirSync(path).sort();
    } catch (error) {
      // A folder that went away between two calls is no failure.
      if (errnoOf(error) !== 'ENOENT' || below === '') this.unlisted.set(below, errnoOf(error) ?? 'unknown');
      return;
    }
    this.folders.push(path);
    for (const name of names) {
      if (name.startsWith('.')) continue;
      if (this.files.size >= filesMax) {
        this.unlisted.set('', `more than ${filesMax} manifests`);
        return;
      }
      await this.#entry(below, name, depth);
    }
  }

  async #entry(below: string, name: string, depth: number): Promise<void> {
    const path = `${below}${name}`;
    this.#sinceTurn += 1;
    if (this.#sinceTurn % slice === 0) await nextTurn();
    let stats: Stats;
    try {
      stats = statSync(join(this.#root, path));
    } catch (error) {
      const errno = errnoOf(error) ?? 'unknown';
      if (errno !== 'ENOENT') {
        if (manifestName.test(name)) this.files.set(path, { unreadable: errno });
        else this.unlisted.set(`${path}/`, errno);
      }
      return;
    }
    if (stats.isDirectory()) {
      if (depth < depthMax) await this.folder(`${path}/`, stats, depth + 1);
      else this.unlisted.set(`${path}/`, `more than ${depthMax} folders deep`);
    } else if (stats.isFile() && manifestName.test(name) && !this.#alreadySeen(stats)) {
      this.files.set(path, { signature: signatureOf(stats) });
    }
  }

  #alreadySeen(stats: Stats): boolean {
    const identity = `${stats.dev}:${stats.ino}`;
    if (this.#seen.has(identity)) return true;
    this.#seen.add(identity);
    return false;
  }
}

import { constants } from 'node:fs';
import { chmod, mkdir, open, rename, rm, symlink, unlink } from 'node:fs/promises';

/** Who owns a file. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/** How a file is made. */
export interface FileAccess {
  /** Permission bits, such as 0o600: exactly these, whatever the umask. */
  readonly mode: number;
  readonly owner?: FileOwner;
}

/** Hears of every call that changes the file system, before and after it; it may throw to make the call fail. */
export type DiskProbe = (when: 'before' | 'after', call: string, path: string) => void;

/**
 * The calls with which this adapter changes the file system. All changes go through here, so that a test can end the
 * process between any two of them, or fill the disk.
 */
export class Disk {
  readonly #probe: DiskProbe;

  constructor(probe: DiskProbe = () => undefined) {
    this.#probe = probe;
  }

  /** Makes one folder. False when something of that name is there already. */
  async makeFolder(path: string, mode: number): Promise<boolean> {
    try {
      await this.#step('mkdir', path, () => mkdir(path, { mode }));
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    }
    await this.#step('chmod', path, () => chmod(path, mode));
    return true;
  }

  /** Creates a file that must not exist, flushed to disk. Its access is final before the first byte is in it. */
  async createFile(path: string, bytes: Uint8Array, access: FileAccess): Promise<void> {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
    this.#probe('before', 'open', path);
    const file = await open(path, flags, access.mode & 0o600);
    try {
      this.#probe('after', 'open', path);
      const { owner } = access;
      if (owner !== undefined) await this.#step('chown', path, () => file.chown(owner.uid, owner.gid));
      await this.#step('chmod', path, () => file.chmod(access.mode));
      await this.#step('write', path, () => file.writeFile(bytes));
      await this.#step('fsync', path, () => file.sync());
    } finally {
      await file.close();
    }
  }

  async link(target: string, path: string): Promise<void> {
    await this.#step('symlink', path, () => symlink(target, path));
  }

  /** Moves over whatever file or symbolic link is at `to`, in one step. */
  async move(from: string, to: string): Promise<void> {
    await this.#step('rename', to, () => rename(from, to));
  }

  /** Makes what was created, renamed or removed in a folder last. */
  async syncFolder(path: string): Promise<void> {
    const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await this.#step('fsync', path, () => folder.sync());
    } finally {
      await folder.close();
    }
  }

  /** Removes a file or a symbolic link; nothing there is fine. */
  async remove(path: string): Promise<void> {
    try {
      await this.#step('unlink', path, () => unlink(path));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }

  /** Removes a folder with all that is in it, or a file; nothing there is fine. */
  async removeTree(path: string): Promise<void> {
    await this.#step('rm', path, () => rm(path, { recursive: true, force: true }));
  }

  async #step<T>(call: string, path: string, act: () => Promise<T>): Promise<T> {
    this.#probe('before', call, path);
    const result = await act();
    this.#probe('after', call, path);
    return result;
  }
}

/** The `code` of a system error (`ENOENT`), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

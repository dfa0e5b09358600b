import { dirname, join } from 'node:path';
import type { Disk, FileAccess } from './disk.ts';

/** Prefix of files that are being written. What still has it at the next start is swept: nobody was told of it. */
export const temporaryPrefix = '.tmp-';

/**
 * Replaces a file in one step that survives a power cut: readers see the old bytes or the new ones, never a part.
 * `tag` tells concurrent writers in one folder apart.
 */
export async function replaceFile(disk: Disk, path: string, bytes: Uint8Array, access: FileAccess, tag: string): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `${temporaryPrefix}${tag}`);
  try {
    await disk.createFile(temporary, bytes, access);
    await disk.move(temporary, path);
  } catch (error) {
    await disk.remove(temporary).catch(() => undefined);
    throw error;
  }
  await disk.syncFolder(folder);
}

/** Makes `below` and every folder between it and `root`, which exists. Each new one is made to last. */
export async function ensureFolders(disk: Disk, root: string, below: readonly string[], mode: number): Promise<string> {
  let path = root;
  for (const name of below) {
    const parent = path;
    path = join(parent, name);
    if (await disk.makeFolder(path, mode)) await disk.syncFolder(parent);
  }
  return path;
}

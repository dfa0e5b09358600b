import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { FileReading } from '../controllers/index.ts';

/** More than any password has. */
const bytesMax = 4096;

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; create it',
  EACCES: 'mtlsd may not read it; change its owner or mode',
  EISDIR: 'it is a folder; name the file in it',
  ENOTDIR: 'there is no such file; create it',
  ELOOP: 'its symbolic links lead in a circle',
};

/**
 * Reads password files below `folder`. A path that leads out of it, by a symbolic link too, is refused: whoever writes
 * manifests must not have mtlsd, which may run as root, read any file of the machine.
 */
export function passwordFiles(folder: string): (path: string) => Promise<FileReading> {
  return async (path) => {
    try {
      const root = await realpath(folder);
      const file = await realpath(join(root, path));
      if (!file.startsWith(root.endsWith(sep) ? root : root + sep)) return { problem: 'it leads out of the folder of manifests; put the file itself there' };
      return await read(file);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      return { problem: problems[code] ?? code };
    }
  };
}

async function read(path: string): Promise<FileReading> {
  // A pipe without a writer must not hold anything up.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await file.stat();
  if (!stats.isFile()) return { problem: stats.isDirectory() ? (problems['EISDIR'] ?? '') : 'it is not a regular file' };
  if (stats.size > bytesMax) return { problem: `it has more than ${bytesMax} bytes` };
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytesMax), 0, bytesMax, 0);
  // Without its size, which would tell how long the password is: the version stands in a file that everyone may read.
  return { bytes: buffer.subarray(0, bytesRead), version: `${stats.dev}:${stats.ino}:${stats.mtimeMs}:${stats.ctimeMs}` };
}

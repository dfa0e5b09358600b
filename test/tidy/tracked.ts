import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The root of the checkout. */
export const root = join(import.meta.dirname, '..', '..');

/** A file of the repository with its text. */
export interface TrackedFile {
  readonly path: string;
  readonly text: string;
}

/** Lists of pins, and the licence: written by tools and by others. */
const notOurs = /(?:^|\/)(?:package-lock\.json|Cargo\.lock|go\.sum|LICENSE)$/u;

/** Every text file that git tracks and that people write, as it is in the checkout. */
export async function trackedFiles(): Promise<readonly TrackedFile[]> {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], { cwd: root, maxBuffer: 2 ** 26 });
  const paths = stdout.split('\0').filter((path) => path !== '' && !notOurs.test(path));
  const files = await Promise.all(paths.map(readTracked));
  return files.filter((file) => file !== undefined && !file.text.includes('\0')) as readonly TrackedFile[];
}

/** Undefined for what is no file (a link to a folder), or was just removed. */
async function readTracked(path: string): Promise<TrackedFile | undefined> {
  const isFile = await stat(join(root, path)).then((stats) => stats.isFile(), () => false);
  return isFile ? { path, text: await readFile(join(root, path), 'utf8') } : undefined;
}

/** Places where `pattern` matches, as `path:line: text`. */
export function places(files: readonly TrackedFile[], pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 160)}`] : [])),
  );
}

import { hash } from 'node:crypto';
import { readlinkSync, statSync } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, type Disk, type FileAccess } from './disk.ts';

/**
 * A folder in kubelet's layout: real files lie in a folder a generation (`..v17-…`), `..data` is a symbolic link to the
 * newest, `tls.crt` one to `..data/tls.crt`. Renaming a new `..data` over the old one switches all files at once: a reader
 * that resolves `..data` once sees one generation whole. Content and metadata switch together, as both lie in it.
 *
 * The two generations before the newest stay until they are the third, for readers that resolved them before a switch.
 */

/** The link that names the newest generation. */
const dataLink = '..data';
const newDataLink = '..data_new';
/** Holds the object's metadata. No data key can be called so: none begins with two dots. */
const metaFile = '..meta.json';
const generationPrefix = '..v';
/** Links on their way over a stray file. */
const newLinkPrefix = '..new-';

/** One file of a generation. */
export interface GenerationFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly access: FileAccess;
}

const folderMode = 0o755;
const metaAccess: FileAccess = { mode: 0o644 };

/**
 * Switches the folder, which exists, to a new generation. When it throws, either the old generation is in force, whole, or
 * the new one: never a mix, never none. Returns the `fingerprint` of what was written.
 */
export async function writeGeneration(disk: Disk, folder: string, label: string, meta: string, files: readonly GenerationFile[]): Promise<string> {
  const generation = `${generationPrefix}${label}`;
  const names = files.map((file) => file.name);
  let print: string;
  try {
    await fillGeneration(disk, join(folder, generation), meta, files);
    // Before anybody can see the files, and so before anybody can edit them: an edit at once is told from our writing.
    print = printOf(folder, generation, names, (name) => join(folder, generation, name));
    // New names first: they lead nowhere until the switch, which a reader sees as a file that is not there yet.
    await linkNames(disk, folder, names);
    await disk.remove(join(folder, newDataLink));
    await disk.link(generation, join(folder, newDataLink));
    await disk.move(join(folder, newDataLink), join(folder, dataLink));
  } catch (error) {
    // A full disk must not stay full because of us. What cannot be removed now is swept at the next start.
    if ((await currentGeneration(folder).catch(() => generation)) !== generation) {
      await disk.removeTree(join(folder, generation)).catch(() => undefined);
    }
    throw error;
  }
  await disk.syncFolder(folder);
  await tidy(disk, folder, generation, new Set(names));
  return print;
}

async function fillGeneration(disk: Disk, path: string, meta: string, files: readonly GenerationFile[]): Promise<void> {
  await disk.makeFolder(path, folderMode);
  const all = [...files, { name: metaFile, bytes: Buffer.from(meta, 'utf8'), access: metaAccess }];
  // Side by side, as the flush of each takes the longest; all end before anyone cleans up after one that failed.
  const outcomes = await Promise.allSettled(all.map((file) => disk.createFile(join(path, file.name), file.bytes, file.access)));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  await disk.syncFolder(path);
}

async function linkNames(disk: Disk, folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(folder, name);
    const target = `${dataLink}/${name}`;
    if ((await linkTarget(path)) === target) continue;
    const temporary = join(folder, `${newLinkPrefix}${name}`);
    await disk.remove(temporary);
    await disk.link(target, temporary);
    await disk.move(temporary, path);
  }
}

/** Removes what no generation needs any more: old generations, unfinished ones, links to names that are gone, half-made links. */
async function tidy(disk: Disk, folder: string, current: string | undefined, names: ReadonlySet<string>): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  const generations = entries.map(({ name }) => name).filter((name) => name.startsWith(generationPrefix));
  const kept = current === undefined ? [] : generationsToKeep(generations, current);
  for (const entry of entries) {
    const { name } = entry;
    const path = join(folder, name);
    if (name.startsWith(generationPrefix)) {
      if (!kept.includes(name)) await disk.removeTree(path);
    } else if (name === newDataLink || name.startsWith(newLinkPrefix)) {
      await disk.remove(path);
    } else if (entry.isSymbolicLink() && name !== dataLink && !names.has(name) && (await linkTarget(path)) === `${dataLink}/${name}`) {
      await disk.remove(path);
    }
  }
}

/** The current generation and those just before it. One with a higher number was never switched to. */
function generationsToKeep(generations: readonly string[], current: string): readonly string[] {
  const number = (name: string) => Number.parseInt(name.slice(generationPrefix.length), 10);
  const earlier = generations.filter((name) => number(name) < number(current)).sort((a, b) => number(b) - number(a));
  return [current, ...earlier.slice(0, 2)];
}

/** Brings a folder in order after a crash. False when it holds no generation that can be used: then it holds nothing. */
export async function sweepGenerations(disk: Disk, folder: string): Promise<boolean> {
  const generation = await currentGeneration(folder);
  const names = generation === undefined ? [] : await fileNames(join(folder, generation));
  if (generation !== undefined) await linkNames(disk, folder, names);
  await tidy(disk, folder, generation, new Set(names));
  return generation !== undefined;
}

/** The metadata of the newest generation, or undefined when there is none. */
export async function readMeta(folder: string): Promise<string | undefined> {
  const generation = await currentGeneration(folder);
  const meta = generation === undefined ? undefined : await readIfThere(join(folder, generation, metaFile));
  return meta === undefined ? undefined : Buffer.from(meta).toString('utf8');
}

/** Reads files as a consumer does: what someone put in the place of a link counts. What is missing is left out. */
export async function readFiles(folder: string, names: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const name of names) {
    const bytes = await readIfThere(join(folder, name));
    if (bytes !== undefined) files.set(name, bytes);
  }
  return files;
}

/**
 * A short digest of what the folder's files are, without reading them: it differs after any edit, removal or change of
 * access. Undefined when there is no generation. `names` are the files that should be there.
 */
export function fingerprint(folder: string, names: readonly string[]): string | undefined {
  try {
    return printOf(folder, readlinkSync(join(folder, dataLink)), names, (name) => join(folder, name));
  } catch {
    return undefined;
  }
}

function printOf(folder: string, generation: string, names: readonly string[], pathOf: (name: string) => string): string {
  const parts = [generation];
  for (const path of [join(folder, generation, metaFile), ...names.map(pathOf)]) {
    const stats = statSync(path, { throwIfNoEntry: false });
    parts.push(stats === undefined ? 'none' : `${stats.ino}:${stats.size}:${stats.ctimeMs}`);
  }
  return hash('sha256', parts.join('\n')).slice(0, 12);
}

async function fileNames(generation: string): Promise<string[]> {
  return (await readdir(generation)).filter((name) => !name.startsWith('..')).sort();
}

async function currentGeneration(folder: string): Promise<string | undefined> {
  const target = await linkTarget(join(folder, dataLink));
  if (target === undefined || !target.startsWith(generationPrefix) || target.includes('/')) return undefined;
  const stats = await lstat(join(folder, target)).catch(() => undefined);
  return stats?.isDirectory() === true ? target : undefined;
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EINVAL' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'EISDIR' || errno === 'ELOOP') return undefined;
    throw error;
  }
}

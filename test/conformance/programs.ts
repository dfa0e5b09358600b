/**
 * The judges' programs, built from sources beside this file into a cache outside the checkout. A program's folder is named
 * by a hash of all that goes into it, so a changed source or pin builds anew; it appears complete or not at all.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { withLock } from '../cluster/lock.ts';
import { cacheRoot } from '../cluster/places.ts';
import type { Environment } from '../cluster/places.ts';

/** How one program comes to be. */
export interface Recipe {
  /** Folder beside this file; all its files are sources. Names the program in messages too. */
  readonly source: string;
  /** What else decides the result, such as the version of an interpreter. */
  readonly inputs: readonly string[];
  /** Builds into `folder`, which is empty; `scratch` is kept between builds for what the next one can use again. */
  readonly build: (tools: { readonly source: string; readonly folder: string; readonly scratch: string; readonly env: Environment }) => Promise<void>;
}

/**
 * The folder with what the recipe builds; builds it when the cache lacks it.
 *
 * @throws {Error} with the last lines of the compiler
 */
export async function ensureBuilt(recipe: Recipe, env: Environment): Promise<string> {
  const source = join(import.meta.dirname, recipe.source);
  const cache = join(cacheRoot(env), 'conformance');
  const name = recipe.source.replaceAll('/', '-');
  const folder = join(cache, `${name}-${await fingerprint(source, recipe.inputs)}`);
  if (await exists(folder)) return folder;
  const scratch = join(cache, `${name}.scratch`);
  await mkdir(scratch, { recursive: true });
  const tellWait = (pid: number): void => void process.stderr.write(`process ${pid} builds the same judge (${recipe.source}); waiting for it\n`);
  await withLock(join(cache, `${name}.lock`), tellWait, async () => {
    if (await exists(folder)) return;
    const unfinished = `${folder}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished);
    await recipe.build({ source, folder: unfinished, scratch, env });
    await rename(unfinished, folder);
  });
  return folder;
}

/** Runs one step of a build at low priority, so that it disturbs nothing that is being measured beside it. */
export async function buildStep(command: readonly [string, ...string[]], cwd: string, env: Environment): Promise<void> {
  const [program, ...args] = command;
  const child = spawn(program, args, { cwd, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.pid !== undefined) setPriority(child.pid, 10);
  let tail = '';
  const keep = (chunk: Buffer): void => void (tail = (tail + chunk.toString()).slice(-4_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${command.join(' ')} ended with code ${code}:\n${tail}`);
}

async function fingerprint(source: string, inputs: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([process.platform, process.arch, inputs]));
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.toSorted()) hash.update(file.slice(source.length)).update('\0').update(await readFile(file));
  return hash.digest('hex').slice(0, 16);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

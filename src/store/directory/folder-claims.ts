import { realpathSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { MtlsdError, type ErrorCode } from '../../errors/index.ts';
import { replaceFile, temporaryPrefix } from './atomic-file.ts';
import { errnoOf, type Disk } from './disk.ts';
import { lockFiles } from './state-lock.ts';

/** The folders of a standalone mtlsd, as absolute paths. */
export interface Folders {
  readonly manifests: string;
  readonly out: string;
  readonly state: string;
}

/** Marks a folder as ours: the version of its form, and the state that it belongs to. */
interface Marker {
  readonly version: number;
  /** Identifier of the state folder. */
  readonly state: string;
}

/** The file that marks an output folder as ours. */
const outMarker = '.mtlsd-out';
const stateMarker = 'state.json';
const formVersion = 1;

/** @throws STORE_FOLDERS_OVERLAP when one folder is or lies in another, symbolic links resolved */
export function requireApart(folders: Folders): void {
  const named = [
    ['manifests', real(folders.manifests)],
    ['output', real(folders.out)],
    ['state', real(folders.state)],
  ] as const;
  for (const [inner, innerPath] of named) {
    for (const [outer, outerPath] of named) {
      if (inner === outer) continue;
      if (innerPath !== outerPath && !innerPath.startsWith(outerPath.endsWith(sep) ? outerPath : outerPath + sep)) continue;
      throw new MtlsdError('STORE_FOLDERS_OVERLAP', `The ${inner} folder ${innerPath} lies in the ${outer} folder ${outerPath}. Choose folders of which none lies in another.`, { details: { path: innerPath } });
    }
  }
}

/** Makes the state folder or checks that it is ours, before anything in it is touched. @throws STORE_STATE_NOT_OURS, STORE_STATE_NEWER, STORE_STATE_DAMAGED */
export async function checkState(state: string): Promise<void> {
  await mkdir(state, { recursive: true, mode: 0o700 });
  const marker = await readMarker(join(state, stateMarker));
  if (marker !== undefined) return;
  const strangers = (await readdir(state)).filter((name) => !lockFiles.includes(name) && !name.startsWith(temporaryPrefix));
  if (strangers.length > 0) {
    throw new MtlsdError('STORE_STATE_NOT_OURS', `The state folder ${state} holds "${strangers[0]}" but no ${stateMarker}: it is not mtlsd's, or its marker was lost. Choose a new or empty folder with --state, or restore ${stateMarker} from a backup.`, { details: { path: state } });
  }
}

/** Marks the state folder, whose lock is held, as ours if it is new, and closes it to others. Answers its identifier. */
export async function claimState(disk: Disk, state: string, newId: () => string): Promise<string> {
  await chmod(state, 0o700);
  await sweep(disk, state);
  const path = join(state, stateMarker);
  const known = await readMarker(path);
  if (known !== undefined) return known.state;
  const id = newId();
  await writeMarker(disk, path, id, 0o600);
  return id;
}

/** Takes the output folder: a new or empty one is marked, any other must bear our mark. @throws STORE_OUT_NOT_OURS, STORE_STATE_NEWER */
export async function claimOut(disk: Disk, out: string, stateId: string, stateFolder: string): Promise<void> {
  await mkdir(out, { recursive: true, mode: 0o755 });
  const path = join(out, outMarker);
  const marker = await readMarker(path);
  if (marker === undefined) {
    const strangers = (await readdir(out)).filter((name) => !name.startsWith(temporaryPrefix));
    if (strangers.length > 0) throw notOurs(out, `holds "${strangers[0]}", which mtlsd did not write. Choose a new or empty folder with --out`);
    await sweep(disk, out);
    await writeMarker(disk, path, stateId, 0o644);
  } else if (marker.state !== stateId) {
    throw notOurs(out, `belongs to another state folder than ${stateFolder}: its identities were issued by authorities that are kept there. Name that state folder with --state, restore it from a backup, or choose a new output folder with --out`);
  }
  await sweep(disk, out);
}

/** Removes files of which the writing was cut short. */
async function sweep(disk: Disk, folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith(temporaryPrefix)) await disk.remove(join(folder, name));
}

function notOurs(out: string, why: string): MtlsdError {
  return new MtlsdError('STORE_OUT_NOT_OURS', `The output folder ${out} ${why}.`, { details: { path: out } });
}

async function writeMarker(disk: Disk, path: string, state: string, mode: number): Promise<void> {
  const text = `${JSON.stringify({ version: formVersion, state } satisfies Marker)}\n`;
  await replaceFile(disk, path, Buffer.from(text, 'utf8'), { mode }, 'marker');
}

async function readMarker(path: string): Promise<Marker | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const marker = parseMarker(text);
  if (marker === undefined) throw markerError('STORE_STATE_DAMAGED', path, 'is damaged. Restore this file from a backup');
  if (marker.version > formVersion) {
    throw markerError('STORE_STATE_NEWER', path, `is of version ${marker.version}, written by a newer mtlsd; this one knows version ${formVersion}. Run the newer version again, or use other folders`);
  }
  return marker;
}

function parseMarker(text: string): Marker | undefined {
  try {
    const { version, state } = JSON.parse(text) as Partial<Marker>;
    return typeof version === 'number' && version >= 1 && (version > formVersion || typeof state === 'string') ? { version, state: state ?? '' } : undefined;
  } catch {
    return undefined;
  }
}

function markerError(code: ErrorCode & `STORE_STATE_${string}`, path: string, why: string): MtlsdError {
  return new MtlsdError(code, `${path} ${why}.`, { details: { path } });
}

/** The path with symbolic links resolved, as far down as it exists. */
function real(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(absolute) === absolute) throw error;
    return join(real(dirname(absolute)), basename(absolute));
  }
}

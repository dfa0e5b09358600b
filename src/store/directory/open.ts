import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { allKinds } from '../object-key.ts';
import type { Kind } from '../port.ts';
import { DirectoryStore } from './directory-store.ts';
import { Disk, type DiskProbe } from './disk.ts';
import { asFolderError } from './failures.ts';
import { parseDefaultAccess, type DefaultAccess } from './file-access.ts';
import { checkState, claimOut, claimState, requireApart, type Folders } from './folder-claims.ts';
import { ForeignEdits } from './foreign-edits.ts';
import { ManifestObjects, manifestKinds } from './manifest-objects.ts';
import { ManifestSource } from './manifest-source.ts';
import { ProblemBoard } from './problem-board.ts';
import { bundleForm, identityForm, receiptForm } from './projected-form.ts';
import { ProjectedObjects } from './projected-objects.ts';
import { openRequests, whyRequest } from './requests.ts';
import { RecordFiles } from './record-files.ts';
import { ScanLoop, type PassResult } from './scan-loop.ts';
import { lockState } from './state-lock.ts';
import { StatusFiles } from './status-files.ts';
import { Versions } from './versions.ts';
import { WatchHub } from './watch-hub.ts';

/** What the store says on its own, to whoever keeps the log. */
interface StoreLog {
  debug(message: string, fields?: Readonly<Record<string, string>>): void;
  warn(message: string, fields?: Readonly<Record<string, string>>): void;
}

/** How a directory store is opened. */
export interface DirectoryStoreOptions {
  /** The folder of manifests. It may be missing: that is a problem to be told, not an error. */
  readonly manifests: string;
  /** The output folder: new, empty or ours. */
  readonly out: string;
  /** The state folder: new, empty or ours; outside of the other two. */
  readonly state: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** A UUID, new at each call. */
  readonly newUid: () => string;
  /** Octal mode of the private files of Secrets that do not say it themselves, such as `0640`. Default: 0600. */
  readonly fileMode?: string;
  /** `uid:gid` of the files of Secrets that do not say it themselves. Needs root. Default: the owner of this process. */
  readonly fileOwner?: string;
  /** Shown to whoever finds the state folder locked. */
  readonly pid: number;
  /** Milliseconds that never go back, from any start: for waiting, not for telling the time. */
  readonly monotonicMs?: () => number;
  readonly log?: StoreLog;
  /** Hears of each change to the file system: for tests that end the process between two of them. */
  readonly probe?: DiskProbe;
}

/** How many looks the start waits for manifests that change meanwhile. */
const settlingLooksMax = 10;

/**
 * Opens the store: takes the lock, sweeps what a crash left, reads what is there and applies the manifests as they are.
 * @throws CONFIGURATION_INVALID, STORE_FOLDERS_OVERLAP, STORE_STATE_NOT_OURS, STORE_STATE_NEWER, STORE_STATE_DAMAGED, STORE_OUT_NOT_OURS,
 *   STORE_LOCKED, STORE_UNAVAILABLE
 */
export async function openDirectoryStore(options: DirectoryStoreOptions): Promise<DirectoryStore> {
  const folders: Folders = { manifests: resolve(options.manifests), out: resolve(options.out), state: resolve(options.state) };
  const disk = new Disk(options.probe);
  const tag = () => options.newUid().replaceAll('-', '').slice(0, 12);
  const access = parseDefaultAccess(options);
  requireApart(folders);
  try {
    await checkState(folders.state);
    const lock = await lockState(disk, folders.state, options.pid, tag());
    try {
      const stateId = await claimState(disk, folders.state, options.newUid);
      await claimOut(disk, folders.out, stateId, folders.state);
      return await assemble(options, access, folders, disk, tag, () => lock.release());
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    throw asFolderError(folders, error);
  }
}

async function assemble(options: DirectoryStoreOptions, access: DefaultAccess, folders: Folders, disk: Disk, tag: () => string, release: () => void): Promise<DirectoryStore> {
  const { nowMs, newUid, log } = options;
  const monotonicMs = options.monotonicMs ?? (() => performance.now());
  const versions = new Versions();
  const hubs = Object.fromEntries(allKinds.map((kind) => [kind, new WatchHub()])) as Readonly<Record<Kind, WatchHub>>;
  const form = identityForm(access);
  const shared = { disk, versions, tag };
  const identities = new ProjectedObjects({ ...shared, root: join(folders.out, 'identities'), form, hub: hubs.Secret });
  const bundles = new ProjectedObjects({ ...shared, root: join(folders.out, 'bundles'), form: bundleForm, hub: hubs.ConfigMap });
  const receipts = new ProjectedObjects({ ...shared, root: join(folders.out, 'receipts'), form: receiptForm, hub: hubs.ConfigMap });
  const records = new RecordFiles({ ...shared, state: folders.state, hub: hubs.Secret });
  const objectParts = { hubs, files: new StatusFiles(folders.out, disk, tag), versions, nowMs, newUid };
  const manifests = new ManifestObjects({ ...objectParts, kinds: manifestKinds });
  const requests = await openRequests(folders.out, disk, tag, objectParts, monotonicMs);
  for (const folder of ['identities', 'bundles', 'receipts', 'status']) await disk.makeFolder(join(folders.out, folder), 0o755);
  await disk.syncFolder(folders.out);

  for (const path of [...(await identities.load()), ...(await bundles.load()), ...(await receipts.load())]) log?.warn('the metadata of a folder cannot be read: it is written anew', { path });
  for (const error of await records.load()) log?.warn(error.message);
  for (const problem of [...(await manifests.load()), ...requests.problems]) log?.warn('a status file cannot be used', { problem });

  const source = new ManifestSource({ root: folders.manifests, called: 'the folder of manifests', prefix: '', refuses: whyRequest }, manifests, monotonicMs);
  const board = new ProblemBoard(folders.out, disk, tag);
  const edits = [new ForeignEdits(identities), new ForeignEdits(bundles), new ForeignEdits(receipts)];
  const pass = serial(async (): Promise<PassResult> => {
    try {
      // Side by side: trouble with one folder is no trouble with the other.
      const [one, other] = await Promise.allSettled([source.scan(), requests.source.scan()]);
      return bothOf(valueOf(one), valueOf(other));
    } finally {
      await board.publish([...source.problems, ...requests.source.problems]);
      for (const edit of edits) await edit.pass();
    }
  });
  const loop = new ScanLoop({ pass, monotonicMs, failed: (error) => log?.warn('a look at the folders failed', { error: String(error) }) });
  loop.start(await settle(pass));
  return new DirectoryStore({
    hubs,
    manifests,
    requests: requests.objects,
    ask: (object) => requests.ask(object),
    identities,
    identityForm: form,
    bundles,
    receipts,
    records,
    board,
    versions,
    nowMs,
    newUid,
    scan: async () => void (await pass()),
    manifestsAvailable: () => source.available,
    stop: () => loop.close(),
    release,
  });
}

function valueOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

function bothOf(one: PassResult, other: PassResult): PassResult {
  const waits = [one.againInMs, other.againInMs].filter((wait) => wait !== undefined);
  return { againInMs: waits.length === 0 ? undefined : Math.min(...waits), folders: [...one.folders, ...other.folders] };
}

/** Looks until nothing is in flux: what a stopped mtlsd missed is in force when the store is open. */
async function settle(pass: () => Promise<PassResult>): Promise<PassResult> {
  let result = await pass();
  for (let look = 1; look < settlingLooksMax && result.againInMs !== undefined; look += 1) {
    await sleep(result.againInMs);
    result = await pass();
  }
  return result;
}

/** Runs the calls of `task` one after the other. */
function serial<T>(task: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return async () => {
    const mine = last.then(task, task);
    last = mine.catch(() => undefined);
    return mine;
  };
}

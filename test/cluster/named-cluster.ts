/** Clusters for development: they have a name, outlive the shell that started them, and go when told to. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { binaryFolder, ensureBinaries } from './binaries.ts';
import { ControlPlane } from './control-plane.ts';
import type { ClusterOptions } from './flags.ts';
import { withLock } from './lock.ts';
import { allImages, ensureImages } from './node/images.ts';
import { refuseUnfit } from './node/needs.ts';
import { leaveNode } from './node/node.ts';
import type { NodePlace } from './node/place.ts';
import { clusterFolder, clustersRoot } from './places.ts';
import type { Environment } from './places.ts';
import { residentBytes } from './process.ts';
import type { BuildProgress } from './progress.ts';
import { programsOf, serversOf } from './servers.ts';
import type { ServerName } from './servers.ts';

/** One server of a cluster as `status` shows it. */
interface ServerStatus {
  readonly name: ServerName;
  /** Undefined when it does not run. */
  readonly pid: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly logFile: string;
}

/** A cluster as `status` shows it. */
export interface ClusterStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly server: string;
  readonly kubeconfigPath: string;
  readonly auditLogFile: string | undefined;
  readonly options: ClusterOptions;
  readonly servers: readonly ServerStatus[];
  /** What the node takes of this machine. */
  readonly node: NodePlace | undefined;
}

/**
 * Makes the cluster, or starts again what does not run of it, and returns when it is ready.
 * @param options none at all: as the cluster is
 * @throws {Error} when it exists with other options, or cannot start (with the end of the log)
 */
export async function bringUp(name: string, options: ClusterOptions, env: Environment, progress: BuildProgress): Promise<ControlPlane> {
  const folder = clusterFolder(name, env);
  return withClusterLock(name, env, progress, async () => {
    const existing = await ControlPlane.open(folder, await binaryFolder(env));
    const wanted = existing?.record.options ?? options;
    if (wanted.node === true) refuseUnfit(env);
    const binDir = await ensureBinaries(programsOf(wanted), env, progress);
    if (existing === undefined) {
      await keepPreviousLogs(join(folder, 'logs'));
      const images = options.node === true ? await ensureImages(allImages, env, progress) : [];
      return createOrRemove(folder, binDir, options, images);
    }
    if (Object.keys(options).length > 0 && !isDeepStrictEqual(existing.record.options, options)) {
      throw new Error(
        `cluster "${name}" exists with other options (${JSON.stringify(existing.record.options)}): ` +
          `run \`npm run cluster -- down --name ${name}\` first, or choose another --name`,
      );
    }
    await existing.start();
    return existing;
  });
}

/** A cluster that never became ready is not kept, so that the next `up` begins anew. */
async function createOrRemove(folder: string, binDir: string, options: ClusterOptions, images: readonly string[]): Promise<ControlPlane> {
  try {
    return await ControlPlane.create(folder, binDir, options, images);
  } catch (error) {
    await removeAllButLogs(folder);
    throw error;
  }
}

/** Stops a cluster and removes all of it but its logs. False when there is none of this name. */
export async function takeDown(name: string, env: Environment, progress: BuildProgress): Promise<boolean> {
  return withClusterLock(name, env, progress, async () => {
    const folder = clusterFolder(name, env);
    const plane = await ControlPlane.open(folder, await binaryFolder(env));
    if (plane === undefined) return false;
    await plane.stop();
    await removeAllButLogs(folder);
    return true;
  });
}

async function removeAllButLogs(folder: string): Promise<void> {
  await leaveNode(folder);
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith('logs')) await rm(join(folder, entry), { recursive: true });
  }
}

/** The state of one cluster; undefined when there is none of this name. */
export async function statusOf(name: string, env: Environment): Promise<ClusterStatus | undefined> {
  const plane = await ControlPlane.open(clusterFolder(name, env), await binaryFolder(env));
  if (plane === undefined) return undefined;
  const servers = serversOf(plane.record.options).map(async (server) => {
    const pid = (await plane.isRunning(server)) ? plane.record.processes[server]?.pid : undefined;
    const memoryBytes = pid === undefined ? undefined : await residentBytes(pid);
    return { name: server, pid, memoryBytes, logFile: plane.logFile(server) };
  });
  return {
    name,
    ready: await plane.isReady(),
    server: plane.server,
    kubeconfigPath: plane.kubeconfigPath,
    auditLogFile: plane.record.options.audit === true ? plane.auditLogFile : undefined,
    options: plane.record.options,
    servers: await Promise.all(servers),
    node: plane.record.node,
  };
}

/** Names of the clusters that exist, running or not. */
export async function clusterNames(env: Environment): Promise<string[]> {
  const entries = await readdir(clustersRoot(env), { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

async function withClusterLock<T>(name: string, env: Environment, progress: BuildProgress, work: () => Promise<T>): Promise<T> {
  const folder = clusterFolder(name, env);
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  const onWait = (pid: number) => progress.note(`process ${pid} is starting or stopping cluster "${name}"; waiting for it`);
  return withLock(`${folder}.lock`, onWait, work);
}

/** Logs outlive their cluster by one generation. */
async function keepPreviousLogs(folder: string): Promise<void> {
  const previous = `${folder}-previous`;
  await rm(previous, { recursive: true, force: true });
  await rename(folder, previous).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/**
 * The node of a test cluster: what has to be there before containerd and kubelet start, how they are started, and how
 * all of it goes. Everything of it is inside one folder, one cgroup and one bridge, so that a script can end it whoever
 * has died (leave.sh), and two nodes on one machine do not meet.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import type { Credentials } from '../credentials.ts';
import { writeNodeKubeconfig } from '../credentials.ts';
import { containerdConfig, kubeletConfig, networkConfig } from './configuration.ts';
import type { NodePlace } from './place.ts';
import { nodeName } from './place.ts';

const run = promisify(execFile);

/** Kernel settings that kubelet changes at its start. */
const changedByKubelet = ['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops', 'kernel/keys/root_maxkeys', 'kernel/keys/root_maxbytes'];

/** A program and its arguments. */
export interface CommandLine {
  readonly program: string;
  readonly args: readonly string[];
}

/** Files and network of the node; what is there already stays. */
export async function prepareNode(place: NodePlace, server: string, credentials: Credentials): Promise<void> {
  const { folder } = place;
  for (const name of ['containerd', 'kubelet', 'cni/net.d', 'cni/addresses', 'pod-logs', 'volume-plugins']) await mkdir(join(folder, name), { recursive: true, mode: 0o755 });
  for (const script of ['enter.sh', 'leave.sh']) await copyFile(join(import.meta.dirname, script), join(folder, script));
  await writeFile(join(folder, 'group'), place.group);
  await writeFile(join(folder, 'bridge'), place.bridge);
  await keepSysctls(join(folder, 'sysctls'));
  await writeFile(join(folder, 'containerd.toml'), containerdConfig(place));
  await writeFile(join(folder, 'cni', 'net.d', 'pods.conflist'), JSON.stringify(networkConfig(place)));
  await writeFile(join(folder, 'kubelet.yaml'), stringify(kubeletConfig(place, credentials.caFile)));
  await writeNodeKubeconfig(kubeconfigOf(place), server, credentials);
  await makeBridge(place);
}

async function keepSysctls(file: string): Promise<void> {
  const lines = await Promise.all(changedByKubelet.map(async (name) => `/proc/sys/${name} ${await readFile(`/proc/sys/${name}`, 'utf8')}`));
  await writeFile(file, lines.join(''), { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** With an address of its own at the link: a bridge without one takes a new one whenever a pod comes or goes. */
async function makeBridge({ bridge, address, group }: NodePlace): Promise<void> {
  const id = group.slice(-6);
  const link = `02:00:00:${id.slice(0, 2)}:${id.slice(2, 4)}:${id.slice(4)}`;
  const there = await run('ip', ['link', 'show', bridge]).then(() => true, () => false);
  if (there) return;
  await run('ip', ['link', 'add', 'name', bridge, 'address', link, 'type', 'bridge']);
  await run('ip', ['address', 'add', `${address}/22`, 'dev', bridge]);
  await run('ip', ['link', 'set', bridge, 'up']);
}

export function containerdCommand(place: NodePlace): CommandLine {
  return inGroup(place, 'containerd', ['--config', join(place.folder, 'containerd.toml'), '--log-level', 'warn']);
}

/** @param program kubelet's file */
export function kubeletCommand(place: NodePlace, program: string): CommandLine {
  return inGroup(place, program, [
    `--config=${join(place.folder, 'kubelet.yaml')}`,
    `--kubeconfig=${kubeconfigOf(place)}`,
    `--root-dir=${join(place.folder, 'kubelet')}`,
    `--cert-dir=${join(place.folder, 'kubelet', 'pki')}`,
    `--hostname-override=${nodeName}`,
    `--node-ip=${place.address}`,
  ]);
}

function inGroup(place: NodePlace, program: string, args: readonly string[]): CommandLine {
  return { program: '/bin/sh', args: [join(place.folder, 'enter.sh'), place.group, program, ...args] };
}

function kubeconfigOf(place: NodePlace): string {
  return join(place.folder, 'kubeconfig');
}

/** @param object the Node as the API server has it, JSON */
export function isNodeReady(object: string | undefined): boolean {
  if (object === undefined) return false;
  const { status } = JSON.parse(object) as { readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } };
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
}

/** True once containerd answers. */
export async function containerdAnswers(place: NodePlace): Promise<boolean> {
  return run('ctr', ['--address', place.socket, 'version'], { timeout: 5_000 }).then(
    () => true,
    () => false,
  );
}

/** @param archives as `ensureImages` returns them; one that is there is nothing to do */
export async function importImages(place: NodePlace, archives: readonly string[]): Promise<void> {
  const imported = join(place.folder, 'images');
  const known = await readFile(imported, 'utf8').catch(() => '');
  for (const archive of archives.filter((each) => !known.split('\n').includes(each))) {
    await run('ctr', ['--address', place.socket, '--namespace', 'k8s.io', 'images', 'import', archive]);
    await writeFile(imported, `${archive}\n`, { flag: 'a' });
  }
}

/**
 * Ends every process of a cluster's node and takes back all that it has of the machine; nothing if the cluster has none.
 * @throws {Error} when something stays, with what leave.sh says
 */
export async function leaveNode(clusterFolder: string): Promise<void> {
  const folder = join(clusterFolder, 'node');
  if (!existsSync(join(folder, 'leave.sh'))) return;
  await run('/bin/sh', [join(folder, 'leave.sh')]).catch((error: { readonly stderr?: string } & Error) => {
    throw new Error(`the node of ${clusterFolder} left something behind: ${error.stderr ?? error.message}`, { cause: error });
  });
  await rm(folder, { recursive: true });
}

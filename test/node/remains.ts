/** What a node of the test cluster has of the machine, by the names that are its own. */
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterRecord } from '../cluster/control-plane.ts';

export type NodeRecord = NonNullable<ClusterRecord['node']>;

/** The record of a cluster's node, from beside its kubeconfig. */
export async function nodeRecordOf(clusterFolder: string): Promise<NodeRecord> {
  const { node } = JSON.parse(await readFile(join(clusterFolder, 'cluster.json'), 'utf8')) as ClusterRecord;
  if (node === undefined) throw new Error(`the cluster of ${clusterFolder} has no node`);
  return node;
}

/** Every trace: processes, mounts, cgroups, network interfaces, sockets and links outside of its folder, the folder. Empty when there is none. */
export async function remainsOf(node: NodeRecord, shimSockets: readonly string[]): Promise<readonly string[]> {
  return [
    ...(await processesOf(node)),
    ...(await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter((line) => line.includes(` ${node.folder}/`)),
    ...(await readdir('/sys/fs/cgroup')).map((hierarchy) => join('/sys/fs/cgroup', hierarchy, node.group)).filter(existsSync),
    ...(await readdir('/sys/class/net')).filter((name) => name === node.bridge),
    ...(await entriesOf('/var/lib/cni/results')).filter((name) => name.startsWith(node.group)),
    ...(await linksInto(node.folder)),
    ...[...shimSockets, node.folder, '/var/lib/kubelet/device-plugins/kubelet.sock'].filter(existsSync),
  ];
}

/** Where the shims of the node's containers listen, in a folder of the machine. */
export async function shimSocketsOf(node: NodeRecord): Promise<readonly string[]> {
  const bundles = join(node.folder, 'containerd', 'state', 'io.containerd.runtime.v2.task', 'k8s.io');
  const addresses = await Promise.all((await entriesOf(bundles)).map(async (name) => readFile(join(bundles, name, 'address'), 'utf8').catch(() => '')));
  return [...new Set(addresses.filter((address) => address !== '').map((address) => address.replace('unix://', '')))];
}

async function processesOf(node: NodeRecord): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/u.test(name));
  const known = await Promise.all(
    pids.map(async (pid) => {
      // A zombie that nobody has asked after yet has no command line, and is in no cgroup but the first.
      const [groups, command] = await Promise.all([readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => ''), readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')]);
      return command !== '' && (groups.includes(`/${node.group}`) || command.includes(node.folder)) ? `process ${pid} ${command.replaceAll('\0', ' ')}` : undefined;
    }),
  );
  return known.filter((line) => line !== undefined);
}

async function linksInto(folder: string): Promise<readonly string[]> {
  const logs = '/var/log/containers';
  const links = await Promise.all((await entriesOf(logs)).map(async (name) => ({ name, target: await readlink(join(logs, name)).catch(() => '') })));
  return links.filter(({ target }) => target.startsWith(folder)).map(({ name }) => join(logs, name));
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

/**
 * The test cluster as tests see it: a real etcd and kube-apiserver that live as long as the test's process
 * at most, or the user's own cluster when MTLSD_TEST_KUBECONFIG names one.
 * Without `node` nobody runs pods. Without it or `controllerManager` nobody creates `default` service accounts,
 * finishes the deletion of a namespace or collects garbage by ownerReference either.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster, ClusterNode } from './cluster-face.ts';
import { binaryFolder, ensureBinaries, missingBinaries } from './binaries.ts';
import type { Binary } from './binaries.ts';
import { ControlPlane } from './control-plane.ts';
import type { ClusterOptions } from './flags.ts';
import { useForeignCluster } from './foreign-cluster.ts';
import { compactEtcd } from './etcd-compaction.ts';
import { runKubectl } from './kubectl.ts';
import { allImages, ensureImages } from './node/images.ts';
import { refuseUnfit } from './node/needs.ts';
import { leaveNode } from './node/node.ts';
import { nodeName } from './node/place.ts';
import type { Environment } from './places.ts';
import { showProgress } from './progress.ts';
import { programsOf } from './servers.ts';
import { startWatchdog } from './watchdog.ts';

export type { Cluster } from './cluster-face.ts';

/** How to start it. */
export interface StartOptions extends ClusterOptions {
  /** Build missing programs (minutes) instead of saying what to run. */
  readonly build?: boolean;
  readonly env?: Environment;
}

/**
 * Starts a cluster of the caller's own, or takes the user's (MTLSD_TEST_KUBECONFIG).
 * @throws {Error} when the programs are not built, with the command that builds them
 */
export async function startCluster(options: StartOptions = {}): Promise<Cluster> {
  const { build = false, env = process.env, ...clusterOptions } = options;
  const own = env['MTLSD_TEST_KUBECONFIG'];
  if (own) return useForeignCluster(own, await binaryFolder(env));
  if (clusterOptions.node === true) refuseUnfit(env);
  const binDir = await programs(programsOf(clusterOptions), build, env);
  const images = clusterOptions.node === true ? await ensureImages(allImages, env, plainProgress) : [];
  const folder = await mkdtemp(join(tmpdir(), 'mtlsd-cluster-'));
  const watchdog = startWatchdog(folder);
  try {
    const plane = await ControlPlane.create(folder, binDir, clusterOptions, images, watchdog);
    return ownCluster(plane, binDir, () => watchdog.end());
  } catch (error) {
    await watchdog.end();
    throw error;
  }
}

const plainProgress = showProgress('plain', (text) => process.stderr.write(text), Date.now);

async function programs(names: readonly Binary[], build: boolean, env: Environment): Promise<string> {
  if (build) return ensureBinaries(names, env, plainProgress);
  const missing = await missingBinaries(names, env);
  if (missing.length === 0) return binaryFolder(env);
  throw new Error(
    `the test cluster's programs are not built yet: run \`npm run cluster -- build ${missing.join(' ')}\` once; ` +
      'or set MTLSD_TEST_KUBECONFIG to use a cluster of your own',
  );
}

function ownCluster(plane: ControlPlane, binDir: string, removeAll: () => Promise<void>): Cluster {
  const { kubeconfigPath } = plane;
  const kubectl = { program: join(binDir, 'kubectl'), kubeconfigPath, cacheFolder: join(plane.folder, 'kubectl-cache') };
  const stop = async () => {
    await plane.kill();
    await leaveNode(plane.folder);
    await removeAll();
  };
  return {
    owned: true,
    kubeconfigPath,
    server: plane.server,
    caFile: plane.caFile,
    adminToken: plane.record.adminToken,
    auditLogPath: plane.record.options.audit === true ? plane.auditLogFile : undefined,
    binDir,
    node: plane.record.node === undefined ? undefined : nodeOf(plane, plane.record.node.address),
    restartApiServer: async () => {
      await plane.stopServer('kube-apiserver');
      await plane.startApiServer();
    },
    stopApiServer: () => plane.stopServer('kube-apiserver'),
    startApiServer: () => plane.startApiServer(),
    killApiServer: () => plane.killServer('kube-apiserver'),
    snapshotEtcd: (folder) => plane.snapshotEtcd(folder),
    restoreEtcd: (folder) => plane.restoreEtcd(folder),
    compactEtcd: () => compactEtcd(plane.etcdEndpoint),
    kubectl: (args, stdin) => runKubectl(kubectl, args, stdin),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function nodeOf(plane: ControlPlane, address: string): ClusterNode {
  return {
    name: nodeName,
    address,
    stopKubelet: () => plane.stopServer('kubelet'),
    startKubelet: () => plane.startKubelet(),
  };
}

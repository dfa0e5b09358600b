/** The user's own cluster in the place of ours: MTLSD_TEST_KUBECONFIG. It is used, never restarted or stopped. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from './cluster-face.ts';
import { runKubectl } from './kubectl.ts';

/** An operation that only a cluster of our own can take. A test skips it when `cluster.owned` is false. */
export class ForeignClusterError extends Error {
  constructor(operation: string) {
    super(`${operation} would disturb the cluster of MTLSD_TEST_KUBECONFIG; unset it to run this on a cluster of its own`);
    this.name = 'ForeignClusterError';
  }
}

interface KubeconfigView {
  readonly clusters?: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data'?: string } }[];
  readonly users?: readonly { readonly user?: { readonly token?: string } }[];
}

/**
 * @param kubeconfigPath its current context is used
 * @param binDir kubectl comes from here, or from PATH when it was not built
 * @throws {Error} when kubectl cannot read the file
 */
export async function useForeignCluster(kubeconfigPath: string, binDir: string): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'mtlsd-cluster-'));
  const built = join(binDir, 'kubectl');
  const target = { program: existsSync(built) ? built : 'kubectl', kubeconfigPath, cacheFolder: join(folder, 'kubectl-cache') };
  const read = await runKubectl(target, ['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']);
  if (read.code !== 0) throw new Error(`MTLSD_TEST_KUBECONFIG=${kubeconfigPath}: ${read.stderr.trim()}`);
  const view = JSON.parse(read.stdout) as KubeconfigView;
  const caFile = join(folder, 'ca.crt');
  await writeFile(caFile, Buffer.from(view.clusters?.[0]?.cluster['certificate-authority-data'] ?? '', 'base64'));
  const refuse = (operation: string) => () => Promise.reject(new ForeignClusterError(operation));
  const stop = () => rm(folder, { recursive: true, force: true });
  return {
    owned: false,
    kubeconfigPath,
    server: view.clusters?.[0]?.cluster.server ?? '',
    caFile,
    adminToken: view.users?.[0]?.user?.token ?? '',
    auditLogPath: undefined,
    binDir,
    node: undefined,
    restartApiServer: refuse('restarting the API server'),
    stopApiServer: refuse('stopping the API server'),
    startApiServer: refuse('starting the API server'),
    killApiServer: refuse('killing the API server'),
    snapshotEtcd: refuse('copying etcd'),
    restoreEtcd: refuse('restoring etcd'),
    compactEtcd: refuse('compacting etcd'),
    kubectl: (args, stdin) => runKubectl(target, args, stdin),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

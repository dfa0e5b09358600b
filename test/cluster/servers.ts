/** Which servers a cluster has. */
import type { Binary } from './binaries.ts';
import type { ClusterOptions } from './flags.ts';

/** A server, by the name of its program. */
export type ServerName = Exclude<Binary, 'kubectl' | 'helm'> | 'containerd';

/** The servers of a cluster with these options, in the order in which they start. */
export function serversOf({ controllerManager, node }: ClusterOptions): readonly ServerName[] {
  const controllers = ['kube-controller-manager'] as const;
  if (node === true) return ['etcd', 'kube-apiserver', ...controllers, 'kube-scheduler', 'containerd', 'kubelet'];
  return ['etcd', 'kube-apiserver', ...(controllerManager === true ? controllers : [])];
}

/** The programs that have to be built for it. */
export function programsOf(options: ClusterOptions): readonly Binary[] {
  return [...serversOf(options).filter((name) => name !== 'containerd'), 'kubectl'];
}

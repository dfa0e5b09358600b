import type { KubectlResult } from './kubectl.ts';

/** The machine as a node of the cluster. */
export interface ClusterNode {
  readonly name: string;
  /** The machine's address as pods see it. Pods' own addresses can be reached from the machine. */
  readonly address: string;
  /** Pods run on; nobody looks after them. */
  stopKubelet(): Promise<void>;
  /** Resolves when the node is ready. */
  startKubelet(): Promise<void>;
}

/** A cluster for one test file. `await using` stops it. */
export interface Cluster extends AsyncDisposable {
  /** False for the user's own cluster: everything that would restart it throws `ForeignClusterError`. */
  readonly owned: boolean;
  readonly kubeconfigPath: string;
  /** `https://127.0.0.1:PORT`; the same after each restart. */
  readonly server: string;
  readonly caFile: string;
  /** Bearer token of the administrator; empty when the user's own kubeconfig authenticates in another way. */
  readonly adminToken: string;
  /** JSON lines (audit.k8s.io/v1 Event, level Metadata); undefined unless asked for with `audit`. */
  readonly auditLogPath: string | undefined;
  /** Folder of the built programs. */
  readonly binDir: string;
  /** Undefined unless asked for with `node`. */
  readonly node: ClusterNode | undefined;
  restartApiServer(): Promise<void>;
  /** Lets it finish its requests; watches end cleanly. */
  stopApiServer(): Promise<void>;
  /** Resolves when it is ready. */
  startApiServer(): Promise<void>;
  /** kill -9: connections are reset. */
  killApiServer(): Promise<void>;
  /** Copies etcd's data into `folder`, which must not exist, without stopping anything. */
  snapshotEtcd(folder: string): Promise<void>;
  /** Restarts both servers on that older state. resourceVersions go back with it. */
  restoreEtcd(folder: string): Promise<void>;
  /** Forgets history in etcd up to now: older resourceVersions get 410 wherever the watch cache does not serve them. */
  compactEtcd(): Promise<void>;
  /** Never rejects because kubectl failed: look at `code`. */
  kubectl(args: readonly string[], stdin?: string): Promise<KubectlResult>;
  /** Ends every process and removes every file of this cluster. */
  stop(): Promise<void>;
}

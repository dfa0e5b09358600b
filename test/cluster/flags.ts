/** The command lines of the servers. Why each flag is there is told in README.md beside this file. */
import type { Credentials } from './credentials.ts';

/** What a cluster's owner may choose. */
export interface ClusterOptions {
  /** `--runtime-config`, such as `certificates.k8s.io/v1beta1=true`. */
  readonly runtimeConfig?: string;
  /** `--feature-gates`, such as `PodCertificateRequest=false`. */
  readonly featureGates?: string;
  /** `--authorization-mode`; Node and RBAC unless it says something else. */
  readonly authorizationMode?: string;
  /** Record the metadata of every request in an audit log. */
  readonly audit?: boolean;
  /** Run kube-controller-manager too: it makes service accounts named `default`, empties deleted namespaces, collects garbage. */
  readonly controllerManager?: boolean;
  /** A node that runs pods: kube-controller-manager, kube-scheduler, containerd and kubelet. Needs root on Linux. */
  readonly node?: boolean;
  /** More flags for kube-apiserver, last on its command line. */
  readonly apiServerFlags?: readonly string[];
}

/** Ports on 127.0.0.1. */
export interface Ports {
  readonly apiServer: number;
  readonly etcdClient: number;
  readonly etcdPeer: number;
}

/** Metadata of every request, once, when it is answered: enough to tell who used which right. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};

export function etcdFlags(dataFolder: string, ports: Ports): string[] {
  const client = `http://127.0.0.1:${ports.etcdClient}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return [
    '--name=test',
    `--data-dir=${dataFolder}`,
    '--unsafe-no-fsync',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
    '--quota-backend-bytes=8589934592',
    '--log-level=warn',
  ];
}

/** Files that the API server reads or writes besides its credentials. */
export interface ApiServerFiles {
  readonly credentials: Credentials;
  readonly auditPolicyFile: string;
  readonly auditLogFile: string;
}

export function apiServerFlags(files: ApiServerFiles, ports: Ports, options: ClusterOptions): string[] {
  const { credentials } = files;
  const kubeletClient = [
    `--kubelet-client-certificate=${credentials.kubeletClientCertFile}`,
    `--kubelet-client-key=${credentials.kubeletClientKeyFile}`,
    '--kubelet-preferred-address-types=InternalIP',
  ];
  const audit = [`--audit-policy-file=${files.auditPolicyFile}`, `--audit-log-path=${files.auditLogFile}`, '--audit-log-maxsize=0'];
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcdClient}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${ports.apiServer}`,
    '--endpoint-reconciler-type=none',
    `--tls-cert-file=${credentials.servingCertFile}`,
    `--tls-private-key-file=${credentials.servingKeyFile}`,
    `--client-ca-file=${credentials.caFile}`,
    `--token-auth-file=${credentials.tokenFile}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${credentials.serviceAccountKeyFile}`,
    `--service-account-signing-key-file=${credentials.serviceAccountKeyFile}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    `--authorization-mode=${options.authorizationMode ?? 'Node,RBAC'}`,
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    ...(options.node === true ? kubeletClient : []),
    ...(options.audit === true ? audit : []),
    ...(options.runtimeConfig === undefined ? [] : [`--runtime-config=${options.runtimeConfig}`]),
    ...(options.featureGates === undefined ? [] : [`--feature-gates=${options.featureGates}`]),
    ...(options.apiServerFlags ?? []),
  ];
}

/** @param kubeconfigPath the administrator's */
export function controllerManagerFlags(kubeconfigPath: string, credentials: Credentials): string[] {
  return [
    `--kubeconfig=${kubeconfigPath}`,
    '--secure-port=0',
    '--leader-elect=false',
    '--use-service-account-credentials',
    `--service-account-private-key-file=${credentials.serviceAccountKeyFile}`,
    `--root-ca-file=${credentials.caFile}`,
    `--cluster-signing-cert-file=${credentials.caFile}`,
    `--cluster-signing-key-file=${credentials.caKeyFile}`,
  ];
}

/** @param kubeconfigPath the administrator's */
export function schedulerFlags(kubeconfigPath: string): string[] {
  return [`--kubeconfig=${kubeconfigPath}`, '--secure-port=0', '--leader-elect=false'];
}

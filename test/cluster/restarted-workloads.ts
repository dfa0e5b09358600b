/** A Deployment, a StatefulSet and a DaemonSet with a pod each, on an API server where nobody acts on them: as controllers would leave them. */
import type { ApiClient } from './chart-api.ts';

/** Trust domain of the identity whose workloads are restarted. */
export const restarted = 'restart.example';
/** What that identity says. */
export const restartedSpec = { trustDomain: restarted, serviceAccountName: 'pay', reload: { onBundle: { rolloutRestart: {} } } };

const namespace = 'shop';
const labels = { app: 'restarted' };
const volume = { name: 'tls', secret: { secretName: 'restarted-mtls' } };
const podSpec = (nodeName?: string): object => ({
  ...(nodeName === undefined ? {} : { nodeName }),
  serviceAccountName: 'pay',
  automountServiceAccountToken: false,
  containers: [{ name: 'main', image: 'none', volumeMounts: [{ name: volume.name, mountPath: '/tls' }] }],
  volumes: [volume],
});
const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec() } };
/** Ahead of every change: whoever looks sees pods that are new already. */
const whole = { observedGeneration: 99, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
const daemons = { observedGeneration: 99, currentNumberScheduled: 1, numberMisscheduled: 0, desiredNumberScheduled: 1, updatedNumberScheduled: 1, numberReady: 1, numberAvailable: 1 };

const workloadPaths = { Deployment: 'deployments', StatefulSet: 'statefulsets', DaemonSet: 'daemonsets' } as const;
type Kind = keyof typeof workloadPaths;
/** Where one of them is. */
export const workloadPath = (kind: Kind): string => `/apis/apps/v1/namespaces/${namespace}/${workloadPaths[kind]}/restarted`;

interface Made {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
}

/** Makes all three, each with a pod that runs and mounts the Secret restarted-mtls. */
export async function makeWorkloads(api: ApiClient): Promise<void> {
  const make = async (path: string, object: object, status?: object): Promise<Made> => {
    const made = await api.send('POST', path, object);
    if (made.code !== 201) throw new Error(`${path}: ${made.message}`);
    const { metadata } = made.body as Made;
    if (status === undefined) return made.body as Made;
    const told = await api.send('PUT', `${path}/${metadata.name}/status`, { ...(made.body as object), status });
    if (told.code !== 200) throw new Error(`${path}: ${told.message}`);
    return told.body as Made;
  };
  const owned = (kind: string, { metadata }: Made): object => ({ ownerReferences: [{ apiVersion: 'apps/v1', kind, name: metadata.name, uid: metadata.uid, controller: true }] });
  const pod = async (name: string, owner: object, podIP: string): Promise<Made> =>
    make(`/api/v1/namespaces/${namespace}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels, ...owner }, spec: podSpec('nowhere') }, { phase: 'Running', podIP, podIPs: [{ ip: podIP }] });
  const workload = async (kind: Kind, more: object, status: object): Promise<Made> =>
    make(`/apis/apps/v1/namespaces/${namespace}/${workloadPaths[kind]}`, { apiVersion: 'apps/v1', kind, metadata: { name: 'restarted' }, spec: { ...spec, ...more } }, status);
  const deployment = await workload('Deployment', {}, whole);
  const set = await make(`/apis/apps/v1/namespaces/${namespace}/replicasets`, { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'restarted-1', ...owned('Deployment', deployment) }, spec });
  await pod('restarted-1-a', owned('ReplicaSet', set), '10.9.0.1');
  await pod('restarted-0', owned('StatefulSet', await workload('StatefulSet', { serviceName: 'restarted' }, whole)), '10.9.0.2');
  await pod('restarted-b', owned('DaemonSet', await workload('DaemonSet', {}, daemons)), '10.9.0.3');
}

/** For which bundle mtlsd has restarted it. */
export function restartedFor({ spec = {} }: { readonly spec?: Readonly<Record<string, unknown>> }): string | undefined {
  const { template } = spec as { readonly template?: { readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> } } };
  return template?.metadata?.annotations?.['mtlsd.io/restarted-for'];
}

/** The same with another program in its pods. */
export function withOtherImage(workload: object): object {
  return JSON.parse(JSON.stringify(workload).replace('"image":"none"', '"image":"other"')) as object;
}

/** What brings another root into the bundle of that trust domain. */
export function newRoots({ status }: { readonly status?: { readonly authorities?: readonly { readonly keyIdentifier: string; readonly role: string; readonly state: string }[] } }): object {
  const root = status?.authorities?.find(({ role, state }) => role === 'Root' && state === 'Active');
  return { apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: 'roots' }, spec: { trustDomain: restarted, what: 'Root', fromAuthority: root?.keyIdentifier } };
}

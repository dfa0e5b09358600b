import type { Kind, ObjectKey } from './port.ts';

/** What an adapter has to know about a kind before it has seen an object of it. */
interface KindTraits {
  readonly apiVersion: string;
  readonly namespaced: boolean;
  /** Whether `metadata.generation` counts the changes of `spec`. */
  readonly hasSpec: boolean;
}

/** The traits of every kind that the port knows. */
export const kindTraits: Readonly<Record<Kind, KindTraits>> = {
  TrustDomain: { apiVersion: 'mtlsd.io/v1alpha1', namespaced: false, hasSpec: true },
  ClusterWorkloadIdentity: { apiVersion: 'mtlsd.io/v1alpha1', namespaced: false, hasSpec: true },
  WorkloadIdentity: { apiVersion: 'mtlsd.io/v1alpha1', namespaced: true, hasSpec: true },
  CARotation: { apiVersion: 'mtlsd.io/v1alpha1', namespaced: false, hasSpec: true },
  Secret: { apiVersion: 'v1', namespaced: true, hasSpec: false },
  ConfigMap: { apiVersion: 'v1', namespaced: true, hasSpec: false },
  ClusterTrustBundle: { apiVersion: 'certificates.k8s.io/v1', namespaced: false, hasSpec: false },
  Lease: { apiVersion: 'coordination.k8s.io/v1', namespaced: true, hasSpec: false },
  Namespace: { apiVersion: 'v1', namespaced: false, hasSpec: false },
  Node: { apiVersion: 'v1', namespaced: false, hasSpec: false },
  ServiceAccount: { apiVersion: 'v1', namespaced: true, hasSpec: false },
  Pod: { apiVersion: 'v1', namespaced: true, hasSpec: false },
  Service: { apiVersion: 'v1', namespaced: true, hasSpec: false },
  PodCertificateRequest: { apiVersion: 'certificates.k8s.io/v1', namespaced: true, hasSpec: false },
  ReplicaSet: { apiVersion: 'apps/v1', namespaced: true, hasSpec: true },
  Deployment: { apiVersion: 'apps/v1', namespaced: true, hasSpec: true },
  StatefulSet: { apiVersion: 'apps/v1', namespaced: true, hasSpec: true },
  DaemonSet: { apiVersion: 'apps/v1', namespaced: true, hasSpec: true },
  PodDisruptionBudget: { apiVersion: 'policy/v1', namespaced: true, hasSpec: true },
};

/** All kinds, in a fixed order. */
export const allKinds: readonly Kind[] = [
  'TrustDomain',
  'WorkloadIdentity',
  'ClusterWorkloadIdentity',
  'CARotation',
  'Secret',
  'ConfigMap',
  'ClusterTrustBundle',
  'Lease',
  'Namespace',
  'Node',
  'ServiceAccount',
  'Pod',
  'Service',
  'PodCertificateRequest',
  'ReplicaSet',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'PodDisruptionBudget',
];

/** `name` or `namespace/name`: unique within a kind, as neither part can hold a slash. */
export function placeOf(key: { readonly namespace?: string | undefined; readonly name: string }): string {
  return key.namespace === undefined ? key.name : `${key.namespace}/${key.name}`;
}

/** `Kind namespace/name`: how errors and logs name an object. */
export function describeKey(key: { readonly kind: string; readonly namespace?: string | undefined; readonly name: string }): string {
  return `${key.kind} ${placeOf(key)}`;
}

/** The key under which an object is stored. */
export function keyOf<K extends Kind>(object: { readonly kind: K; readonly metadata: { readonly name: string; readonly namespace?: string } }): ObjectKey<K> {
  const { name, namespace } = object.metadata;
  return namespace === undefined ? { kind: object.kind, name } : { kind: object.kind, namespace, name };
}

/** Whether a string is the name of a kind that the port knows. */
export function isKind(kind: string): kind is Kind {
  return Object.hasOwn(kindTraits, kind);
}

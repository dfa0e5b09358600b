import { allKinds, kindTraits } from '../object-key.ts';
import type { Kind } from '../port.ts';

/** How the API server serves a kind. */
export interface ResourceType {
  readonly kind: Kind;
  /** Empty for core. */
  readonly group: string;
  /** Newest first. The port speaks the first; the adapter translates, as they differ in name only. */
  readonly versions: readonly string[];
  /** In which order they are looked for. */
  readonly preferred: readonly string[];
  readonly plural: string;
  readonly namespaced: boolean;
  /** Watches ask for metadata alone: contents never leave the API server. */
  readonly metadataOnly: boolean;
  /** Fields that the API server leaves out when they are empty, with what the port's types say instead. */
  readonly empty: Readonly<Record<string, unknown>>;
}

type Row = Pick<ResourceType, 'plural'> & { readonly olderVersions?: readonly string[]; readonly prefersOlder?: boolean } & Partial<Pick<ResourceType, 'metadataOnly' | 'empty'>>;

/** The table of kinds: a new one takes a line here, beside its traits. */
const rows: Readonly<Record<Kind, Row>> = {
  TrustDomain: { plural: 'trustdomains', empty: { spec: {} } },
  WorkloadIdentity: { plural: 'workloadidentities', empty: { spec: {} } },
  ClusterWorkloadIdentity: { plural: 'clusterworkloadidentities' },
  CARotation: { plural: 'carotations' },
  Secret: { plural: 'secrets', metadataOnly: true, empty: { data: {} } },
  ConfigMap: { plural: 'configmaps', empty: { data: {} } },
  ClusterTrustBundle: { plural: 'clustertrustbundles', olderVersions: ['v1beta1'] },
  Lease: { plural: 'leases', empty: { spec: {} } },
  Namespace: { plural: 'namespaces', metadataOnly: true },
  Node: { plural: 'nodes' },
  ServiceAccount: { plural: 'serviceaccounts', metadataOnly: true },
  Pod: { plural: 'pods' },
  Service: { plural: 'services', empty: { spec: {} } },
  // Where both are served, v1 does not show the key of a request that an older kubelet made (1.35): v1beta1 shows every one.
  PodCertificateRequest: { plural: 'podcertificaterequests', olderVersions: ['v1beta1'], prefersOlder: true },
  ReplicaSet: { plural: 'replicasets' },
  Deployment: { plural: 'deployments' },
  StatefulSet: { plural: 'statefulsets' },
  DaemonSet: { plural: 'daemonsets' },
  PodDisruptionBudget: { plural: 'poddisruptionbudgets' },
};

/** The group that this project defines. Its kinds exist once their CustomResourceDefinitions are installed. */
const ownGroup = 'mtlsd.io';

const types: ReadonlyMap<Kind, ResourceType> = new Map(allKinds.map((kind) => [kind, resourceType(kind)]));

function resourceType(kind: Kind): ResourceType {
  const { apiVersion, namespaced } = kindTraits[kind];
  const { plural, olderVersions = [], prefersOlder = false, metadataOnly = false, empty = {} } = rows[kind];
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  const versions = [version, ...olderVersions];
  return { kind, group, versions, preferred: prefersOlder ? versions.toReversed() : versions, plural, namespaced, metadataOnly, empty };
}

/** How `kind` is served. */
export function resourceTypeOf(kind: Kind): ResourceType {
  const type = types.get(kind);
  if (type === undefined) throw new Error(`kind ${kind} has no row in the table of resource types`);
  return type;
}

/** Whether a CustomResourceDefinition of this project stands behind the kind. */
export function isCustomResource(type: ResourceType): boolean {
  return type.group === ownGroup;
}

/** Name of the CustomResourceDefinition. */
export function definitionName(type: ResourceType): string {
  return `${type.plural}.${type.group}`;
}

/** `secrets` or `leases.coordination.k8s.io`, as RBAC and kubectl name it. */
export function qualifiedPlural(type: ResourceType): string {
  return type.group === '' ? type.plural : `${type.plural}.${type.group}`;
}

/** URL path of a group and version. */
export function groupPath(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** URL path of the collection, in one namespace or all of them. */
export function collectionPath(type: ResourceType, version: string, namespace: string | undefined): string {
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${groupPath(type.group, version)}${scope}/${type.plural}`;
}

import type { ClusterWorkloadIdentity, Namespace, ServiceAccount, WorkloadIdentity } from '../../resources/index.ts';
import type { Cache } from '../runtime/cache.ts';
import { ownerOfChild } from './child.ts';

/** What the reconcilers of ClusterWorkloadIdentities look at. */
export interface FleetCaches {
  readonly clusterIdentities: Cache<ClusterWorkloadIdentity>;
  readonly identities: Cache<WorkloadIdentity>;
  readonly serviceAccounts: Cache<ServiceAccount>;
  readonly namespaces: Cache<Namespace>;
}

/** Indexes that they need; those of identities by namespace and by service account are there already. */
export function indexFleet({ clusterIdentities, identities, serviceAccounts }: FleetCaches): void {
  clusterIdentities.addIndex('uid', ({ metadata }) => [metadata.uid]);
  serviceAccounts.addIndex('namespace', ({ metadata }) => [metadata.namespace ?? '']);
  identities.addIndex('clusterIdentity', (identity) => [ownerOfChild(identity)].filter((uid) => uid !== undefined));
}

import type { CARotation, ClusterWorkloadIdentity, TrustDomain, WorkloadIdentity } from '../../resources/index.ts';

/** The API objects of one place as they are now: what people are shown is made of them. */
export interface Sight {
  readonly trustDomains: readonly TrustDomain[];
  readonly identities: readonly WorkloadIdentity[];
  readonly rotations: readonly CARotation[];
  /** Left out where there are none: outside a cluster. */
  readonly clusterIdentities?: readonly ClusterWorkloadIdentity[];
}

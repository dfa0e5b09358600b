import type { Kind } from '../port.ts';

/** Kinds of ours that mean nothing in a folder of manifests, each with what to do there instead. */
const reasons: Partial<Readonly<Record<Kind, string>>> = {
  ClusterWorkloadIdentity: 'a ClusterWorkloadIdentity selects namespaces and service accounts, and a folder of manifests has none as objects: write a WorkloadIdentity for each workload',
};

/** Why an object of this kind cannot be used outside a cluster, and what to write instead; undefined when it can. */
export function whyClusterOnly(kind: Kind): string | undefined {
  return reasons[kind];
}

import { withDefaults } from './defaults.ts';
import { parseDuration } from './duration.ts';
import type { ClusterWorkloadIdentity, ClusterWorkloadIdentitySpec } from './generated/cluster-workload-identity.ts';
import { specSchema } from './kinds.ts';
import type { LabelSelector } from './label-selector.ts';

/** A ClusterWorkloadIdentity's spec with every default in its place. */
export interface ResolvedClusterIdentitySpec {
  readonly namespaceSelector: LabelSelector;
  /** undefined: every name. */
  readonly serviceAccountNames: ReadonlySet<string> | undefined;
  readonly serviceAccountSelector: LabelSelector;
  /** undefined: every pod. */
  readonly podSelector: LabelSelector | undefined;
  readonly deliversSecrets: boolean;
  readonly deliversPodCertificates: boolean;
  readonly priority: number;
  /** undefined: the default trust domain, or the only one. */
  readonly trustDomain: string | undefined;
  /** With placeholders, in the order of the manifest. */
  readonly dnsNames: readonly string[];
  /** undefined: the trust domain's `svid.ttl`. */
  readonly ttlMs: number | undefined;
  /** With placeholders. */
  readonly secretName: string;
}

type Filled = ClusterWorkloadIdentitySpec & Required<Pick<ClusterWorkloadIdentitySpec, 'deliveries' | 'priority' | 'secretName'>>;

/** @throws MtlsdError `DURATION_INVALID` for an object that was never validated */
export function resolvedClusterIdentitySpec({ spec: given }: ClusterWorkloadIdentity): ResolvedClusterIdentitySpec {
  const spec = withDefaults(specSchema('ClusterWorkloadIdentity'), given) as Filled;
  return {
    namespaceSelector: spec.namespaceSelector,
    serviceAccountNames: spec.serviceAccountNames === undefined ? undefined : new Set(spec.serviceAccountNames),
    serviceAccountSelector: spec.serviceAccountSelector ?? {},
    podSelector: spec.podSelector,
    deliversSecrets: spec.deliveries.includes('Secret'),
    deliversPodCertificates: spec.deliveries.includes('PodCertificate'),
    priority: spec.priority,
    trustDomain: spec.trustDomain,
    dnsNames: spec.dnsNames ?? [],
    ttlMs: spec.ttl === undefined ? undefined : parseDuration(spec.ttl),
    secretName: spec.secretName,
  };
}

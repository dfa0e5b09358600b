/**
 * The API kinds: their types (generated from `crds/`), their defaults, their conditions, and validation with the same
 * schemas and rules as the API server. Pure: nothing here reads a clock, a file or the network.
 */
export { documentProblems } from './check-document.ts';
export { setCondition } from './conditions.ts';
export { dnsNameAllowed } from './dns-pattern.ts';
export { formatDuration, parseDuration } from './duration.ts';
export type { CARotation, CARotationSpec, CARotationStatus } from './generated/ca-rotation.ts';
export type { ClusterWorkloadIdentity, ClusterWorkloadIdentitySpec, ClusterWorkloadIdentityStatus } from './generated/cluster-workload-identity.ts';
export type { TrustDomain, TrustDomainSpec, TrustDomainStatus } from './generated/trust-domain.ts';
export type { WorkloadIdentity, WorkloadIdentitySpec, WorkloadIdentityStatus } from './generated/workload-identity.ts';
export { annotations, labels, managedByMtlsd, receiptsPrefix } from './names.ts';
export type {
  ClusterTrustBundle,
  Condition,
  ConfigMap,
  Draft,
  Lease,
  Namespace,
  Node,
  ObjectMeta,
  OwnerReference,
  Pod,
  PodCertificateRequest,
  PodContainer,
  PodVolume,
  Secret,
  Service,
  ServiceAccount,
  StoredObject,
} from './object.ts';
export type { Problem } from './problem.ts';
export type { Schema } from './schema.ts';
export {
  type AuthorityKeyAlgorithm,
  type AuthoritySettings,
  type DeletionPolicy,
  type JwtSettings,
  type KeyAlgorithm,
  type KeystoreSettings,
  type PasswordReference,
  type ResolvedIdentitySpec,
  type ResolvedTrustDomainSpec,
  type TokenAudience,
  resolvedIdentitySpec,
  resolvedTrustDomainSpec,
} from './resolve.ts';
export { completeIdentitySpec } from './complete-spec.ts';
export { type ResolvedClusterIdentitySpec, resolvedClusterIdentitySpec } from './resolve-cluster-identity.ts';
export { type ResolvedRotationSettings, type ResolvedRotationSpec, type RotationExemption, type RotationGate, resolvedRotationSettings, resolvedRotationSpec } from './resolve-rotation.ts';
export { type ManifestObject, type ManifestResult, validateManifest } from './validate.ts';
export type { DaemonSet, Deployment, PodDisruptionBudget, ReplicaSet, StatefulSet } from './workload-object.ts';
export { selectorMatches, type LabelSelector } from './label-selector.ts';

/** Labels that mtlsd writes on Secrets, ConfigMaps and ClusterTrustBundles. A label value has at most 63 characters. */
export const labels = {
  /** Always `managedByMtlsd`; what lacks it is foreign. */
  managedBy: 'app.kubernetes.io/managed-by',
  trustDomain: 'mtlsd.io/trust-domain',
  /** UID of the WorkloadIdentity. Its name can be longer than a label value: that is an annotation. */
  identityUid: 'mtlsd.io/identity-uid',
  /** On a WorkloadIdentity: UID of the ClusterWorkloadIdentity that it was made for. */
  clusterIdentityUid: 'mtlsd.io/cluster-identity-uid',
} as const;

/** Value of `labels.managedBy`. */
export const managedByMtlsd = 'mtlsd';

/** What the names of ConfigMaps with receipts of rotations begin with; the trust domain follows. */
export const receiptsPrefix = 'mtlsd-receipts-';

/** Annotations that mtlsd writes or, for the last two, reads. */
export const annotations = {
  /** Name of the WorkloadIdentity, in the namespace of the Secret. */
  identity: 'mtlsd.io/identity',
  /** On a WorkloadIdentity: name of the ClusterWorkloadIdentity that it was made for. */
  clusterIdentity: 'mtlsd.io/cluster-identity',
  spiffeId: 'mtlsd.io/spiffe-id',
  serialNumber: 'mtlsd.io/serial-number',
  /** RFC 3339. */
  notBefore: 'mtlsd.io/not-before',
  /** RFC 3339. */
  notAfter: 'mtlsd.io/not-after',
  /** Key identifier of the issuing authority. */
  issuer: 'mtlsd.io/issuer',
  bundleGeneration: 'mtlsd.io/bundle-generation',
  issuances: 'mtlsd.io/issuances',
  deletionPolicy: 'mtlsd.io/deletion-policy',
  /** Octal mode of files written outside Kubernetes, such as `0640`; set through `secretTemplate`. */
  fileMode: 'mtlsd.io/file-mode',
  /** `uid:gid` of files written outside Kubernetes; set through `secretTemplate`. */
  fileOwner: 'mtlsd.io/file-owner',
} as const;

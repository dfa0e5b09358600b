/** Metadata that every stored object has: the part of Kubernetes' ObjectMeta that mtlsd reads or writes. */
export interface ObjectMeta {
  readonly name: string;
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Rises with each change of `spec`. */
  readonly generation?: number;
  /** RFC 3339. */
  readonly creationTimestamp: string;
  /** RFC 3339; set while finalizers hold a deletion up. */
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  /** Of other controllers: mtlsd sets none on what carries keys or trust. */
  readonly ownerReferences?: readonly OwnerReference[];
}

/** An object as a store returns it: frozen, complete but for what a metadata-only watch leaves out. */
export interface StoredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** An object that is to be written: identity of the server's choosing (uid, resourceVersion, times) is left out. */
export type Draft<T extends StoredObject> = Omit<T, 'metadata' | 'status'> & {
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'labels' | 'annotations' | 'finalizers' | 'ownerReferences'>;
};

/** core/v1 Secret. `data` values are base64, as on the wire. */
export interface Secret extends StoredObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

/** core/v1 ConfigMap. */
export interface ConfigMap extends StoredObject {
  readonly apiVersion: 'v1';
  readonly kind: 'ConfigMap';
  readonly data: Readonly<Record<string, string>>;
  readonly immutable?: boolean;
}

/** core/v1 Namespace: its metadata is all that mtlsd reads (labels, and whether it is going away). */
export interface Namespace extends StoredObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Namespace';
}

/** core/v1 Node: its name and its conditions are all that mtlsd reads. */
export interface Node extends StoredObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Node';
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: 'True' | 'False' | 'Unknown';
      /** RFC 3339. */
      readonly lastTransitionTime?: string;
    }[];
  };
}

/** core/v1 ServiceAccount: that it exists, and its labels, is all that mtlsd reads. */
export interface ServiceAccount extends StoredObject {
  readonly apiVersion: 'v1';
  readonly kind: 'ServiceAccount';
}

/** metav1.OwnerReference. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** One source of a projected volume, as far as mtlsd reads it. */
export interface ProjectedSource {
  readonly secret?: { readonly name?: string; readonly optional?: boolean };
  readonly configMap?: { readonly name?: string };
  readonly podCertificate?: { readonly signerName: string; readonly keyType: string; readonly maxExpirationSeconds?: number; readonly userAnnotations?: Readonly<Record<string, string>> };
  readonly clusterTrustBundle?: { readonly name?: string; readonly signerName?: string; readonly labelSelector?: { readonly matchLabels?: Readonly<Record<string, string>> } };
}

/** core/v1 Volume: Secrets, ConfigMaps and projections are all that mtlsd reads. Modes are permission bits, in decimal on the wire. */
export interface PodVolume {
  readonly name: string;
  readonly secret?: {
    readonly secretName?: string;
    readonly optional?: boolean;
    readonly defaultMode?: number;
    readonly items?: readonly { readonly key: string; readonly path: string; readonly mode?: number }[];
  };
  readonly configMap?: { readonly name?: string };
  readonly projected?: { readonly defaultMode?: number; readonly sources?: readonly ProjectedSource[] };
}

/** core/v1 Container: where its volumes are, which variables it has (names only: values may be secret), as whom it runs. */
export interface PodContainer {
  readonly name: string;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string; readonly subPathExpr?: string }[];
  readonly env?: readonly { readonly name: string }[];
  readonly securityContext?: { readonly runAsUser?: number };
}

/** core/v1 ContainerStatus: since when the container runs, RFC 3339. */
export interface PodContainerStatus {
  readonly name: string;
  readonly state?: { readonly running?: { readonly startedAt?: string } };
}

/** core/v1 Pod: the fields that mtlsd reads; it never writes one. */
export interface Pod extends StoredObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod';
  readonly spec: {
    /** Set by the API server at creation; `default` when the author left it out. */
    readonly serviceAccountName?: string;
    /** Absent until the pod is scheduled. */
    readonly nodeName?: string;
    readonly hostNetwork?: boolean;
    readonly securityContext?: { readonly fsGroup?: number; readonly runAsUser?: number; readonly runAsNonRoot?: boolean };
    readonly volumes?: readonly PodVolume[];
    readonly containers: readonly PodContainer[];
    readonly initContainers?: readonly PodContainer[];
  };
  readonly status?: {
    readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    /** RFC 3339: when kubelet took the pod on. */
    readonly startTime?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
    readonly containerStatuses?: readonly PodContainerStatus[];
  };
}

/** core/v1 Service: which pods it selects, and whether it is headless (`clusterIP: None`). mtlsd never writes one. */
export interface Service extends StoredObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Service';
  readonly spec: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly clusterIP?: string;
    readonly type?: string;
  };
}

/** coordination.k8s.io/v1 Lease. Times are RFC 3339 with exactly six decimals: `2026-01-31T12:00:00.000000Z`. */
export interface Lease extends StoredObject {
  readonly apiVersion: 'coordination.k8s.io/v1';
  readonly kind: 'Lease';
  readonly spec: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** certificates.k8s.io/v1 ClusterTrustBundle: `trustBundle` is PEM, at most 1 MiB, CERTIFICATE blocks without headers. */
export interface ClusterTrustBundle extends StoredObject {
  readonly apiVersion: 'certificates.k8s.io/v1';
  readonly kind: 'ClusterTrustBundle';
  readonly spec: {
    readonly signerName?: string;
    readonly trustBundle: string;
  };
}

/**
 * certificates.k8s.io PodCertificateRequest: kubelet asks a signer for a certificate of a pod. The spec never changes; a
 * status with a condition (Issued, Denied or Failed) is final. Binary fields are base64, times RFC 3339.
 */
export interface PodCertificateRequest extends StoredObject {
  readonly apiVersion: 'certificates.k8s.io/v1';
  readonly kind: 'PodCertificateRequest';
  readonly spec: {
    readonly signerName: string;
    readonly podName: string;
    readonly podUID: string;
    readonly serviceAccountName: string;
    readonly serviceAccountUID: string;
    readonly nodeName: string;
    readonly nodeUID: string;
    readonly maxExpirationSeconds?: number;
    /** PKCS#10, DER: its key and its signature are all that it says. */
    readonly stubPKCS10Request?: string;
    /** SubjectPublicKeyInfo, DER: v1beta1's earlier way, with `proofOfPossession`. */
    readonly pkixPublicKey?: string;
    /** The pod's UID, signed by that key. */
    readonly proofOfPossession?: string;
    readonly unverifiedUserAnnotations?: Readonly<Record<string, string>>;
  };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    /** PEM, the leaf first. */
    readonly certificateChain?: string;
    readonly notBefore?: string;
    readonly notAfter?: string;
    readonly beginRefreshAt?: string;
  };
}

/** metav1.Condition. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** RFC 3339; changes only when `status` changes. */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

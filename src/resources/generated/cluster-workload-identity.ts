// Generated from crds/clusterworkloadidentities.mtlsd.io.yaml by `npm run generate`. Do not edit.

import type { Condition, StoredObject } from '../object.ts';

/** Which workloads are meant, and what their certificates say. */
export interface ClusterWorkloadIdentitySpec {
  /**
   * Namespaces whose workloads are meant, by their labels; kubernetes.io/metadata.name is their name. An empty selector
   * means every namespace, those of the cluster itself included.
   */
  readonly namespaceSelector: {
    /** Labels that a namespace must carry, all of them. */
    readonly matchLabels?: Readonly<Record<string, string>>;
    /** Requirements that a namespace must meet, all of them. */
    readonly matchExpressions?: readonly {
      /** Label key that the requirement is about. */
      readonly key: string;
      /** How the label is compared with the values. */
      readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
      /** Needed for In and NotIn, not allowed for Exists and DoesNotExist. */
      readonly values?: readonly string[];
    }[];
  };
  /** Names of service accounts that are meant. Left out: every one, "default" included. */
  readonly serviceAccountNames?: readonly string[];
  /**
   * Service accounts that are meant, by their labels. With serviceAccountNames, both must hold. Left out, or an empty
   * selector: whatever labels they have.
   */
  readonly serviceAccountSelector?: {
    /** Labels that a service account must carry, all of them. */
    readonly matchLabels?: Readonly<Record<string, string>>;
    /** Requirements that a service account must meet, all of them. */
    readonly matchExpressions?: readonly {
      /** Label key that the requirement is about. */
      readonly key: string;
      /** How the label is compared with the values. */
      readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
      /** Needed for In and NotIn, not allowed for Exists and DoesNotExist. */
      readonly values?: readonly string[];
    }[];
  };
  /**
   * Pods that are meant, by their labels. It needs deliveries [PodCertificate], because a Secret is shared by all pods
   * of a service account. Left out: every pod of the service accounts that are meant.
   */
  readonly podSelector?: {
    /** Labels that a pod must carry, all of them. */
    readonly matchLabels?: Readonly<Record<string, string>>;
    /** Requirements that a pod must meet, all of them. */
    readonly matchExpressions?: readonly {
      /** Label key that the requirement is about. */
      readonly key: string;
      /** How the label is compared with the values. */
      readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
      /** Needed for In and NotIn, not allowed for Exists and DoesNotExist. */
      readonly values?: readonly string[];
    }[];
  };
  /**
   * How workloads receive the identity. Secret makes a WorkloadIdentity, and so a Secret, for each service account;
   * PodCertificate answers the requests of pods that mount a pod certificate. Default: ["Secret","PodCertificate"].
   */
  readonly deliveries?: readonly ('Secret' | 'PodCertificate')[];
  /**
   * Which object counts when several match: the highest priority, from -1000 to 1000. Between equals the older object
   * counts, and then the name that comes first. A WorkloadIdentity that somebody made for the service account counts
   * before all of them. Default: 0.
   */
  readonly priority?: number;
  /** Name of the TrustDomain that all of these identities belong to. Left out: the default one, or the only one. */
  readonly trustDomain?: string;
  /**
   * DNS names that stand in the certificates beside the SPIFFE ID, such as {serviceAccount}.{namespace}.svc. The
   * placeholders {namespace} and {serviceAccount} stand for those of the workload; {service} stands, one after the
   * other, for each service that selects the pod, in pod certificates only: in a Secret, which all pods of a service
   * account share, names with {service} are left out. The trust domain says which names are granted.
   */
  readonly dnsNames?: readonly string[];
  /**
   * How long each certificate is valid, such as 1h; it is renewed at half of that. From 1m to 24h, and never more than
   * svid.maxTTL of the trust domain. A volume that kubelet refreshes needs at least 6m15s, or less where
   * rotation.propagationBound of the trust domain is below 90s. Left out: svid.ttl of the trust domain.
   */
  readonly ttl?: string;
  /** Kind of key. Each renewal makes a new one. Default: "ECDSAP256". */
  readonly keyAlgorithm?: 'ECDSAP256' | 'ECDSAP384' | 'ECDSAP521' | 'ED25519' | 'RSA2048' | 'RSA3072' | 'RSA4096';
  /**
   * Name of each Secret; {serviceAccount} and {namespace} stand for those of the workload. It cannot be changed later.
   * Default: "{serviceAccount}-mtls".
   */
  readonly secretName?: string;
  /**
   * Trust domains of others that these workloads talk to, out of federatesWith of their trust domain. Each Secret gets
   * the roots of each as the file federated.<trust domain>.crt.
   */
  readonly federatesWith?: readonly string[];
  /**
   * JWT-SVIDs that these workloads get as files of the Secret, for those who cannot take their certificates. The trust
   * domain has to issue them (spec.jwt of the TrustDomain). Each is renewed at half of its life, with no new
   * certificate; it lives for as long as a changed Secret takes to be seen at least, 6m15s where kubelet refreshes it.
   */
  readonly jwt?: {
    /** For whom there are tokens, one file each. */
    readonly audiences: readonly {
      /** Name of the file, to which .jwt is added, such as bank for bank.jwt. */
      readonly name: string;
      /** What the token has as its only aud. Whoever takes it refuses a token with another one. */
      readonly audience: string;
    }[];
  };
  /** Labels and annotations that each Secret carries besides those of mtlsd. */
  readonly secretTemplate?: {
    /** Labels for each Secret. */
    readonly labels?: Readonly<Record<string, string>>;
    /** Annotations for each Secret. */
    readonly annotations?: Readonly<Record<string, string>>;
  };
  /**
   * For programs that do not read changed files by themselves: what is done once their pods see the change, which is
   * rotation.propagationBound of the trust domain after the Secret was written (90s where that is not set). Left out:
   * nothing. Pods are known in a cluster only.
   */
  readonly reload?: {
    /** What is done when there is a new certificate. */
    readonly onRenewal?: {
      /**
       * A POST to each pod that mounts the Secret, at the pod's own address. Any answer from 200 to 299 is a success;
       * anything else, a redirect too, is tried again.
       */
      readonly http: {
        /** The port on which the pod listens. */
        readonly port: number;
        /** The path that is called, such as /-/reload, with a query where one is needed. */
        readonly path: string;
        /**
         * With HTTPS, the pod has to present a certificate of this very identity. No client certificate is presented.
         * Default: "HTTP".
         */
        readonly scheme?: 'HTTP' | 'HTTPS';
      };
    };
    /** What is done when the roots of the trust domain have changed. */
    readonly onBundle?: {
      /**
       * A POST to each pod that mounts the Secret, at the pod's own address. Any answer from 200 to 299 is a success;
       * anything else, a redirect too, is tried again.
       */
      readonly http?: {
        /** The port on which the pod listens. */
        readonly port: number;
        /** The path that is called, such as /-/reload, with a query where one is needed. */
        readonly path: string;
        /**
         * With HTTPS, the pod has to present a certificate of this very identity. No client certificate is presented.
         * Default: "HTTP".
         */
        readonly scheme?: 'HTTP' | 'HTTPS';
      };
      /**
       * Restarts the Deployment, StatefulSet or DaemonSet that owns the pods, as kubectl rollout restart does: once for
       * each change of the roots, one workload of a namespace after the other, and only while its PodDisruptionBudget
       * allows a disruption. mtlsd has to have the right to (reload.rolloutRestart.enabled of the chart).
       */
      readonly rolloutRestart?: {
      };
    };
  };
  /**
   * What becomes of a Secret when its service account is no longer matched, or this object is deleted. Retain leaves it
   * in place; it is not renewed any more. Default: "Delete".
   */
  readonly deletionPolicy?: 'Delete' | 'Retain';
}

/** What mtlsd has made of it. */
export interface ClusterWorkloadIdentityStatus {
  /** Generation of the spec that this status speaks of. */
  readonly observedGeneration?: number;
  /** How many service accounts the selectors match. */
  readonly matched?: number;
  /** How many WorkloadIdentities are in place for them. */
  readonly identities?: number;
  /** How many of those hold a valid certificate. */
  readonly ready?: number;
  /**
   * How many of those service accounts have their identity from another object that counts before this one: a
   * WorkloadIdentity that somebody made, or a ClusterWorkloadIdentity of a higher priority.
   */
  readonly overridden?: number;
  /** For how many service accounts the WorkloadIdentity could not be made or kept. */
  readonly conflictCount?: number;
  /** The first of those, in the order of their names. */
  readonly conflicts?: readonly {
    /** The namespace. */
    readonly namespace: string;
    /** The service account. */
    readonly serviceAccount: string;
    /** The cause, in one word for programs. */
    readonly reason: string;
    /** The cause and what to do, for people. */
    readonly message: string;
  }[];
  /** Ready says whether every service account that is matched has its identity, and what to do where it has not. */
  readonly conditions?: readonly Condition[];
}

/**
 * One identity for many workloads: for each service account that it matches, mtlsd makes a WorkloadIdentity and keeps
 * it as this object says; pod certificates are issued by it without one.
 */
export interface ClusterWorkloadIdentity extends StoredObject {
  readonly apiVersion: 'mtlsd.io/v1alpha1';
  readonly kind: 'ClusterWorkloadIdentity';
  readonly spec: ClusterWorkloadIdentitySpec;
  readonly status?: ClusterWorkloadIdentityStatus;
}

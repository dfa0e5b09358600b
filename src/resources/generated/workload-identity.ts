// Generated from crds/workloadidentities.mtlsd.io.yaml by `npm run generate`. Do not edit.

import type { Condition, StoredObject } from '../object.ts';

/** Who the workload is and what its certificate says. An identity with an empty spec is complete. */
export interface WorkloadIdentitySpec {
  /**
   * Name of the TrustDomain. Left out: the default one, or the only one. What was chosen is in status.trustDomain and
   * stays, even when more trust domains come.
   */
  readonly trustDomain?: string;
  /**
   * The service account, in the same namespace, that the workload runs as; it is part of the SPIFFE ID. Left out: the
   * name of this object.
   */
  readonly serviceAccountName?: string;
  /**
   * DNS names that stand in the certificate beside the SPIFFE ID, such as cart.shop.svc. The trust domain says which
   * are granted (by default the services of this namespace). A name that is listed twice counts once.
   */
  readonly dnsNames?: readonly string[];
  /**
   * The certificate's subject common name, for software that still reads it, such as a database that maps it to a user.
   * Left out: the subject is empty. It is never taken from dnsNames.
   */
  readonly commonName?: string;
  /**
   * How long each certificate is valid, such as 1h; it is renewed at half of that. From 1m to 24h, and never more than
   * svid.maxTTL of the trust domain. A volume that kubelet refreshes needs at least 6m15s, or less where
   * rotation.propagationBound of the trust domain is below 90s. Left out: svid.ttl of the trust domain.
   */
  readonly ttl?: string;
  /** Kind of key. Each renewal makes a new one. Default: "ECDSAP256". */
  readonly keyAlgorithm?: 'ECDSAP256' | 'ECDSAP384' | 'ECDSAP521' | 'ED25519' | 'RSA2048' | 'RSA3072' | 'RSA4096';
  /**
   * Name of the Secret that holds key, certificate and bundle. Left out: the name of this object with -mtls behind it.
   * A Secret that exists and is not of this identity is never touched. It cannot be changed later.
   */
  readonly secretName?: string;
  /**
   * Further forms in which key, certificates and roots are written, in the same Secret, beside the PEM files that are
   * always there.
   */
  readonly formats?: {
    /**
     * Writes DER files: tls.der (the certificate), chain.der (it and its issuer, one behind the other), key.der
     * (PKCS#8, not encrypted) and ca.der (the roots, one behind the other).
     */
    readonly der?: boolean;
    /**
     * Writes PKCS#12 files, which Java and others read: keystore.p12 (key and chain) and truststore.p12 (the roots),
     * both with one password. A changed password has them written again, with no new certificate.
     */
    readonly pkcs12?: {
      /**
       * The Secret of the same namespace that holds the password, in a cluster. It is looked at every five minutes and
       * whenever this identity is worked on.
       */
      readonly passwordSecretRef?: {
        /** Name of the Secret. */
        readonly name: string;
        /** The key in the Secret whose value is the password. Default: "password". */
        readonly key?: string;
      };
      /**
       * The file that holds the password, below the folder of manifests, outside Kubernetes. One line break at its end
       * does not count.
       */
      readonly passwordFile?: string;
      /**
       * How the files are encrypted. Modern is AES-256 and SHA-256, which Java from 8u301, OpenSSL from 1.1 and
       * everything newer read. Compatible is 3DES and SHA-1, for what is older. Default: "Modern".
       */
      readonly profile?: 'Modern' | 'Compatible';
      /**
       * Alias of the key in keystore.p12. Left out: the name of this object. Lower case, because Java lowers aliases.
       */
      readonly alias?: string;
      /**
       * What the aliases of the roots in truststore.p12 start with; behind it stand "-" and the first eight digits of
       * the root's key identifier, such as root-1f0c9a52. Default: "root".
       */
      readonly trustAlias?: string;
    };
  };
  /**
   * Trust domains of others that this workload talks to, out of federatesWith of its trust domain. The Secret gets the
   * roots of each as the file federated.<trust domain>.crt, never among its own in ca.crt.
   */
  readonly federatesWith?: readonly string[];
  /**
   * JWT-SVIDs that this workload gets as files of the Secret, for those who cannot take its certificate. The trust
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
  /** Labels and annotations that the Secret carries besides those of mtlsd. */
  readonly secretTemplate?: {
    /** Labels for the Secret. */
    readonly labels?: Readonly<Record<string, string>>;
    /**
     * Annotations for the Secret. Of those under mtlsd.io/ only two may be set, and only files outside Kubernetes heed
     * them: mtlsd.io/file-mode ("0640") and mtlsd.io/file-owner ("uid:gid") of the written files.
     */
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
   * What becomes of the Secret when this object is deleted. Retain leaves it in place; it is not renewed any more.
   * Default: "Delete".
   */
  readonly deletionPolicy?: 'Delete' | 'Retain';
}

/** What mtlsd has issued. */
export interface WorkloadIdentityStatus {
  /** Generation of the spec that this status speaks of. */
  readonly observedGeneration?: number;
  /** The trust domain that was chosen for this identity. */
  readonly trustDomain?: string;
  /** The SPIFFE ID in the certificate. */
  readonly spiffeID?: string;
  /** Serial number of the certificate, in hexadecimal. */
  readonly serialNumber?: string;
  /** Start of the certificate's validity. */
  readonly notBefore?: string;
  /** End of the certificate's validity. */
  readonly notAfter?: string;
  /** When the certificate will be renewed. */
  readonly renewalTime?: string;
  /** Key identifier of the issuing authority that signed the certificate. */
  readonly issuer?: string;
  /** Generation of the trust bundle that was written with the certificate. */
  readonly bundleGeneration?: number;
  /** The Secret that holds key, certificate and bundle. */
  readonly secret?: {
    /** Its name. */
    readonly name: string;
    /** The version that mtlsd wrote last. */
    readonly resourceVersion?: string;
  };
  /** How many certificates were issued for this object, the first one included. */
  readonly issuances?: number;
  /** How the last reload of each kind went that spec.reload asks for. It is written when that is known. */
  readonly reload?: {
    /** Pods that were told of a new certificate. */
    readonly onRenewal?: {
      /** Serial number of the certificate that they were told of. */
      readonly serialNumber: string;
      /** When this was found. */
      readonly time: string;
      /** How many pods had started before they could see the change. */
      readonly pods: number;
      /** How many of them took it. */
      readonly reloaded: number;
      /** What hinders the others, the first few by name. */
      readonly failing?: readonly string[];
    };
    /** Pods that were told of changed roots, or replaced because of them. */
    readonly onBundle?: {
      /** Generation of the trust bundle that it was about. */
      readonly bundleGeneration: number;
      /**
       * Which roots it was about: the trust domain and that generation, and with roots of other trust domains a digest
       * of their files.
       */
      readonly version?: string;
      /** When this was found. */
      readonly time: string;
      /** How many pods had started before they could see the change. */
      readonly pods: number;
      /** How many of them took it, or were replaced. */
      readonly reloaded: number;
      /** What hinders the others, the first few by name. */
      readonly failing?: readonly string[];
    };
  };
  /**
   * Ready says whether the Secret holds a valid certificate of this identity; Issued says how the last issuance went
   * and what to do. Formats, Federated and Tokens say whether the further files are there that were asked for.
   */
  readonly conditions?: readonly Condition[];
}

/**
 * An identity for a workload: mtlsd issues a certificate with the workload's SPIFFE ID, writes it with its key into a
 * Secret of the same namespace and renews it for ever.
 */
export interface WorkloadIdentity extends StoredObject {
  readonly apiVersion: 'mtlsd.io/v1alpha1';
  readonly kind: 'WorkloadIdentity';
  readonly spec: WorkloadIdentitySpec;
  readonly status?: WorkloadIdentityStatus;
}

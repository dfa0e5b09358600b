// Generated from crds/trustdomains.mtlsd.io.yaml by `npm run generate`. Do not edit.

import type { Condition, StoredObject } from '../object.ts';

/** What this trust domain is. A trust domain with an empty spec is complete. */
export interface TrustDomainSpec {
  /**
   * The authority that consumers trust. Its key signs issuing authorities and nothing else. A change applies to the
   * next root, never to the one that is in use.
   */
  readonly rootAuthority?: {
    /** Kind of key of the next root authority. Default: "ECDSAP256". */
    readonly keyAlgorithm?: 'ECDSAP256' | 'ECDSAP384' | 'ECDSAP521' | 'RSA3072' | 'RSA4096';
    /**
     * How long the next root authority is valid, such as 8760h (a year): at least twice the life of an issuing
     * authority, at most 219000h (25 years). Default: "8760h".
     */
    readonly lifetime?: string;
  };
  /**
   * The authority that signs identities. mtlsd replaces it by itself at half of its life; no bundle changes then,
   * because consumers trust the root. A change applies to the next issuing authority.
   */
  readonly issuingAuthority?: {
    /** Kind of key of the next issuing authority. Default: "ECDSAP256". */
    readonly keyAlgorithm?: 'ECDSAP256' | 'ECDSAP384' | 'ECDSAP521' | 'RSA3072' | 'RSA4096';
    /**
     * How long the next issuing authority is valid, such as 336h (two weeks). At least 2m, which is for watching a
     * turn-over; in earnest use days. Default: "336h".
     */
    readonly lifetime?: string;
  };
  /** How long identities are valid. */
  readonly svid?: {
    /** Life of an identity that names no ttl of its own. It is renewed at half of it. Default: "1h". */
    readonly ttl?: string;
    /**
     * The longest life that an identity may ask for: at most 24h, and at most half of the life of an issuing authority,
     * because at its turn-over half is left. Default: "24h".
     */
    readonly maxTTL?: string;
  };
  /**
   * The path of every SPIFFE ID in this trust domain. {namespace} and {serviceAccount} stand for those of the workload;
   * both must be there, in different segments, so that no two workloads share an ID. It cannot be changed later,
   * because that would rename every identity at once. Default: "/ns/{namespace}/sa/{serviceAccount}".
   */
  readonly pathTemplate?: string;
  /** Which DNS names identities may ask for. */
  readonly dnsNames?: {
    /**
     * A DNS name is granted when it matches one of these. A pattern is made of labels with dots between them: "*" is
     * exactly one label of any kind, {namespace} is the namespace of the identity, anything else is itself. The default
     * grants the names of the services of the identity's own namespace; an empty list grants none. A pattern without
     * {namespace} is open to every namespace. Default:
     * ["*.{namespace}","*.{namespace}.svc","*.{namespace}.svc.cluster.local"].
     */
    readonly allowedPatterns?: readonly string[];
  };
  /** How late consumers may be when an authority is rotated, and when a root is rotated by itself. */
  readonly rotation?: {
    /**
     * How late a consumer may see a changed Secret, ConfigMap or ClusterTrustBundle. Left out: kubelet's own bound in a
     * cluster, nothing where consumers read a folder. A laptop or a drill sets seconds. Less than 90s allows shorter
     * lives of Secrets in a cluster: 2.5 times (this and a minute).
     */
    readonly propagationBound?: string;
    /**
     * How long a consumer may go on with certificates and bundles that it has loaded before it loads the new ones. Left
     * out: the longest life of an identity in use. What is shorter is a promise about every consumer.
     */
    readonly consumerReload?: string;
    /** When the root is rotated without anybody asking. Left out, or empty, never. */
    readonly root?: {
      /** The age at which a root is rotated, such as 4380h (half a year). */
      readonly every?: string;
      /** The remaining life at which a root is rotated, such as 1440h (60 days). */
      readonly beforeRemaining?: string;
    };
  };
  /**
   * Has this trust domain issue JWT-SVIDs too: short-lived tokens that say who a workload is to somebody who cannot
   * take its certificate. Their keys rotate by themselves, and are published before they sign. Left out: none are
   * issued.
   */
  readonly jwt?: {
    /**
     * What tokens have as iss: the https URL at which outsiders find the keys by OpenID Connect discovery. Left out:
     * tokens have no iss, and are verified with the SPIFFE bundle.
     */
    readonly issuer?: string;
    /**
     * How tokens are signed. RS256 is for verifiers that know nothing else, such as some clouds. A change has a new key
     * prepared at once, and tokens signed by it as soon as that was published for long enough. Default: "ES256".
     */
    readonly algorithm?: 'ES256' | 'RS256';
    /**
     * How long tokens live, and the longest that a caller may ask for. Short: a token that was stolen is good until it
     * ends. Tokens that are delivered as files live for as long as their delivery needs at least. Default: "5m".
     */
    readonly ttl?: string;
    /**
     * How long a key signs, such as 168h (a week). The next one is published a quarter of it before, and half an hour
     * before at least. Default: "168h".
     */
    readonly keyLifetime?: string;
  };
  /**
   * Identities that name no trust domain belong to this one. Without a default the only trust domain serves them; where
   * there are several and no default, they wait.
   */
  readonly default?: boolean;
  /** Where the trust bundle is written, besides the Secrets of identities. */
  readonly bundle?: {
    /**
     * Namespaces that get the ConfigMap mtlsd-bundle-<trust domain>, with the roots under the key ca.crt. An empty
     * selector selects every namespace.
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
  };
  /**
   * Trust domains of others whose bundles are fetched, kept apart by name, and delivered to the identities that ask for
   * them (federatesWith of a WorkloadIdentity), each as a file of its own.
   */
  readonly federatesWith?: readonly {
    /** Name of the other trust domain. It is never taken from what is fetched. */
    readonly trustDomain: string;
    /** Where the other trust domain serves its SPIFFE bundle, and how its server is recognised. */
    readonly bundleEndpoint: {
      /** Address of the bundle, such as https://spiffe.partner.example/bundle. */
      readonly url: string;
      /**
       * https_web: the server shows a certificate for its host name. https_spiffe: it shows the X.509-SVID named in
       * endpointSPIFFEID.
       */
      readonly profile: 'https_web' | 'https_spiffe';
      /** The SPIFFE ID that the server must show, of the other trust domain; for https_spiffe. */
      readonly endpointSPIFFEID?: string;
      /**
       * Roots of the other trust domain, PEM, that its server is verified with until its bundle was fetched once; from
       * then on the bundle that was fetched last counts. A changed value counts again until the next fetch, and lets
       * the sequence begin anew; for https_spiffe.
       */
      readonly bootstrapBundle?: string;
      /**
       * Roots, PEM, that the server's certificate is verified with instead of those that the system trusts, for a
       * server with a certificate of a private authority; for https_web.
       */
      readonly webRoots?: string;
    };
  }[];
  /** Namespaces whose identities may belong to this trust domain. Left out, or an empty selector: every namespace. */
  readonly allowedNamespaces?: {
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
}

/**
 * What mtlsd sees of this trust domain. It is rebuilt from the authority records whenever it is lost; nothing is
 * decided from it.
 */
export interface TrustDomainStatus {
  /** Generation of the spec that this status speaks of. */
  readonly observedGeneration?: number;
  /** Authorities that are prepared, in use, or still needed by what they have signed. */
  readonly authorities?: readonly {
    /** Subject key identifier of the authority's certificate, in hexadecimal. */
    readonly keyIdentifier: string;
    /** A root is what consumers trust; an issuing authority signs identities. */
    readonly role: 'Root' | 'Issuing';
    /** Prepared signs nothing yet, Active signs, Retiring signs nothing any more. */
    readonly state: 'Prepared' | 'Active' | 'Retiring';
    /** Key identifier of the root that it chains to; its own for a root. */
    readonly root?: string;
    /** Generation of the bundle with which a root joined it. */
    readonly sinceGeneration?: number;
    /**
     * Until when certificates of it may live that are in no Secret, by the way that they take: `pod-certificate` or
     * `csr`. A record that a restore put back is brought up to these.
     */
    readonly reserved?: Readonly<Record<string, string>>;
    /** Start of its validity. */
    readonly notBefore: string;
    /** End of its validity. */
    readonly notAfter: string;
  }[];
  /** Key identifier of the issuing authority that signs now. */
  readonly activeIssuer?: string;
  /** A number that rises with each change of the active issuing authority. */
  readonly signerEpoch?: number;
  /** The trust bundle that consumers should have. */
  readonly bundle?: {
    /** A number that rises with each change of the set of roots. */
    readonly generation: number;
    /** SHA-256 over the sorted roots, in hexadecimal. */
    readonly sha256: string;
  };
  /** The keys of JWT-SVIDs. Left out when there never were any. */
  readonly jwt?: {
    /** A number that rises with each change of the set of keys. */
    readonly sequence: number;
    /** What tokens have as iss. Left out when they have none, or when none are issued. */
    readonly issuer?: string;
    /** When the next key signs. Left out when none are issued. */
    readonly turnsOverAt?: string;
    /** Keys that are published, those included that sign no more but have signed a token that lives. */
    readonly keys: readonly {
      /** What tokens and key sets name the key by (kid), in hexadecimal. */
      readonly keyIdentifier: string;
      /** How it signs. */
      readonly algorithm: 'ES256' | 'RS256';
      /** Prepared signs nothing yet, Active signs, Retiring signs nothing any more. */
      readonly state: 'Prepared' | 'Active' | 'Retiring';
      /** Since when readers can have it. */
      readonly publishedAt?: string;
      /** Since when it signs. */
      readonly activatedAt?: string;
      /** Since when it signs no more. */
      readonly retiredAt?: string;
    }[];
  };
  /** Where each trust domain of others stands that this one federates with. */
  readonly federation?: readonly {
    /** Name of the other trust domain. */
    readonly trustDomain: string;
    /** Sequence of the bundle that is in use (a number up to 2^64 - 1). */
    readonly sequence?: string;
    /** When the bundle that is in use was fetched first. */
    readonly fetchedAt?: string;
    /** SHA-256 over its sorted roots, in hexadecimal. */
    readonly sha256?: string;
    /** How many roots it has. None means that the other trust domain has revoked everything. */
    readonly roots?: number;
    /** How often the other trust domain asks to be asked. */
    readonly refreshHintSeconds?: number;
    /** Why the last fetch did not succeed, in one word for programs. Left out when it did. */
    readonly reason?: string;
    /** Why the last fetch did not succeed and what to do, for people. */
    readonly message?: string;
  }[];
  /**
   * Live certificates whose root is missing from a bundle that was delivered to somebody who may have to verify them.
   * Left out when there are none, as there should be.
   */
  readonly violations?: number;
  /** How far the bundle has come in the namespaces that are selected for it. */
  readonly targets?: {
    /** Targets that carry the current bundle. */
    readonly written: number;
    /** Targets that do not yet carry the current bundle. */
    readonly stale: number;
    /** Targets that could not be written, by name; the first 100. */
    readonly failing?: readonly string[];
  };
  /**
   * Ready says whether identities can be issued, and if not, what to do. InUse says whether identities need this trust
   * domain. Federated says whether the bundle of every trust domain in federatesWith is here and fresh. JWTReady says
   * whether tokens can be issued.
   */
  readonly conditions?: readonly Condition[];
}

/**
 * A trust domain: a root authority, the issuing authorities below it, and what identities in it may ask for. The name
 * of the object is the name of the trust domain, such as shop.example, and part of every SPIFFE ID.
 */
export interface TrustDomain extends StoredObject {
  readonly apiVersion: 'mtlsd.io/v1alpha1';
  readonly kind: 'TrustDomain';
  readonly spec: TrustDomainSpec;
  readonly status?: TrustDomainStatus;
}

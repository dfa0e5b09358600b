import type { ClusterTrustBundle, ConfigMap, Namespace, ServiceAccount, TrustDomain, WorkloadIdentity } from '../resources/index.ts';
import type { SecretMetadata } from '../store/port.ts';
import type { Cache } from './runtime/cache.ts';

/** The caches of identities and what they hang on. */
export interface IdentityCaches {
  readonly trustDomains: Cache<TrustDomain>;
  readonly identities: Cache<WorkloadIdentity>;
  readonly secrets: Cache<SecretMetadata>;
  /** Undefined where there are no service accounts (standalone). */
  readonly serviceAccounts: Cache<ServiceAccount> | undefined;
  /** Undefined where namespaces are no objects (standalone). */
  readonly namespaces: Cache<Namespace> | undefined;
}

/** The caches that say which bundle is where. */
export interface BundleCaches {
  readonly namespaces: Cache<Namespace>;
  /** Undefined where bundles do not go to ConfigMaps. */
  readonly configMaps: Cache<ConfigMap> | undefined;
  /** Undefined where there are no ClusterTrustBundles, or none are wanted. */
  readonly clusterTrustBundles: Cache<ClusterTrustBundle> | undefined;
}

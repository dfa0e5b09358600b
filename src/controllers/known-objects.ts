import type { CARotation, TrustDomain, WorkloadIdentity } from '../resources/index.ts';
import type { IdentityCaches } from './caches.ts';
import type { Cache } from './runtime/cache.ts';

/** The objects that people and programs are shown, as the caches have them: read only, and nothing of a Secret. */
export class KnownObjects {
  readonly #caches: Pick<IdentityCaches, 'identities' | 'trustDomains'>;
  readonly #rotations: Cache<CARotation>;

  constructor(caches: Pick<IdentityCaches, 'identities' | 'trustDomains'>, rotations: Cache<CARotation>) {
    this.#caches = caches;
    this.#rotations = rotations;
  }

  /** Whether everything that there is has been seen. Nothing may be concluded from absence before. */
  get complete(): boolean {
    return this.#caches.identities.synced && this.#caches.trustDomains.synced;
  }

  /** All of them, or those of one namespace. */
  identities(namespace: string | undefined): Iterable<WorkloadIdentity> {
    return namespace === undefined ? this.#caches.identities.values() : this.#caches.identities.byIndex('namespace', namespace);
  }

  identity(namespace: string, name: string): WorkloadIdentity | undefined {
    return this.#caches.identities.get(namespace, name);
  }

  /** Those that name a service account of their namespace. */
  identitiesFor(namespace: string, serviceAccount: string): readonly WorkloadIdentity[] {
    return this.#caches.identities.byIndex('serviceAccount', `${namespace}/${serviceAccount}`);
  }

  trustDomains(): Iterable<TrustDomain> {
    return this.#caches.trustDomains.values();
  }

  rotations(): Iterable<CARotation> {
    return this.#rotations.values();
  }
}

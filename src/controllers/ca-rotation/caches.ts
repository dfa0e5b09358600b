import type { CARotation } from '../../resources/index.ts';
import type { BundleCaches, IdentityCaches } from '../caches.ts';
import type { Cache } from '../runtime/cache.ts';

/** What the reconciler of rotations looks at all the time. */
export interface RotationCaches {
  readonly rotations: Cache<CARotation>;
  readonly identities: IdentityCaches['identities'];
  readonly secrets: IdentityCaches['secrets'];
  readonly trustDomains: IdentityCaches['trustDomains'];
  /** Undefined where bundles go nowhere but into Secrets (standalone). */
  readonly bundles: BundleCaches | undefined;
}

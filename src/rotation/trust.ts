import { rootBehind, type AuthorityRecord } from '../authority/index.ts';
import type { TrustDomainStatus } from '../resources/index.ts';

/** An authority as far as trust in it goes. */
export interface TrustedAuthority {
  readonly keyIdentifier: string;
  readonly state: 'Prepared' | 'Active' | 'Retiring';
  /** Key identifier of the root that it chains to; its own for a root. */
  readonly root: string;
  /** For a root: the generation of the bundle with which it joined; undefined: it has been there since the first. */
  readonly sinceGeneration: number | undefined;
}

/** Whom the newest bundle of a trust domain trusts, and who vouches for its leaves. */
export interface Trust {
  readonly bundleGeneration: number;
  readonly authorities: readonly TrustedAuthority[];
}

/** What a record makes trusted. */
export function trustInRecord({ bundleGeneration, authorities }: Pick<AuthorityRecord, 'bundleGeneration' | 'authorities'>): Trust {
  return {
    bundleGeneration,
    authorities: authorities.map((authority) => ({ keyIdentifier: authority.keyIdentifier, state: authority.state, root: rootBehind(authority), sinceGeneration: authority.sinceGeneration })),
  };
}

/** What was made trusted as status remembers it, for when no record is in force; undefined when it remembers nothing. */
export function trustInStatus(status: Pick<TrustDomainStatus, 'bundle' | 'authorities'> | undefined): Trust | undefined {
  if (status?.bundle === undefined || status.authorities === undefined) return undefined;
  // A status of a version that did not say so: with one root at most times it is the active one.
  const active = status.authorities.find(({ role, state }) => role === 'Root' && state === 'Active')?.keyIdentifier ?? '';
  return {
    bundleGeneration: status.bundle.generation,
    authorities: status.authorities.map(({ keyIdentifier, role, state, root, sinceGeneration }) => ({ keyIdentifier, state, root: root ?? (role === 'Root' ? keyIdentifier : active), sinceGeneration })),
  };
}

/**
 * The live leaves whose root is missing from a bundle that was delivered: somebody who has that bundle refuses them. A leaf
 * of an authority that nobody knows counts, for nobody can say that its root is anywhere. Pure.
 * @param generations of the bundle, as the places that it was delivered to carry them; 0: nothing was delivered there
 */
export function countViolations({ bundleGeneration, authorities }: Trust, generations: Iterable<number>, leaves: Iterable<{ readonly issuer: string; readonly notAfterMs: number }>, nowMs: number): number {
  let oldest = Infinity;
  // What a bundle holds that is newer than the newest is not known.
  let isNewer = false;
  for (const generation of generations) {
    if (generation > 0) oldest = Math.min(oldest, generation);
    if (generation > bundleGeneration) isNewer = true;
  }
  const everywhere = new Set(authorities.filter(({ keyIdentifier, root, sinceGeneration = 0 }) => keyIdentifier === root && sinceGeneration <= oldest).map(({ keyIdentifier }) => keyIdentifier));
  const sound = new Set(isNewer ? [] : authorities.filter(({ root }) => everywhere.has(root)).map(({ keyIdentifier }) => keyIdentifier));
  let count = 0;
  for (const { issuer, notAfterMs } of leaves) if (notAfterMs > nowMs && !sound.has(issuer)) count += 1;
  return count;
}

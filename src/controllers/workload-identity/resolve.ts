import type { Domains, DomainState } from '../domains.ts';

/** Which trust domain an identity belongs to, or why that cannot be said, with what to do. */
export type Resolution =
  | { readonly kind: 'resolved'; readonly name: string; readonly state: DomainState }
  | { readonly kind: 'unresolved'; readonly name: string | undefined; readonly reason: string; readonly message: string };

/** What of an object says which trust domain it belongs to. */
export interface TrustDomainChoice {
  readonly spec: { readonly trustDomain?: string };
  readonly status?: { readonly trustDomain?: string };
}

/** The trust domain that an identity names, or that was resolved for it before. */
export function trustDomainNameOf(identity: TrustDomainChoice): string | undefined {
  return identity.spec.trustDomain ?? identity.status?.trustDomain;
}

/**
 * The trust domain named in spec; else the one resolved before (a second trust domain changes nothing); else the default
 * one; else the only one.
 */
export function resolveTrustDomain(identity: TrustDomainChoice, domains: Pick<Domains, 'get' | 'all'>): Resolution {
  const named = trustDomainNameOf(identity);
  if (named !== undefined) {
    const state = domains.get(named);
    if (state !== undefined) return { kind: 'resolved', name: named, state };
    const origin = identity.spec.trustDomain === undefined ? 'resolved earlier' : 'named in spec.trustDomain';
    return unresolved(named, 'TrustDomainMissing', `trust domain ${named} (${origin}) does not exist: create the TrustDomain, or set spec.trustDomain to one that exists`);
  }
  const all = domains.all();
  const candidates = all.some((state) => state.isDefault) ? all.filter((state) => state.isDefault) : all;
  const [only, ...others] = candidates;
  if (only === undefined) return unresolved(undefined, 'TrustDomainMissing', 'there is no TrustDomain: create one');
  if (others.length === 0) return { kind: 'resolved', name: only.object.metadata.name, state: only };
  const names = candidates.map((state) => state.object.metadata.name).sort().join(', ');
  const which = only.isDefault ? 'are all marked as default' : 'exist and none is the default';
  return unresolved(undefined, 'TrustDomainAmbiguous', `trust domains ${names} ${which}: set spec.trustDomain to one of them, or mark exactly one with spec.default: true`);
}

function unresolved(name: string | undefined, reason: string, message: string): Resolution {
  return { kind: 'unresolved', name, reason, message };
}

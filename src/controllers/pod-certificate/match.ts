import type { Pod } from '../../resources/index.ts';
import type { Resolution } from '../workload-identity/resolve.ts';

/** What of a live pod decides which identity it gets. */
export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccountName: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** An identity that a pod may have, by whichever object grants it. */
export interface PodIdentity {
  /** The granting object, for people: `WorkloadIdentity shop/web`. */
  readonly source: string;
  /** By which `mtlsd.io/identity` names it. */
  readonly name: string;
  readonly domain: Resolution;
  readonly serviceAccountName: string;
  readonly dnsNames: readonly string[];
  readonly commonName: string | undefined;
  /** undefined: the trust domain's default. */
  readonly ttlMs: number | undefined;
}

/** Where identities of pods come from: the objects of one kind. */
export interface PodIdentitySource {
  /** Every identity that it grants to this pod, the one with the best claim first. */
  identitiesFor(pod: PodFacts): readonly PodIdentity[];
}

/** What the pod's author asked for, of what the pod may have: it chooses among identities and never adds one. */
export interface WantedIdentity {
  readonly identity: string | undefined;
  readonly trustDomain: string | undefined;
}

/** Which identity a pod gets, and which others it could have; or why none. */
export type PodMatch =
  | { readonly kind: 'matched'; readonly identity: PodIdentity; readonly others: readonly PodIdentity[] }
  | { readonly kind: 'none'; readonly reason: 'IdentityMissing' | 'TrustDomainMismatch'; readonly message: string };

/**
 * Chooses the identity of a pod. `identities` are all that it may have, the best claim first: the first one that is wanted
 * wins, so that an identity that is added later changes nothing for the pods that run. Pure.
 */
export function matchPod(pod: PodFacts, wanted: WantedIdentity, identities: readonly PodIdentity[]): PodMatch {
  const named = wanted.identity === undefined ? identities : identities.filter(({ name }) => name === wanted.identity);
  const [identity, ...others] = wanted.trustDomain === undefined ? named : named.filter(({ domain }) => domain.name === wanted.trustDomain);
  if (identity !== undefined) return { kind: 'matched', identity, others };
  if (named.length > 0) return { kind: 'none', reason: 'TrustDomainMismatch', message: mismatch(pod, wanted.trustDomain ?? '', named) };
  return { kind: 'none', reason: 'IdentityMissing', message: missing(pod, wanted.identity, identities) };
}

function mismatch({ namespace, serviceAccountName }: PodFacts, trustDomain: string, identities: readonly PodIdentity[]): string {
  const there = identities.map(({ source, domain }) => `${source} is of ${domain.name ?? 'none that can be told'}`).join(', ');
  return `no identity of service account ${namespace}/${serviceAccountName} is of trust domain ${trustDomain}, which the pod asks for (${there}): create a WorkloadIdentity with spec.trustDomain: ${trustDomain}, or have the pod ask for another`;
}

function missing({ namespace, serviceAccountName }: PodFacts, named: string | undefined, identities: readonly PodIdentity[]): string {
  if (named === undefined) {
    return `no identity is for service account ${namespace}/${serviceAccountName}: create a WorkloadIdentity in namespace ${namespace} with spec.serviceAccountName: ${serviceAccountName}`;
  }
  const instead = identities.length === 0 ? '' : `; there is ${identities.map(({ source }) => source).join(', ')}`;
  return `the pod asks for identity ${named}, and none of that name is for its service account ${namespace}/${serviceAccountName}${instead}: create WorkloadIdentity ${namespace}/${named} with spec.serviceAccountName: ${serviceAccountName}, or have the pod ask for another`;
}

/** The facts of a live pod. */
export function factsOf({ metadata, spec }: Pod): PodFacts {
  return { namespace: metadata.namespace ?? '', name: metadata.name, serviceAccountName: spec.serviceAccountName ?? 'default', labels: metadata.labels ?? {} };
}

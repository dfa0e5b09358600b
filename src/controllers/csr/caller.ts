import { decide, decideExternal, type Decision, type Denial, type IssuancePolicy, type TokenSubject } from '../../issuance/index.ts';
import { parseDuration, resolvedIdentitySpec, type WorkloadIdentity } from '../../resources/index.ts';
import { takesNamespace } from '../allowed-namespaces.ts';
import type { IdentityCaches } from '../caches.ts';
import type { Domains, DomainState } from '../domains.ts';
import { isOlder } from '../is-older.ts';
import { resolveTrustDomain } from '../workload-identity/resolve.ts';

/** Who asks: a service account of this cluster, or somebody whom another issuer vouches for. */
export type CsrCaller =
  | { readonly kind: 'service-account'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'external'; readonly entry: string; readonly trustDomain: string; readonly segments: readonly string[]; readonly subject: string };

/** The identity of a caller, and how it is decided about. */
export interface CallerIdentity {
  /** The granting object, for the audit log. */
  readonly source: string;
  readonly state: DomainState;
  readonly subject: TokenSubject;
  /** About a certificate. */
  decide(policy: IssuancePolicy, ttlMs: number | undefined): Decision;
}

/** Why a caller has none. */
export interface NoIdentity {
  readonly code: 'API_IDENTITY_NOT_GRANTED' | 'API_NOT_READY';
  readonly message: string;
}

/** Where identities are looked for. */
export interface CallerIdentitySources {
  readonly caches: Pick<IdentityCaches, 'identities' | 'namespaces'>;
  readonly domains: Domains;
}

/** The identity that a caller has, the same whatever kind of SVID it asks for. @param wanted the name of a WorkloadIdentity; undefined: the oldest that is for the caller */
export function identityOfCaller(caller: CsrCaller, wanted: string | undefined, sources: CallerIdentitySources): CallerIdentity | NoIdentity {
  return caller.kind === 'external' ? external(caller, sources) : granted(caller, wanted, sources);
}

function external({ trustDomain, entry, segments }: Extract<CsrCaller, { kind: 'external' }>, { domains }: CallerIdentitySources): CallerIdentity | NoIdentity {
  const state = domains.get(trustDomain);
  if (state === undefined) return { code: 'API_NOT_READY', message: `there is no trust domain ${trustDomain}, which the configuration of the API names` };
  const subject = { kind: 'external', entry, segments } as const;
  return { source: `ExternalIdentity ${entry}`, state, subject, decide: (policy, ttlMs) => decideExternal({ entry, segments, ttlMs }, policy) };
}

function granted({ namespace, name: account }: Extract<CsrCaller, { kind: 'service-account' }>, wanted: string | undefined, { caches, domains }: CallerIdentitySources): CallerIdentity | NoIdentity {
  const [identity] = caches.identities
    .byIndex('serviceAccount', `${namespace}/${account}`)
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined && (wanted === undefined || metadata.name === wanted))
    .toSorted((a, b) => (isOlder(a, b) ? -1 : 1));
  if (identity === undefined) return notGranted(namespace, account, wanted);
  const source = `WorkloadIdentity ${namespace}/${identity.metadata.name}`;
  if (caches.namespaces?.get(undefined, namespace)?.metadata.deletionTimestamp !== undefined) {
    return { code: 'API_IDENTITY_NOT_GRANTED', message: `namespace ${namespace} is being deleted: nobody in it gets anything more` };
  }
  const domain = resolveTrustDomain(identity, domains);
  if (domain.kind === 'unresolved') return { code: 'API_NOT_READY', message: `${source}: ${domain.message}` };
  if (!takesNamespace(domain.state.object, namespace, caches.namespaces)) {
    return { code: 'API_IDENTITY_NOT_GRANTED', message: `trust domain ${domain.name} takes no identities of namespace ${namespace}: have spec.allowedNamespaces of the TrustDomain select it` };
  }
  const subject = { kind: 'service-account', namespace, serviceAccountName: account } as const;
  return { source, state: domain.state, subject, decide: (policy, ttlMs) => decideIdentity(identity, policy, ttlMs) };
}

/** Decisions by what they were made for: an identity asks again and again, and objects in caches and policies are replaced, never changed. */
const decided = new WeakMap<WorkloadIdentity, { readonly policy: IssuancePolicy; readonly ttlMs: number | undefined; readonly decision: Decision }>();

function decideIdentity(identity: WorkloadIdentity, policy: IssuancePolicy, ttlMs: number | undefined): Decision {
  const known = decided.get(identity);
  if (known?.policy === policy && known.ttlMs === ttlMs) return known.decision;
  const decision = decideAnew(identity, policy, ttlMs);
  decided.set(identity, { policy, ttlMs, decision });
  return decision;
}

function decideAnew(identity: WorkloadIdentity, policy: IssuancePolicy, ttlMs: number | undefined): Decision {
  const { serviceAccountName, dnsNames, commonName, ttlMs: ownMs } = resolvedIdentitySpec(identity);
  const allowedMs = ownMs ?? policy.defaultTtlMs;
  const decision = decide({ namespace: identity.metadata.namespace ?? '', serviceAccountName, dnsNames, commonName, ttlMs: ttlMs ?? allowedMs }, policy);
  if (ttlMs === undefined || ttlMs <= allowedMs) return decision;
  const longer = { field: 'ttl', message: `${ttlMs / 1000}s is longer than the ${allowedMs / 1000}s of the identity: ask for at most that` };
  return { granted: false, denials: decision.granted ? [longer] : [longer, ...decision.denials] };
}

function notGranted(namespace: string, account: string, wanted: string | undefined): NoIdentity {
  const which = wanted === undefined ? 'No WorkloadIdentity' : 'No WorkloadIdentity of that name';
  return { code: 'API_IDENTITY_NOT_GRANTED', message: `${which} of namespace ${namespace} is for service account ${account}: create one with spec.serviceAccountName: ${account}` };
}

/** The TTL that a caller asks for, milliseconds; undefined: none. */
export function askedTtlMs(ttl: string | undefined): number | undefined | Denial {
  if (ttl === undefined) return undefined;
  try {
    return parseDuration(ttl);
  } catch {
    return { field: 'ttl', message: 'it is no duration: write 90s, 30m or 1h' };
  }
}

import { resolvedIdentitySpec, selectorMatches, type ClusterWorkloadIdentity, type Service, type WorkloadIdentity } from '../../resources/index.ts';
import type { Domains } from '../domains.ts';
import { matchPod, type PodFacts, type PodIdentity, type PodMatch, type WantedIdentity } from '../pod-certificate/match.ts';
import { isOlder } from '../is-older.ts';
import { resolveTrustDomain } from '../workload-identity/resolve.ts';
import { ownerOfChild, serviceAccountOf } from './child.ts';
import { byRank, specOf, whyLeftOut, type Labels } from './selection.ts';
import { fillDnsNames } from './template.ts';

/** Everything around a pod that decides which identity its certificate gets. */
export interface PodSurroundings {
  readonly namespaceLabels: Labels;
  /** undefined: the service account does not exist. */
  readonly accountLabels: Labels | undefined;
  /** Services of the pod's namespace. */
  readonly services: readonly Service[];
  /** WorkloadIdentities of the pod's namespace. */
  readonly identities: readonly WorkloadIdentity[];
  /** undefined: they are not known (yet), and nothing is granted through them. */
  readonly clusterIdentities: readonly ClusterWorkloadIdentity[] | undefined;
  /** How the pod receives it; left out: as a pod certificate. A Secret is shared by all pods of a service account. */
  readonly delivery?: 'Secret' | 'PodCertificate';
  readonly domains: Pick<Domains, 'get' | 'all'>;
}

/** One object that might give the pod its identity, with what it gives or why it gives none. */
export type PodCandidate =
  | { readonly source: string; readonly identity: PodIdentity; readonly why?: undefined }
  | { readonly source: string; readonly identity?: undefined; readonly why: string };

/** Which identity a pod gets, and what becomes of every object that might have given it one. */
export interface PodVerdict {
  readonly match: PodMatch;
  /** All of them, those that give one first and the one with the best claim before all; `why` is missing for the match alone. */
  readonly candidates: readonly { readonly source: string; readonly why?: string }[];
}

/**
 * The identities that a pod may have, the best claim first, then what gives none. WorkloadIdentities that somebody made come
 * before ClusterWorkloadIdentities; those that mtlsd made speak through the object that they were made for. Pure.
 */
export function candidatesForPod(pod: PodFacts, around: PodSurroundings): readonly PodCandidate[] {
  if (around.accountLabels === undefined) return [];
  const owners = new Set(around.clusterIdentities?.map(({ metadata }) => metadata.uid));
  const own = around.identities.filter((identity) => ownerOfChild(identity) === undefined).toSorted((a, b) => (isOlder(a, b) ? -1 : 1));
  // Children whose object went with its kind: what they grant goes on (L14).
  const orphans = around.clusterIdentities === undefined ? [] : around.identities.filter((identity) => isOrphan(identity, owners));
  const all = [
    ...own.map((identity) => fromIdentity(pod, identity, around)),
    ...(around.clusterIdentities ?? []).toSorted(byRank).map((identity) => fromClusterIdentity(pod, identity, around, around.accountLabels ?? {})),
    ...orphans.map((identity) => fromIdentity(pod, identity, around)),
  ];
  return [...all.filter(({ identity }) => identity !== undefined), ...all.filter(({ identity }) => identity === undefined)];
}

function isOrphan(identity: WorkloadIdentity, owners: ReadonlySet<string>): boolean {
  const owner = ownerOfChild(identity);
  return owner !== undefined && !owners.has(owner);
}

/** Which identity a pod gets by its own surroundings and what its author asked for, and why not the others. Pure. */
export function identityForPod(pod: PodFacts, wanted: WantedIdentity, around: PodSurroundings): PodVerdict {
  const candidates = candidatesForPod(pod, around);
  const match = matchPod(pod, wanted, candidates.flatMap(({ identity }) => identity ?? []));
  const chosen = match.kind === 'matched' ? match.identity : undefined;
  return {
    match,
    candidates: candidates.map(({ source, identity, why }) => {
      if (identity === undefined) return { source, why };
      return identity === chosen ? { source } : { source, why: whyNot(identity, wanted, chosen) };
    }),
  };
}

function whyNot(identity: PodIdentity, wanted: WantedIdentity, chosen: PodIdentity | undefined): string {
  if (wanted.identity !== undefined && identity.name !== wanted.identity) return `the pod asks for identity ${wanted.identity}`;
  if (wanted.trustDomain !== undefined && identity.domain.name !== wanted.trustDomain) {
    return `the pod asks for trust domain ${wanted.trustDomain}, and this is of ${identity.domain.name ?? 'none that can be told'}`;
  }
  return `${chosen?.source ?? 'another one'} counts before it`;
}

function fromIdentity(pod: PodFacts, identity: WorkloadIdentity, { domains }: PodSurroundings): PodCandidate {
  const { namespace = '', name } = identity.metadata;
  const source = `WorkloadIdentity ${namespace}/${name}`;
  const account = serviceAccountOf(identity);
  if (account !== pod.serviceAccountName) return { source, why: `it is for service account ${account}` };
  const { serviceAccountName, dnsNames, commonName, ttlMs } = resolvedIdentitySpec(identity);
  return { source, identity: { source, name, domain: resolveTrustDomain(identity, domains), serviceAccountName, dnsNames, commonName, ttlMs } };
}

function fromClusterIdentity(pod: PodFacts, identity: ClusterWorkloadIdentity, around: PodSurroundings, accountLabels: Labels): PodCandidate {
  const source = `ClusterWorkloadIdentity ${identity.metadata.name}`;
  const spec = specOf(identity);
  const account = { namespaceLabels: around.namespaceLabels, name: pod.serviceAccountName, labels: accountLabels };
  const why = whyLeftOut(identity, account) ?? whyNoPod(identity, pod, around.delivery);
  if (why !== undefined) return { source, why };
  const { namespace, serviceAccountName } = pod;
  const services = around.delivery === 'Secret' ? [] : servicesOf(pod, around.services);
  const dnsNames = fillDnsNames(spec.dnsNames, { namespace, serviceAccount: serviceAccountName }, services);
  // The trust domain that was chosen for the service account's Secret stays, for its pod certificates too.
  const child = around.identities.find((each) => ownerOfChild(each) === identity.metadata.uid && each.metadata.name === serviceAccountName);
  const chosen = child?.status?.trustDomain === undefined ? {} : { status: { trustDomain: child.status.trustDomain } };
  const domain = resolveTrustDomain({ spec: identity.spec, ...chosen }, around.domains);
  // Named after the service account, as the WorkloadIdentity that is made for it.
  return { source, identity: { source, name: serviceAccountName, domain, serviceAccountName, dnsNames, commonName: undefined, ttlMs: spec.ttlMs } };
}

function whyNoPod(identity: ClusterWorkloadIdentity, pod: PodFacts, delivery: PodSurroundings['delivery']): string | undefined {
  const { metadata } = identity;
  const { deliversSecrets, deliversPodCertificates, podSelector } = specOf(identity);
  if (metadata.deletionTimestamp !== undefined) return 'it is being deleted';
  if (delivery === 'Secret') return deliversSecrets ? undefined : 'its deliveries do not list Secret';
  if (!deliversPodCertificates) return 'its deliveries do not list PodCertificate';
  return podSelector === undefined || selectorMatches(podSelector, pod.labels) ? undefined : 'its podSelector does not select the pod';
}

/** The names of the services that select a pod, in order. A service without a selector selects none. */
function servicesOf(pod: Pick<PodFacts, 'labels'>, services: readonly Service[]): readonly string[] {
  return services
    .filter(({ spec: { selector = {}, type } }) => type !== 'ExternalName' && Object.keys(selector).length > 0 && selectorMatches({ matchLabels: selector }, pod.labels))
    .map(({ metadata }) => metadata.name)
    .toSorted();
}

import { decide, type Denial, type Grant, type IssuancePolicy, type Issuer } from '../../issuance/index.ts';
import type { AuthorityRecord } from '../../authority/index.ts';
import type { Pod, PodCertificateRequest, ServiceAccount } from '../../resources/index.ts';
import { keyAlgorithms, type PublicKey } from '../../x509/index.ts';
import type { PodIdentity, PodMatch } from './match.ts';
import type { RequestedKey } from './requested-key.ts';
import { knownUserAnnotations, unknownUserAnnotations } from './user-annotations.ts';

/** What the plan for one request depends on. Pod and service account are fresh reads, never a cache's word. */
export interface ObservedRequest {
  readonly request: PodCertificateRequest;
  readonly key: RequestedKey;
  /** The pod of that name as it is now; undefined when there is none. */
  readonly pod: Pod | undefined;
  readonly serviceAccount: ServiceAccount | undefined;
  readonly match: PodMatch;
  /** Whether the trust domain of the match takes identities of this namespace. */
  readonly namespaceAllowed: boolean;
}

/** Everything that is needed to sign. */
export interface IssuePlan {
  readonly do: 'issue';
  readonly identity: PodIdentity;
  readonly grant: Grant & { readonly wholeLifeMs: number };
  readonly publicKey: PublicKey;
  readonly trustDomain: string;
  readonly issuer: Issuer;
  readonly record: AuthorityRecord;
}

/** Why a request stays as it is: told by an Event on the pod and by a metric, with what to do. */
export interface WaitPlan {
  readonly do: 'wait';
  readonly reason: string;
  readonly message: string;
}

/** What to do about a request. Denied is final, and takes the key of a healthy pod away when it was a refresh. */
export type RequestPlan = IssuePlan | WaitPlan | { readonly do: 'deny'; readonly reason: string; readonly message: string } | { readonly do: 'nothing' };

/** The API server takes no pod certificate that lives shorter, dating back included. */
const shortestLifeMs = 3_600_000;
/** What the API server fills in when the pod does not say it. */
const defaultMaxExpirationSeconds = 86_400;

/**
 * Decides about one request. Pure. Denied only for what can never become right for this request: a kind of key, a user
 * annotation, a pod or service account that is another one. All else waits: policy, absence, an authority that is not there
 * yet. Never Failed.
 */
export function planRequest(observed: ObservedRequest): RequestPlan {
  if (observed.pod === undefined) return { do: 'nothing' };
  return denial(observed, observed.pod) ?? planSound(observed, observed.pod);
}

function denial({ request, key, serviceAccount }: ObservedRequest, pod: Pod): RequestPlan | undefined {
  const { spec } = request;
  const unknown = unknownUserAnnotations(spec.unverifiedUserAnnotations);
  if (unknown.length > 0) {
    return deny('InvalidUnverifiedUserAnnotations', `user annotations ${unknown.join(', ')} are not known to this signer, which knows ${knownUserAnnotations.join(', ')}: remove them from the podCertificate projection`);
  }
  if (key.kind === 'unsupported') {
    const types = keyAlgorithms.filter((type) => type !== 'RSA2048').join(', ');
    return deny('UnsupportedKeyType', `keys of type ${key.algorithm} are not certified: use one of ${types}`);
  }
  const other = otherPod(spec, pod) ?? otherAccount(spec, serviceAccount);
  return other === undefined ? undefined : deny('IdentityMismatch', other);
}

/** A pod keeps its service account for life, and its node once it has one. */
function otherPod(spec: PodCertificateRequest['spec'], pod: Pod): string | undefined {
  const { uid, name } = pod.metadata;
  if (uid !== spec.podUID) return `pod ${name} has the UID ${uid}, and the request is for ${spec.podUID}: that pod is gone`;
  const account = pod.spec.serviceAccountName ?? 'default';
  if (account !== spec.serviceAccountName) return `pod ${name} runs as service account ${account}, and the request names ${spec.serviceAccountName}`;
  const node = pod.spec.nodeName ?? '';
  return node === '' || node === spec.nodeName ? undefined : `pod ${name} runs on node ${node}, and the request comes from ${spec.nodeName}`;
}

function otherAccount(spec: PodCertificateRequest['spec'], account: ServiceAccount | undefined): string | undefined {
  if (account === undefined || account.metadata.uid === spec.serviceAccountUID) return undefined;
  return `service account ${spec.serviceAccountName} has the UID ${account.metadata.uid}, and the request is for ${spec.serviceAccountUID}: it was deleted and made again`;
}

function deny(reason: string, message: string): RequestPlan {
  return { do: 'deny', reason, message };
}

function planSound(observed: ObservedRequest, pod: Pod): RequestPlan {
  const { request, key, serviceAccount, match } = observed;
  const { namespace = '' } = request.metadata;
  if (key.kind !== 'sound') {
    const why = key.kind === 'refused' ? key.why : key.algorithm;
    return wait('KeyRefused', `the key of this request is not certified: ${why} Kubelet makes another one for its next request`);
  }
  if ((pod.spec.nodeName ?? '') === '') return wait('PodNotScheduled', `pod ${pod.metadata.name} has no node yet`);
  if (serviceAccount === undefined) return wait('ServiceAccountMissing', `ServiceAccount ${namespace}/${request.spec.serviceAccountName} does not exist: create it`);
  if (match.kind === 'none') return wait(match.reason, match.message);
  return planMatched(observed, match.identity, key.publicKey);
}

function planMatched({ request, namespaceAllowed }: ObservedRequest, identity: PodIdentity, publicKey: PublicKey): RequestPlan {
  const { domain, source } = identity;
  if (domain.kind === 'unresolved') return wait(domain.reason, `${source}: ${domain.message}`);
  const { namespace = '' } = request.metadata;
  if (!namespaceAllowed) {
    return wait('NamespaceNotAllowed', `trust domain ${domain.name} takes no identities of namespace ${namespace}: have spec.allowedNamespaces of the TrustDomain select it, or give ${source} another spec.trustDomain`);
  }
  const { policy, issuer, record, problem } = domain.state;
  if (problem !== undefined) return wait(problem.reason, `trust domain ${domain.name}: ${problem.message}`);
  if (policy === undefined || issuer === undefined || record === undefined) return wait('TrustDomainPending', `trust domain ${domain.name} has no active authority yet`);

  const wholeLifeMaxMs = (request.spec.maxExpirationSeconds ?? defaultMaxExpirationSeconds) * 1000;
  const { serviceAccountName, dnsNames, commonName, ttlMs } = identity;
  const decision = decide({ namespace, serviceAccountName, dnsNames, commonName, ttlMs, wholeLifeMaxMs }, podPolicy(policy));
  if (!decision.granted) return wait('PolicyRefuses', `${source}: ${sentence(decision.denials)}`);
  const { grant } = decision;
  return { do: 'issue', identity, grant: { ...grant, wholeLifeMs: grant.wholeLifeMs ?? wholeLifeMaxMs }, publicKey, trustDomain: domain.name, issuer, record };
}

/** The policy of a trust domain with the floor of this delivery: how soon a changed Secret is seen does not matter here. */
export function podPolicy(policy: IssuancePolicy): IssuancePolicy {
  return { ...policy, minTtlMs: shortestLifeMs, minTtlReason: 'the shortest that the API server takes of a pod certificate' };
}

function wait(reason: string, message: string): WaitPlan {
  return { do: 'wait', reason, message };
}

function sentence(denials: readonly Denial[]): string {
  return denials.map(({ field, message }) => `${field}: ${message}`).join('; ');
}

import { decide } from '../../issuance/index.ts';
import { resolvedIdentitySpec, setCondition, type WorkloadIdentity, type WorkloadIdentityStatus } from '../../resources/index.ts';
import type { Resolution } from '../workload-identity/resolve.ts';
import { podPolicy } from './plan.ts';

/** What the status of an identity depends on where no Secrets are delivered. */
export interface ObservedGrant {
  readonly identity: WorkloadIdentity;
  readonly domain: Resolution;
  /** Whether the trust domain takes identities of its namespace. */
  readonly namespaceAllowed: boolean;
}

/** Conditions that speak of a Secret. */
const ofSecrets: ReadonlySet<string> = new Set(['Issued', 'Formats']);

/**
 * The status of an identity where pods get certificates and nobody a Secret: whether a pod of its service account would be
 * given one now. Pure.
 */
export function grantStatus(observed: ObservedGrant, nowMs: number): WorkloadIdentityStatus {
  const { identity, domain } = observed;
  const observedGeneration = identity.metadata.generation ?? 1;
  const { spiffeId, ...ready } = judged(observed);
  const others = (identity.status?.conditions ?? []).filter(({ type }) => !ofSecrets.has(type));
  const trustDomain = domain.name ?? identity.status?.trustDomain;
  return {
    observedGeneration,
    ...(trustDomain === undefined ? {} : { trustDomain }),
    ...(spiffeId === undefined ? {} : { spiffeID: spiffeId }),
    conditions: [...setCondition(others, { type: 'Ready', ...ready, observedGeneration }, nowMs)],
  };
}

interface Judged {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly spiffeId?: string;
}

function judged({ identity, domain, namespaceAllowed }: ObservedGrant): Judged {
  const no = (reason: string, message: string): Judged => ({ status: 'False', reason, message });
  if (domain.kind === 'unresolved') return no(domain.reason, domain.message);
  const { namespace = '' } = identity.metadata;
  if (!namespaceAllowed) return no('NamespaceNotAllowed', `trust domain ${domain.name} takes no identities of namespace ${namespace}: set spec.trustDomain to another one, or have spec.allowedNamespaces of the TrustDomain select this namespace`);
  const { problem, policy, issuer } = domain.state;
  if (problem !== undefined) return no(problem.reason, `trust domain ${domain.name}: ${problem.message}`);
  if (policy === undefined || issuer === undefined) return no('TrustDomainPending', `trust domain ${domain.name} has no active authority yet`);
  const { serviceAccountName, dnsNames, commonName, ttlMs } = resolvedIdentitySpec(identity);
  const decision = decide({ namespace, serviceAccountName, dnsNames, commonName, ttlMs }, podPolicy(policy));
  if (!decision.granted) return no('Denied', decision.denials.map(({ field, message }) => `${field}: ${message}`).join('; '));
  const message = `pods of service account ${serviceAccountName} get certificates when they ask for one; Secrets are not delivered in this installation`;
  return { status: 'True', reason: 'PodCertificates', message, spiffeId: decision.grant.spiffeId.toString() };
}

import { resolvedIdentitySpec, type WorkloadIdentity } from '../../resources/index.ts';
import type { Domains } from '../domains.ts';
import type { Cache } from '../runtime/cache.ts';
import { isOlder } from '../workload-identity/indexes.ts';
import { resolveTrustDomain } from '../workload-identity/resolve.ts';
import type { PodIdentity, PodIdentitySource } from './match.ts';

/** The identities that WorkloadIdentities of the pod's namespace grant to its service account, the oldest first. */
export function workloadIdentitySource(identities: Pick<Cache<WorkloadIdentity>, 'byIndex'>, domains: Pick<Domains, 'get' | 'all'>): PodIdentitySource {
  return {
    identitiesFor: ({ namespace, serviceAccountName }) =>
      identities
        .byIndex('serviceAccount', `${namespace}/${serviceAccountName}`)
        .toSorted((a, b) => (isOlder(a, b) ? -1 : 1))
        .map((identity) => podIdentityOf(identity, domains)),
  };
}

function podIdentityOf(identity: WorkloadIdentity, domains: Pick<Domains, 'get' | 'all'>): PodIdentity {
  const { serviceAccountName, dnsNames, commonName, ttlMs } = resolvedIdentitySpec(identity);
  const { namespace = '', name } = identity.metadata;
  return { source: `WorkloadIdentity ${namespace}/${name}`, name, domain: resolveTrustDomain(identity, domains), serviceAccountName, dnsNames, commonName, ttlMs };
}

import { isDeepStrictEqual } from 'node:util';
import type { Service } from '../../resources/index.ts';
import type { Domains } from '../domains.ts';
import type { PodIdentitySource } from '../pod-certificate/match.ts';
import type { Cache } from '../runtime/cache.ts';
import type { FleetCaches } from './caches.ts';
import { candidatesForPod } from './pod-identities.ts';

/** Services by namespace: to be called before their first snapshot. */
export function indexServices(services: Cache<Service>): void {
  services.addIndex('namespace', ({ metadata }) => [metadata.namespace ?? '']);
}

/** The identities that WorkloadIdentities and ClusterWorkloadIdentities grant to a pod, from caches. */
export function podIdentitySource(caches: FleetCaches, services: Cache<Service>, domains: Domains): PodIdentitySource {
  const { namespaces, serviceAccounts, identities, clusterIdentities } = caches;
  return {
    identitiesFor: (pod) => {
      const { namespace, serviceAccountName } = pod;
      const account = serviceAccounts.get(namespace, serviceAccountName);
      const candidates = candidatesForPod(pod, {
        namespaceLabels: namespaces.get(undefined, namespace)?.metadata.labels ?? {},
        accountLabels: account === undefined ? undefined : (account.metadata.labels ?? {}),
        services: services.byIndex('namespace', namespace),
        identities: identities.byIndex('serviceAccount', `${namespace}/${serviceAccountName}`),
        clusterIdentities: clusterIdentities.synced ? [...clusterIdentities.values()] : undefined,
        domains,
      });
      return candidates.flatMap(({ identity }) => identity ?? []);
    },
  };
}

/** Calls `wake` with the namespace whose pods may get another identity now, or with undefined for all of them. */
export function onPodIdentityChange({ clusterIdentities, serviceAccounts }: FleetCaches, services: Cache<Service>, wake: (namespace: string | undefined) => void): void {
  clusterIdentities.onChange((before, after) => {
    if (before?.metadata.uid !== after?.metadata.uid || before?.metadata.generation !== after?.metadata.generation) wake(undefined);
  });
  for (const cache of [services, serviceAccounts]) {
    cache.onChange((before, after) => {
      if (!isDeepStrictEqual(selectedBy(before), selectedBy(after))) wake((after ?? before)?.metadata.namespace ?? '');
    });
  }
}

function selectedBy(object: { readonly metadata: { readonly labels?: unknown }; readonly spec?: { readonly selector?: unknown } } | undefined): unknown {
  return object === undefined ? undefined : [object.metadata.labels, object.spec?.selector];
}

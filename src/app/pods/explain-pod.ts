import { Domains } from '../../controllers/domains.ts';
import { MtlsdError } from '../../errors/index.ts';
import type { Pod } from '../../resources/index.ts';
import { openKubernetesStore } from '../../store/kubernetes/index.ts';
import type { Store } from '../../store/port.ts';
import type { Log } from '../../telemetry/index.ts';
import { systemClock } from '../clock.ts';
import type { ClusterAddress } from '../overview/cluster-overview.ts';
import { listOnce } from '../overview/list-once.ts';
import { explainPod, type PodExplanation } from './explanation.ts';

/** Which pod: one that is there, or one that a manifest describes. */
export type PodQuestion = { readonly namespace: string; readonly name: string } | { readonly manifest: Pod };

/**
 * Tells of a pod in a cluster which identity it gets, reading only.
 *
 * @throws CONFIGURATION_INVALID, STORE_NOT_FOUND, STORE_FORBIDDEN, STORE_UNAVAILABLE
 */
export async function explainPodIn(address: ClusterAddress, question: PodQuestion, log: Log): Promise<PodExplanation> {
  const store = openKubernetesStore({ ...address, environment: process.env, fieldManager: 'mtlsd-cli', log, random: Math.random, nowMs: () => systemClock.nowMs() });
  try {
    return await explain(store, question);
  } finally {
    await store.close();
  }
}

async function explain(store: Store, question: PodQuestion): Promise<PodExplanation> {
  const pod = 'manifest' in question ? question.manifest : await existing(store, question);
  const namespace = pod.metadata.namespace ?? '';
  const within = { namespace };
  const [space, account, services, identities, clusterIdentities, trustDomains, servesPodCertificates] = await Promise.all([
    store.get({ kind: 'Namespace', name: namespace }),
    store.get({ kind: 'ServiceAccount', namespace, name: pod.spec.serviceAccountName ?? 'default' }),
    listOnce(store, 'Service', within),
    listOnce(store, 'WorkloadIdentity', within),
    listOnce(store, 'ClusterWorkloadIdentity'),
    listOnce(store, 'TrustDomain'),
    store.serves('PodCertificateRequest'),
  ]);
  const domains = new Domains();
  for (const object of trustDomains) domains.declare(object);
  const accountLabels = account === undefined ? undefined : (account.metadata.labels ?? {});
  const around = { namespaceLabels: space?.metadata.labels ?? {}, accountLabels, services, identities, clusterIdentities, domains };
  return explainPod({ pod, around, servesPodCertificates, exists: !('manifest' in question) });
}

async function existing(store: Store, { namespace, name }: { readonly namespace: string; readonly name: string }): Promise<Pod> {
  const pod = await store.get({ kind: 'Pod', namespace, name });
  if (pod !== undefined) return pod;
  throw new MtlsdError('STORE_NOT_FOUND', `Pod ${namespace}/${name} does not exist: name one that is there, or give a manifest with -f`, { details: { object: `Pod ${namespace}/${name}` } });
}

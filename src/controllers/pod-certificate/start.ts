import type { PodCertificateRequest } from '../../resources/index.ts';
import type { Kind, Watched, WatchSelector } from '../../store/port.ts';
import type { IdentityCaches } from '../caches.ts';
import type { FleetCaches } from '../cluster-identity/caches.ts';
import { indexServices, onPodIdentityChange, podIdentitySource } from '../cluster-identity/pod-source.ts';
import type { ControllerContext } from '../context.ts';
import type { Domains } from '../domains.ts';
import type { Cache } from '../runtime/cache.ts';
import { Controller } from '../runtime/controller.ts';
import type { CertificateEnds } from './certificate-ends.ts';
import { PodCertificateReconciler } from './reconciler.ts';
import { isDecided } from './status.ts';

/** The requests that a watch has to show: those to mtlsd. */
const ourRequests = { fields: { 'spec.signerName': 'mtlsd.io/x509-svid' } } as const;

/** Open requests by what they may wait for. To be called before the first snapshot. */
function indexRequests(requests: Cache<PodCertificateRequest>): void {
  requests.addIndex('serviceAccount', (request) => (isDecided(request) ? [] : [`${request.metadata.namespace ?? ''}/${request.spec.serviceAccountName}`]));
  requests.addIndex('namespace', (request) => (isDecided(request) ? [] : [request.metadata.namespace ?? '']));
  requests.addIndex('open', (request) => (isDecided(request) ? [] : ['']));
}

/** What changes wake which requests: their own, and all that an open one may wait for. */
function wakePodCertificates(requests: Cache<PodCertificateRequest>, { identities, serviceAccounts, namespaces }: IdentityCaches, domains: Domains, controller: Controller): void {
  const wake = (index: 'serviceAccount' | 'namespace' | 'open', key: string): void => {
    for (const { metadata } of requests.byIndex(index, key)) controller.enqueue(metadata.namespace, metadata.name);
  };
  requests.onChange((_before, after) => {
    if (after !== undefined && !isDecided(after)) controller.enqueue(after.metadata.namespace, after.metadata.name);
  });
  // By namespace: an identity that is edited may have been for another service account before.
  identities.onChange((before, after) => wake('namespace', (after ?? before)?.metadata.namespace ?? ''));
  serviceAccounts?.onChange((before, after) => {
    if (before?.metadata.uid !== after?.metadata.uid) wake('serviceAccount', `${(after ?? before)?.metadata.namespace ?? ''}/${(after ?? before)?.metadata.name ?? ''}`);
  });
  namespaces?.onChange((before, after) => wake('namespace', (after ?? before)?.metadata.name ?? ''));
  domains.onChange(() => wake('open', ''));
}

/** What this part of the reconcilers is started with. */
export interface PodCertificateStart {
  readonly context: ControllerContext;
  readonly caches: IdentityCaches;
  /** What ClusterWorkloadIdentities are decided by. */
  readonly fleet: FleetCaches;
  readonly domains: Domains;
  /** Is told when certificates end. */
  readonly ends: CertificateEnds;
  /** Starts a watch into a cache, until the controllers stop. */
  readonly watch: <K extends Kind>(kind: K, ...selectors: readonly WatchSelector[]) => Cache<Watched<K>>;
  /** Resolves when trust domains and identities are known. */
  readonly started: Promise<void>;
  readonly signal: AbortSignal;
  /** Takes the controller that runs. */
  readonly add: (controller: Controller) => void;
}

/** Kubelet waits for the answer before it starts a pod: enough to keep a pooled connection to the API server busy. */
const atOnce = 32;
/** How often an API server that does not serve the requests is asked again: one that is upgraded begins to. */
const askAgainMs = 60_000;

/** Starts to answer requests as soon as the API server serves them. */
export function startPodCertificates(parts: PodCertificateStart): void {
  void whenServed(parts.context, parts.signal).then((served) => {
    if (served) run(parts);
  });
}

function run({ context, caches, fleet, domains, ends, watch, started, signal, add }: PodCertificateStart): void {
  const requests = watch('PodCertificateRequest', ourRequests);
  const services = watch('Service', {});
  indexRequests(requests);
  indexServices(services);
  requests.onChange((_before, after) => {
    if (after !== undefined) ends.note(after);
  });
  void requests.whenSynced().then(() => ends.begin(context.clock.nowMs()));
  const reconciler = new PodCertificateReconciler(context, {
    requests,
    namespaces: caches.namespaces,
    sources: [podIdentitySource(fleet, services, domains)],
    rotationUnderWay: (trustDomain) => domains.get(trustDomain)?.record?.rotation !== undefined,
  });
  const controller = new Controller(reconciler, { ...context, concurrency: atOnce });
  wakePodCertificates(requests, caches, domains, controller);
  onPodIdentityChange(fleet, services, (namespace) => {
    for (const { metadata } of namespace === undefined ? requests.byIndex('open', '') : requests.byIndex('namespace', namespace)) controller.enqueue(metadata.namespace, metadata.name);
  });
  add(controller);
  signal.addEventListener('abort', () => reconciler.close(), { once: true });
  // Not before services are known: names of theirs that a certificate lacks would be missing for its whole life.
  void Promise.all([started, requests.whenSynced(), services.whenSynced()]).then(() => {
    if (!signal.aborted) controller.start();
  });
}

/** Resolves with true when the API server serves the requests, with false when that is waited for no more. */
async function whenServed({ store, clock, log }: ControllerContext, signal: AbortSignal): Promise<boolean> {
  let told = false;
  while (!signal.aborted) {
    // Whoever cannot be asked now is asked again: that is told by everything else that fails then.
    if (await store.serves('PodCertificateRequest').catch(() => false)) return !signal.aborted;
    if (!told) log.info('the API server does not serve PodCertificateRequests: pods get certificates by Secrets alone (Kubernetes 1.37, or 1.35 with certificates.k8s.io/v1beta1, serves them)');
    told = true;
    await new Promise<void>((resolve) => {
      const cancel = clock.schedule(clock.nowMs() + askAgainMs, resolve);
      signal.addEventListener('abort', () => (cancel(), resolve()), { once: true });
    });
  }
  return false;
}

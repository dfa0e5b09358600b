import { labels, managedByMtlsd } from '../resources/index.ts';
import type { Kind, Watched, WatchSelector } from '../store/port.ts';
import { BundleReconciler } from './bundle/reconciler.ts';
import { BundleTargets } from './bundle/targets.ts';
import { Reissues } from './ca-rotation/reissues.ts';
import { startRotations } from './ca-rotation/start.ts';
import type { BundleCaches, IdentityCaches } from './caches.ts';
import type { ControllerContext } from './context.ts';
import type { FleetCaches } from './cluster-identity/caches.ts';
import { startClusterIdentities } from './cluster-identity/start.ts';
import { CsrSigner } from './csr/signer.ts';
import { Domains } from './domains.ts';
import { Federation } from './federation/federation.ts';
import { startFederation } from './federation/start.ts';
import { JwtSigner } from './jwt/signer.ts';
import { KnownObjects } from './known-objects.ts';
import { Cache } from './runtime/cache.ts';
import { Controller, type Reconciler } from './runtime/controller.ts';
import { GrantReconciler } from './pod-certificate/identity-reconciler.ts';
import { CertificateEnds } from './pod-certificate/certificate-ends.ts';
import { startPodCertificates } from './pod-certificate/start.ts';
import { startPods } from './pods.ts';
import { wakeBundles, wakeIdentities } from './triggers.ts';
import { TrustDomainReconciler } from './trust-domain/reconciler.ts';
import { indexIdentities, indexSecrets } from './workload-identity/indexes.ts';
import { WorkloadIdentityReconciler } from './workload-identity/reconciler.ts';

/** The running reconcilers. */
export interface Controllers {
  readonly domains: Domains;
  /** Signs for keys that their holders made. */
  readonly csr: CsrSigner;
  /** Signs tokens. */
  readonly jwt: JwtSigner;
  readonly known: KnownObjects;
  /** Resolves when every cache has its first snapshot. */
  whenSynced(): Promise<void>;
  /** Resolves when nothing is ready or in flight (delayed work does not count). */
  whenIdle(): Promise<void>;
  /** Objects whose last try failed and that wait for the next. */
  readonly failing: number;
  /** For how long the reconciliation that is in flight longest has been, milliseconds; 0 when there is none. */
  readonly longestInFlightMs: number;
  /** Takes no further work and resolves when what is in flight has ended. */
  stop(): Promise<void>;
}

/** How many objects of a kind are reconciled at once: enough to keep a pooled connection to a store busy. */
const concurrency = { trustDomain: 2, identity: 16, bundle: 8 } as const;

/** Starts the reconcilers over a store. They work until `stop`. */
export async function startControllers(context: ControllerContext): Promise<Controllers> {
  const servesTrustBundles = context.cluster?.clusterTrustBundles === true && (await context.store.serves('ClusterTrustBundle'));
  // From here on nothing waits: every listener is in place before the first delivery of a watch.
  const abort = new AbortController();
  const watch = watcher(context, abort.signal);
  const caches = watchIdentities(context, watch);
  const bundleCaches = watchBundles(context, caches, servesTrustBundles, watch);
  const domains = new Domains();
  const targets = new BundleTargets();
  const reissues = new Reissues(context.servingIdentity);
  const federation = new Federation(context, caches.secrets);
  const run = (reconciler: Reconciler, atOnce: number): Controller => new Controller(reconciler, { ...context, concurrency: atOnce });

  const trustDomainController = run(new TrustDomainReconciler(context, caches, domains, targets, federation), concurrency.trustDomain);
  const identityReconciler = new WorkloadIdentityReconciler(context, caches, domains, reissues, federation);
  const statusReconciler = context.cluster?.secretDelivery === false ? new GrantReconciler(context, caches, domains) : identityReconciler;
  const identityController = run(statusReconciler, concurrency.identity);
  wakeIdentities(caches, domains, trustDomainController, identityController);
  const controllers = [trustDomainController, identityController];
  const whenSynced = allSynced({ ...caches });
  // Trust domains first, so that identities find them; what an identity misses brings it back when it comes.
  const started = whenSynced.then(async () => {
    trustDomainController.start();
    await trustDomainController.whenIdle();
    identityController.start();
  });

  const ends = new CertificateEnds();
  controllers.push(...startPods({ context, caches, domains, ends, identityReconciler: statusReconciler, identityController, started, signal: abort.signal }));
  const fleet = watchFleet(caches, watch);
  if (fleet !== undefined) controllers.push(...startClusterIdentities(context, fleet, started));
  if (bundleCaches !== undefined) {
    const bundleController = run(new BundleReconciler(context, bundleCaches, domains, targets, federation), concurrency.bundle);
    wakeBundles(bundleCaches, domains, targets, federation, bundleController, trustDomainController);
    controllers.push(bundleController);
    // By itself: a missing right on bundles must not hold identities up.
    void Promise.all([started, allSynced({ ...bundleCaches })]).then(async () => {
      bundleController.start();
      await bundleController.whenIdle();
      targets.complete(domains.all().map(({ object }) => object.metadata.name));
    });
  }
  if (fleet !== undefined && context.cluster?.podCertificates === true) {
    startPodCertificates({ context, caches, fleet, domains, ends, watch, started, signal: abort.signal, add: (controller) => controllers.push(controller) });
  }
  controllers.push(...startFederation({ context, caches, federation, trustDomainController, identityController, started, signal: abort.signal }));
  const rotations = watch('CARotation', {});
  const { countViolations, ...rotating } = startRotations({ context, caches, bundles: bundleCaches, rotations, domains, targets, reissues, started, signal: abort.signal, trustDomainController, identityController });
  controllers.push(...rotating.controllers);
  return running({ controllers, countViolations, domains, csr: new CsrSigner(context, caches, domains), jwt: new JwtSigner(context, { caches, domains }), known: new KnownObjects(caches, rotations), whenSynced, started, abort });
}

interface Started extends Pick<Controllers, 'domains' | 'csr' | 'jwt' | 'known'> {
  readonly controllers: readonly Controller[];
  readonly countViolations: () => void;
  readonly whenSynced: Promise<void>;
  readonly started: Promise<void>;
  readonly abort: AbortController;
}

function running({ controllers, countViolations, domains, csr, jwt, known, whenSynced, started, abort }: Started): Controllers {
  return {
    domains,
    csr,
    jwt,
    known,
    whenSynced: () => whenSynced,
    whenIdle: async () => {
      await started;
      for (const controller of controllers) await controller.whenIdle();
      // Where that is told, it is of what was done until now.
      countViolations();
      for (const controller of controllers) await controller.whenIdle();
    },
    get failing() {
      return controllers.reduce((sum, controller) => sum + controller.failing, 0);
    },
    get longestInFlightMs() {
      return Math.max(...controllers.map((controller) => controller.longestInFlightMs));
    },
    stop: async () => {
      abort.abort();
      await Promise.all(controllers.map((controller) => controller.stop()));
    },
  };
}

type Watch = ReturnType<typeof watcher>;

const managed = { labels: { [labels.managedBy]: managedByMtlsd } };

function watchIdentities({ cluster, systemNamespace }: ControllerContext, watch: Watch): IdentityCaches {
  const namespaces = cluster?.secretNamespaces;
  const secretSelectors = namespaces === undefined ? [managed] : [...new Set([...namespaces, systemNamespace])].map((namespace) => ({ ...managed, namespace }));
  const caches: IdentityCaches = {
    secrets: watch('Secret', ...secretSelectors),
    trustDomains: watch('TrustDomain', {}),
    identities: watch('WorkloadIdentity', {}),
    serviceAccounts: cluster === undefined ? undefined : watch('ServiceAccount', {}),
    namespaces: cluster === undefined ? undefined : watch('Namespace', {}),
  };
  indexSecrets(caches.secrets);
  indexIdentities(caches.identities);
  return caches;
}

function watchFleet({ identities, serviceAccounts, namespaces }: IdentityCaches, watch: Watch): FleetCaches | undefined {
  if (serviceAccounts === undefined || namespaces === undefined) return undefined;
  return { identities, serviceAccounts, namespaces, clusterIdentities: watch('ClusterWorkloadIdentity', {}) };
}

function watchBundles({ cluster }: ControllerContext, { namespaces }: IdentityCaches, servesTrustBundles: boolean, watch: Watch): BundleCaches | undefined {
  if (cluster === undefined || namespaces === undefined) return undefined;
  return {
    namespaces,
    configMaps: cluster.configMapBundles ? watch('ConfigMap', managed) : undefined,
    clusterTrustBundles: servesTrustBundles ? watch('ClusterTrustBundle', managed) : undefined,
  };
}

async function allSynced(caches: Readonly<Record<string, { whenSynced(): Promise<void> } | undefined>>): Promise<void> {
  await Promise.all(Object.values(caches).map(async (cache) => cache?.whenSynced()));
}

function watcher(context: ControllerContext, signal: AbortSignal) {
  return <K extends Kind>(kind: K, ...selectors: readonly WatchSelector[]): Cache<Watched<K>> =>
    // The store tells its own log about interruptions.
    Cache.watching(context.store, kind, selectors, signal, (error) => (error === undefined ? undefined : context.metrics.storeInterrupted(kind)));
}

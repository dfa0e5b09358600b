import { labels, managedByMtlsd } from '../resources/index.ts';
import type { Kind, Watched, WatchSelector } from '../store/port.ts';
import { BundleReconciler } from './bundle/reconciler.ts';
import { BundleTargets } from './bundle/targets.ts';
import type { BundleCaches, IdentityCaches } from './caches.ts';
import type { ControllerContext } from './context.ts';
import { Domains } from './domains.ts';
import { Cache } from './runtime/cache.ts';
import { Controller } from './runtime/controller.ts';
import { wakeBundles, wakeIdentities } from './triggers.ts';
import { TrustDomainReconciler } from './trust-domain/reconciler.ts';
import { indexIdentities, indexSecrets, WorkloadIdentityReconciler } from './workload-identity/reconciler.ts';

/** The running reconcilers. */
export interface Controllers {
  readonly domains: Domains;
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
  const abort = new AbortController();
  const watch = watcher(context, abort.signal);
  const managed = { labels: { [labels.managedBy]: managedByMtlsd } };
  const caches: IdentityCaches = {
    secrets: watch('Secret', managed),
    trustDomains: watch('TrustDomain'),
    identities: watch('WorkloadIdentity'),
    serviceAccounts: context.inCluster ? watch('ServiceAccount') : undefined,
    namespaces: context.inCluster ? watch('Namespace') : undefined,
  };
  indexSecrets(caches.secrets);
  indexIdentities(caches.identities);
  const bundleCaches: BundleCaches | undefined = caches.namespaces
    ? {
        namespaces: caches.namespaces,
        configMaps: watch('ConfigMap', managed),
        clusterTrustBundles: (await context.store.serves('ClusterTrustBundle')) ? watch('ClusterTrustBundle', managed) : undefined,
      }
    : undefined;

  const domains = new Domains();
  const targets = new BundleTargets();
  const run = (reconciler: ConstructorParameters<typeof Controller>[0], atOnce: number): Controller => new Controller(reconciler, { ...context, concurrency: atOnce });
  const trustDomainController = run(new TrustDomainReconciler(context, caches, domains, targets), concurrency.trustDomain);
  const identityReconciler = new WorkloadIdentityReconciler(context, caches, domains);
  const identityController = run(identityReconciler, concurrency.identity);
  wakeIdentities(caches, domains, identityReconciler, trustDomainController, identityController);
  const controllers = [trustDomainController, identityController];
  if (bundleCaches !== undefined) {
    const bundleController = run(new BundleReconciler(context, bundleCaches, domains, targets), concurrency.bundle);
    wakeBundles(bundleCaches, domains, targets, bundleController, trustDomainController);
    controllers.push(bundleController);
  }

  const everyCache: readonly ({ whenSynced(): Promise<void> } | undefined)[] = [
    ...Object.values<{ whenSynced(): Promise<void> } | undefined>({ ...caches }),
    ...Object.values<{ whenSynced(): Promise<void> } | undefined>({ ...bundleCaches }),
  ];
  const whenSynced = Promise.all(everyCache.map(async (cache) => cache?.whenSynced())).then(() => undefined);
  const started = whenSynced.then(() => startInOrder(trustDomainController, controllers));
  return {
    domains,
    whenSynced: () => whenSynced,
    whenIdle: async () => {
      await started;
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

/** Trust domains first, so that identities find them; what an identity misses brings it back when it comes. */
async function startInOrder(first: Controller, all: readonly Controller[]): Promise<void> {
  first.start();
  await first.whenIdle();
  for (const controller of all) if (controller !== first) controller.start();
}

function watcher(context: ControllerContext, signal: AbortSignal) {
  return <K extends Kind>(kind: K, selector: WatchSelector = {}): Cache<Watched<K>> =>
    Cache.watching(context.store, kind, selector, signal, (error) => {
      if (error === undefined) return context.log.info('watch goes on', { kind });
      context.metrics.storeInterrupted(kind);
      context.log.warn(`watch interrupted: ${error.message}`, { kind });
    });
}

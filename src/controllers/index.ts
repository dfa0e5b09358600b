import type { ControllerContext } from './context.ts';
import { Domains } from './domains.ts';
import { Cache } from './runtime/cache.ts';
import { Controller } from './runtime/controller.ts';
import { authorityRecordLabel } from './trust-domain/record-store.ts';
import { TrustDomainReconciler } from './trust-domain/reconciler.ts';
import { indexIdentities, indexSecrets, WorkloadIdentityReconciler } from './workload-identity/reconciler.ts';
import { annotations, labels } from '../resources/index.ts';
import type { Kind } from '../store/port.ts';

/**
 * One level-triggered reconciler a kind: observe → plan → act. `observe` reads caches; `plan` is pure; `act` performs
 * idempotent or compare-and-swap writes. Any process may die between any two lines: a restart is the recovery path.
 */
export type { ControllerContext, DeliveryLimits } from './context.ts';
export type { DomainState } from './domains.ts';
export { authorityRecordLabel } from './trust-domain/record-store.ts';
export { newRootAnnotation } from './trust-domain/plan.ts';

/** The running reconcilers. */
export interface Controllers {
  readonly domains: Domains;
  /** Resolves when every cache has its first snapshot. */
  whenSynced(): Promise<void>;
  /** Resolves when nothing is ready or in flight (delayed work does not count). */
  whenIdle(): Promise<void>;
  /** Objects whose last try failed and that wait for the next. */
  readonly failing: number;
  /** Takes no further work and resolves when what is in flight has ended. */
  stop(): Promise<void>;
}

/** How many objects of a kind are reconciled at once: enough to keep a pooled connection to a store busy. */
const concurrency = { trustDomain: 2, identity: 16 } as const;

/** Starts the reconcilers over a store. They work until `stop`. */
export function startControllers(context: ControllerContext): Controllers {
  const abort = new AbortController();
  const interrupted = (kind: Kind) => (error: Error | undefined) => {
    if (error === undefined) return context.log.info('watch goes on', { kind });
    context.metrics.storeInterrupted(kind);
    context.log.warn(`watch interrupted: ${error.message}`, { kind });
  };
  const managed = { labels: { [labels.managedBy]: 'mtlsd' } };
  const secrets = Cache.watching(context.store, 'Secret', managed, abort.signal, interrupted('Secret'));
  const trustDomains = Cache.watching(context.store, 'TrustDomain', {}, abort.signal, interrupted('TrustDomain'));
  const identities = Cache.watching(context.store, 'WorkloadIdentity', {}, abort.signal, interrupted('WorkloadIdentity'));
  indexSecrets(secrets);
  indexIdentities(identities);

  const domains = new Domains();
  const options = { clock: context.clock, log: context.log, metrics: context.metrics };
  const trustDomainController = new Controller(new TrustDomainReconciler(context, { trustDomains, secrets }, domains), { ...options, concurrency: concurrency.trustDomain });
  const identityController = new Controller(new WorkloadIdentityReconciler(context, { identities, secrets }, domains), { ...options, concurrency: concurrency.identity });

  trustDomains.onChange((before, after) => trustDomainController.enqueue(undefined, (after ?? before)?.metadata.name ?? ''));
  identities.onChange((before, after) => {
    for (const object of [before, after]) if (object !== undefined) identityController.enqueue(object.metadata.namespace, object.metadata.name);
    enqueueClaimants(before, after);
  });
  /** Who claims the same Secret may have a better claim now. */
  const enqueueClaimants = (...changed: readonly ((typeof identities extends Cache<infer T> ? T : never) | undefined)[]): void => {
    for (const object of changed) {
      if (object === undefined) continue;
      const name = object.spec.secretName ?? `${object.metadata.name}-mtls`;
      for (const claimant of identities.byIndex('secretName', `${object.metadata.namespace ?? ''}/${name}`)) {
        if (claimant.metadata.name !== object.metadata.name) identityController.enqueue(claimant.metadata.namespace, claimant.metadata.name);
      }
    }
  };
  secrets.onChange((before, after) => {
    const secret = after ?? before;
    if (secret === undefined) return;
    if (secret.metadata.labels?.[authorityRecordLabel] !== undefined) {
      trustDomainController.enqueue(undefined, secret.metadata.labels[labels.trustDomain] ?? '');
    }
    for (const object of [before, after]) {
      const owner = object?.metadata.annotations?.[annotations.identity];
      if (owner !== undefined) identityController.enqueue(object?.metadata.namespace, owner);
    }
  });
  domains.onChange(() => {
    for (const identity of identities.values()) identityController.enqueue(identity.metadata.namespace, identity.metadata.name);
  });

  const whenSynced = Promise.all([secrets.whenSynced(), trustDomains.whenSynced(), identities.whenSynced()]).then(() => undefined);
  void whenSynced.then(() => {
    // Trust domains first, so that identities find them; what an identity misses brings it back when it comes.
    trustDomainController.start();
    void trustDomainController.whenIdle().then(() => identityController.start());
  });

  return {
    domains,
    whenSynced: () => whenSynced,
    whenIdle: async () => {
      await whenSynced;
      await trustDomainController.whenIdle();
      await identityController.whenIdle();
    },
    get failing() {
      return trustDomainController.failing + identityController.failing;
    },
    stop: async () => {
      abort.abort();
      await Promise.all([trustDomainController.stop(), identityController.stop()]);
    },
  };
}

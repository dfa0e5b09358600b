import { isMtlsdError } from '../../errors/index.ts';
import { labels, managedByMtlsd, selectorMatches, type ClusterTrustBundle, type ConfigMap } from '../../resources/index.ts';
import type { Precondition } from '../../store/port.ts';
import type { BundleCaches } from '../caches.ts';
import type { ControllerContext } from '../context.ts';
import type { Domains, RenderedBundle } from '../domains.ts';
import type { Federation } from '../federation/federation.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import type { QueueKey } from '../runtime/queue.ts';
import { clusterTrustBundleName, configMapName, describeTarget, isCurrent, renderClusterTrustBundle, renderConfigMap, type BundleTarget } from './target.ts';
import type { BundleTargets } from './targets.ts';

/**
 * Keeps one copy of a trust bundle as it should be: one write a change, never empty in between, restored when somebody
 * changes or deletes it. Each target is an object of its own in the queue, so that a bad namespace delays no other (L15).
 */
export class BundleReconciler implements Reconciler {
  readonly kind = 'Bundle';
  readonly #context: ControllerContext;
  readonly #caches: BundleCaches;
  readonly #domains: Domains;
  readonly #targets: BundleTargets;
  readonly #federation: Federation;

  constructor(context: ControllerContext, caches: BundleCaches, domains: Domains, targets: BundleTargets, federation: Federation) {
    this.#context = context;
    this.#caches = caches;
    this.#domains = domains;
    this.#targets = targets;
    this.#federation = federation;
  }

  deadlineMs(): undefined {
    return undefined;
  }

  /** The key's namespace is the target's, its name the trust domain's. */
  async reconcile(key: QueueKey): Promise<Outcome> {
    const target: BundleTarget = { namespace: key.namespace, trustDomain: key.name };
    const existing = this.#existing(target);
    const bundle = this.#wanted(target);
    if (bundle === undefined) {
      this.#targets.note(target, undefined);
      if (existing !== undefined && this.#mayDelete(target)) await this.#delete(target, existing);
      return {};
    }
    const wanted = target.namespace === '' ? renderClusterTrustBundle(target, bundle) : renderConfigMap(target, bundle, this.#federation.files(target.trustDomain, this.#federation.peerNames(target.trustDomain)));
    if (existing !== undefined && isCurrent(existing, wanted)) {
      this.#targets.note(target, { state: 'written' });
      return {};
    }
    return this.#write(target, wanted, existing);
  }

  #existing({ namespace, trustDomain }: BundleTarget): ConfigMap | ClusterTrustBundle | undefined {
    if (namespace === '') return this.#caches.clusterTrustBundles?.get(undefined, clusterTrustBundleName(trustDomain));
    return this.#caches.configMaps?.get(namespace, configMapName(trustDomain));
  }

  /** The bundle that the target should carry, or undefined when it is no target (any more). */
  #wanted({ namespace, trustDomain }: BundleTarget): RenderedBundle | undefined {
    const domain = this.#domains.get(trustDomain);
    if (domain?.bundle === undefined) return undefined;
    if (namespace === '') return this.#caches.clusterTrustBundles === undefined ? undefined : domain.bundle;
    if (this.#caches.configMaps === undefined) return undefined;
    const selector = domain.object.spec.bundle?.namespaceSelector;
    const object = this.#caches.namespaces.get(undefined, namespace);
    if (selector === undefined || object === undefined || object.metadata.deletionTimestamp !== undefined) return undefined;
    return selectorMatches(selector, object.metadata.labels) ? domain.bundle : undefined;
  }

  /**
   * A copy goes only by a user's wish that can be seen: the namespace is selected no more. Where the trust domain itself is
   * gone, or cannot be read, trust stays where it is.
   */
  #mayDelete({ namespace, trustDomain }: BundleTarget): boolean {
    return namespace !== '' && this.#domains.get(trustDomain)?.bundle !== undefined;
  }

  async #write(target: BundleTarget, wanted: ReturnType<typeof renderConfigMap> | ReturnType<typeof renderClusterTrustBundle>, existing: ConfigMap | ClusterTrustBundle | undefined): Promise<Outcome> {
    const expect: 'absent' | Precondition = existing === undefined ? 'absent' : { uid: existing.metadata.uid, resourceVersion: existing.metadata.resourceVersion };
    const { store, log } = this.#context;
    try {
      if (wanted.kind === 'ConfigMap') this.#caches.configMaps?.observeWrite(await store.write(wanted, expect));
      else this.#caches.clusterTrustBundles?.observeWrite(await store.write(wanted, expect));
      this.#targets.note(target, { state: 'written' });
      log.debug('bundle written', { target: describeTarget(target) });
      return {};
    } catch (error) {
      if (isMtlsdError(error, 'STORE_ALREADY_EXISTS')) return this.#meet(target);
      const conflict = isMtlsdError(error, 'STORE_CONFLICT', 'STORE_NOT_FOUND');
      this.#targets.note(target, conflict ? { state: 'stale' } : { state: 'failing', why: error instanceof Error ? error.message : 'unknown error' });
      throw error;
    }
  }

  /** An object of that name is there although no cache showed it: ours (then it is known now), or somebody else's. */
  async #meet(target: BundleTarget): Promise<Outcome> {
    const { store, log } = this.#context;
    const found =
      target.namespace === ''
        ? await store.get({ kind: 'ClusterTrustBundle', name: clusterTrustBundleName(target.trustDomain) })
        : await store.get({ kind: 'ConfigMap', namespace: target.namespace, name: configMapName(target.trustDomain) });
    if (found?.metadata.labels?.[labels.managedBy] === managedByMtlsd) {
      if (found.kind === 'ConfigMap') this.#caches.configMaps?.observeWrite(found);
      else this.#caches.clusterTrustBundles?.observeWrite(found);
      return { nextAtMs: this.#context.clock.nowMs() };
    }
    const why = `${describeTarget(target)} exists and was not made by mtlsd: it is left alone; delete it to have the bundle there`;
    this.#targets.note(target, { state: 'failing', why });
    log.warn(why);
    return { nextAtMs: this.#context.clock.nowMs() + 60_000 };
  }

  async #delete(target: BundleTarget, existing: ConfigMap | ClusterTrustBundle): Promise<void> {
    const { uid, resourceVersion, name, namespace = '' } = existing.metadata;
    try {
      await this.#context.store.delete({ kind: 'ConfigMap', namespace, name }, { uid, resourceVersion });
    } catch (error) {
      if (!isMtlsdError(error, 'STORE_NOT_FOUND')) throw error;
    }
    if (existing.kind === 'ConfigMap') this.#caches.configMaps?.observeDelete(existing);
    this.#context.log.info('bundle removed: the namespace is selected no more', { target: describeTarget(target) });
  }
}

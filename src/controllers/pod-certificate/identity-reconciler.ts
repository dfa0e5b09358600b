import type { WorkloadIdentity } from '../../resources/index.ts';
import { takesNamespace } from '../allowed-namespaces.ts';
import type { IdentityCaches } from '../caches.ts';
import type { ControllerContext } from '../context.ts';
import type { Domains } from '../domains.ts';
import { withPodFindings } from '../pod-warnings/conditions.ts';
import type { PodFindings } from '../pod-warnings/judge.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import type { QueueKey } from '../runtime/queue.ts';
import { sameStatus } from '../status.ts';
import { resolveTrustDomain } from '../workload-identity/resolve.ts';
import { grantStatus } from './identity-status.ts';

/** Says of identities whether pods get them, where no Secrets are delivered: it issues nothing and touches no Secret. */
export class GrantReconciler implements Reconciler {
  readonly kind = 'WorkloadIdentity';
  readonly #context: ControllerContext;
  readonly #caches: Pick<IdentityCaches, 'identities' | 'namespaces'>;
  readonly #domains: Domains;
  #findingsOf: (identity: WorkloadIdentity) => PodFindings | undefined = () => undefined;

  constructor(context: ControllerContext, caches: Pick<IdentityCaches, 'identities' | 'namespaces'>, domains: Domains) {
    this.#context = context;
    this.#caches = caches;
    this.#domains = domains;
  }

  /** Says what pods tell of an identity from now on. */
  tellOfPods(find: (identity: WorkloadIdentity) => PodFindings | undefined): void {
    this.#findingsOf = find;
  }

  deadlineMs(): undefined {
    return undefined;
  }

  async reconcile(key: QueueKey): Promise<Outcome> {
    const identity = this.#caches.identities.get(key.namespace, key.name);
    if (identity !== undefined) await this.#tell(identity, key.namespace);
    return {};
  }

  async #tell(identity: WorkloadIdentity, namespace: string): Promise<void> {
    const { store, clock, events } = this.#context;
    const domain = resolveTrustDomain(identity, this.#domains);
    const namespaceAllowed = domain.kind === 'unresolved' || takesNamespace(domain.state.object, namespace, this.#caches.namespaces);
    const nowMs = clock.nowMs();
    const granted = grantStatus({ identity, domain, namespaceAllowed }, nowMs);
    const conditions = withPodFindings(granted.conditions ?? [], this.#findingsOf(identity), identity.metadata.generation ?? 1, nowMs);
    const status = { ...granted, conditions: [...conditions] };
    if (sameStatus(identity.status, status)) return;
    const { name, uid, resourceVersion } = identity.metadata;
    this.#caches.identities.observeWrite(await store.patchStatus({ kind: 'WorkloadIdentity', namespace, name }, status, { uid, resourceVersion }));
    const ready = status.conditions.find(({ type }) => type === 'Ready');
    const before = identity.status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.status === 'False' && before?.message !== ready.message) events.record(identity, { type: 'Warning', reason: ready.reason, message: ready.message });
  }
}

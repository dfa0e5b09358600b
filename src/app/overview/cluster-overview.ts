import { MtlsdError } from '../../errors/index.ts';
import { openKubernetesStore, type KubernetesStore } from '../../store/kubernetes/index.ts';
import type { Log } from '../../telemetry/index.ts';
import { systemClock } from '../clock.ts';
import { Mirror } from './mirror.ts';
import type { Overview } from './overview.ts';
import { WaitingPods } from './waiting-pods.ts';

/** How the cluster is reached: as kubectl does, unless said otherwise. */
export interface ClusterAddress {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** How long a person waits for an API server before being told what is wrong with it. */
const patienceMs = 10_000;

/** The overview of a cluster, from its API objects, kept current while it is open. */
export class ClusterOverview implements AsyncDisposable {
  readonly #store: KubernetesStore;
  readonly #abort = new AbortController();
  readonly #mirror: Mirror;
  readonly #pods: WaitingPods;

  private constructor(store: KubernetesStore) {
    this.#store = store;
    this.#mirror = new Mirror(store, this.#abort.signal);
    this.#pods = new WaitingPods(store, this.#abort.signal);
  }

  /** @throws CONFIGURATION_INVALID, STORE_UNAVAILABLE, STORE_FORBIDDEN when the cluster cannot be read */
  static async open(address: ClusterAddress, log: Log): Promise<ClusterOverview> {
    const store = openKubernetesStore({ ...address, environment: process.env, fieldManager: 'mtlsd', log, random: Math.random, nowMs: () => systemClock.nowMs() });
    const overview = new ClusterOverview(store);
    try {
      await overview.#filled();
      return overview;
    } catch (error) {
      await overview[Symbol.asyncDispose]();
      throw error;
    }
  }

  overview(): Overview {
    const nowMs = systemClock.nowMs();
    return this.#mirror.overview(this.#pods.problems(this.#mirror.sight(), nowMs), nowMs);
  }

  /** Calls `listener` after each change of what `overview` shows. */
  onChange(listener: () => void): void {
    this.#mirror.onChange(listener);
    this.#pods.onChange(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#store.close();
  }

  /** A watch waits for ever; a person asks once more, plainly, and is told what the answer was. */
  async #filled(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    const cancel = systemClock.schedule(systemClock.nowMs() + patienceMs, () => resolve('late'));
    try {
      if ((await Promise.race([Promise.all([this.#mirror.whenFilled(), this.#pods.whenFilled()]), late])) !== 'late') return;
    } finally {
      cancel();
    }
    await this.#store.get({ kind: 'TrustDomain', name: 'none' });
    throw new MtlsdError('STORE_UNAVAILABLE', 'the API server answers, but not with TrustDomains, WorkloadIdentities and CARotations: are the CRDs installed, and those of this version (kubectl apply -f crds/)?', { details: { object: 'TrustDomain' } });
  }
}

import { injectedPods, judgeInjectedPod } from '../controllers/index.ts';
import { isMtlsdError } from '../errors/index.ts';
import type { Pod, WorkloadIdentity } from '../resources/index.ts';
import type { Store } from '../store/port.ts';
import type { ProblemRow } from './overview.ts';
import { pendingCertificate } from './pending-certificate.ts';
import type { Sight } from './sight.ts';

/** The pods of a cluster that ask for their identity, and what keeps them from it. Who may not see pods is told of none. */
export class InjectedPods {
  readonly #pods = new Map<string, Pod>();
  readonly #listeners: (() => void)[] = [];
  readonly #filled: Promise<unknown>;

  constructor(store: Store, signal: AbortSignal) {
    this.#filled = Promise.all(injectedPods.map(async (selector) => this.#watch(store, selector, signal)));
  }

  /** Resolves when every pod has been seen once, or cannot be. */
  async whenFilled(): Promise<void> {
    await this.#filled;
  }

  /** Calls `listener` after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  problems(sight: Sight, nowMs: number): readonly ProblemRow[] {
    const lookup = lookupOf(sight.identities);
    const pods = [...this.#pods.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    return pods.flatMap((pod) => {
      const problem = judgeInjectedPod(pod, lookup) ?? pendingCertificate(pod, sight, nowMs);
      return problem === undefined ? [] : [{ object: `Pod ${nameOf(pod)}`, ...problem }];
    });
  }

  async #watch(store: Store, selector: (typeof injectedPods)[number], signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    // One map for all selectors: what a snapshot replaces are the pods of its own.
    const own = new Set<string>();
    const changed = (): void => {
      for (const listener of this.#listeners) listener();
    };
    const put = (pod: Pod): void => {
      own.add(pod.metadata.uid);
      this.#pods.set(pod.metadata.uid, pod);
    };
    store.watch(
      'Pod',
      selector,
      {
        snapshot: (pods) => {
          for (const uid of own) this.#pods.delete(uid);
          own.clear();
          for (const pod of pods) put(pod);
          resolve();
          changed();
        },
        upsert: (pod) => {
          put(pod);
          changed();
        },
        remove: ({ metadata }) => {
          own.delete(metadata.uid);
          this.#pods.delete(metadata.uid);
          changed();
        },
        interrupted: (error) => (isMtlsdError(error, 'STORE_FORBIDDEN') ? resolve() : undefined),
      },
      signal,
    );
    return promise;
  }
}

function lookupOf(identities: readonly WorkloadIdentity[]): Parameters<typeof judgeInjectedPod>[1] {
  const named = new Map(identities.map((identity) => [nameOf(identity), identity]));
  const claiming = Map.groupBy(identities, ({ metadata, spec }) => `${metadata.namespace ?? ''}/${spec.secretName ?? `${metadata.name}-mtls`}`);
  return {
    named: (namespace, name) => named.get(`${namespace}/${name}`),
    claiming: (namespace, secretName) => claiming.get(`${namespace}/${secretName}`) ?? [],
  };
}

function nameOf({ metadata }: Pod | WorkloadIdentity): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

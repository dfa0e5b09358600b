import { InjectedPods, judgeInjectedPod } from '../controllers/index.ts';
import { isMtlsdError } from '../errors/index.ts';
import type { Pod, WorkloadIdentity } from '../resources/index.ts';
import type { Store } from '../store/port.ts';
import type { ProblemRow } from './overview.ts';
import { pendingCertificate } from './pending-certificate.ts';
import type { Sight } from './sight.ts';

/** What keeps the pods of a cluster from the identity that they ask for. Who may not see pods is told of none. */
export class WaitingPods {
  readonly #pods: InjectedPods;
  readonly #filled: Promise<unknown>;

  constructor(store: Store, signal: AbortSignal) {
    const refused = Promise.withResolvers<void>();
    this.#pods = new InjectedPods(store, (error) => (isMtlsdError(error, 'STORE_FORBIDDEN') ? refused.resolve() : undefined), signal);
    this.#filled = Promise.race([this.#pods.whenSynced(), refused.promise]);
  }

  /** Resolves when every pod has been seen once, or cannot be. */
  async whenFilled(): Promise<void> {
    await this.#filled;
  }

  /** Calls `listener` after each change. */
  onChange(listener: () => void): void {
    this.#pods.onChange(listener);
  }

  problems(sight: Sight, nowMs: number): readonly ProblemRow[] {
    const lookup = lookupOf(sight.identities);
    return [...this.#pods.all()]
      .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
      .flatMap((pod) => {
        const problem = judgeInjectedPod(pod, lookup) ?? pendingCertificate(pod, sight, nowMs);
        return problem === undefined ? [] : [{ object: `Pod ${nameOf(pod)}`, ...problem }];
      });
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

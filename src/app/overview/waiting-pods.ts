import { InjectedPods, judgeInjectedPod } from '../../controllers/index.ts';
import { isMtlsdError } from '../../errors/index.ts';
import { injectLabel, injectValues } from '../../injection/index.ts';
import type { Pod, WorkloadIdentity } from '../../resources/index.ts';
import type { Store } from '../../store/port.ts';
import type { ProblemRow } from './overview.ts';
import { pendingCertificate } from './pending-certificate.ts';
import type { Sight } from './sight.ts';

/** What keeps the pods of a cluster from the identity that they ask for. Who may not see pods is told of none. */
export class WaitingPods {
  /** One for each value of the label: a person who looks once need not be sent all pods of a cluster. */
  readonly #pods: readonly InjectedPods[];
  readonly #filled: Promise<unknown>;

  constructor(store: Store, signal: AbortSignal) {
    const refused = Promise.withResolvers<void>();
    const interrupted = (error: Error | undefined): void => (isMtlsdError(error, 'STORE_FORBIDDEN') ? refused.resolve() : undefined);
    this.#pods = injectValues.map((value) => {
      const pods = new InjectedPods();
      store.watch('Pod', { labels: { [injectLabel]: value } }, { ...pods.handler(), interrupted }, signal);
      return pods;
    });
    this.#filled = Promise.race([Promise.all(this.#pods.map(async (pods) => pods.whenSynced())), refused.promise]);
  }

  /** Resolves when every pod has been seen once, or cannot be. */
  async whenFilled(): Promise<void> {
    await this.#filled;
  }

  /** Calls `listener` after each change. */
  onChange(listener: () => void): void {
    for (const pods of this.#pods) pods.onChange(listener);
  }

  problems(sight: Sight, nowMs: number): readonly ProblemRow[] {
    const lookup = lookupOf(sight.identities);
    return this.#pods
      .flatMap((pods) => pods.all())
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

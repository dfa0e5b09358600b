import type { ControllerContext } from '../context.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import type { QueueKey } from '../runtime/queue.ts';
import type { InjectedPods } from './injected-pods.ts';
import { judgeInjectedPod, type IdentityLookup } from './judge.ts';

/** A pod and its identity are often applied together: one that comes within this time is not missed. Milliseconds. */
const graceMs = 3_000;

/** Tells pods that carry the label, by an Event when it begins or changes, what keeps them from their identity. It writes nothing else. */
export class InjectedPodReconciler implements Reconciler {
  readonly kind = 'Pod';
  readonly #context: Pick<ControllerContext, 'clock' | 'events' | 'log'>;
  readonly #pods: Pick<InjectedPods, 'get'>;
  readonly #identities: IdentityLookup;
  /** What was told, by `namespace/name` of the pod. */
  readonly #told = new Map<string, { readonly uid: string; readonly message: string }>();

  constructor(context: Pick<ControllerContext, 'clock' | 'events' | 'log'>, pods: Pick<InjectedPods, 'get'>, identities: IdentityLookup) {
    this.#context = context;
    this.#pods = pods;
    this.#identities = identities;
  }

  reconcile(key: QueueKey): Promise<Outcome> {
    const { clock, events, log } = this.#context;
    const id = `${key.namespace}/${key.name}`;
    const pod = this.#pods.get(key.namespace, key.name);
    const problem = pod === undefined ? undefined : judgeInjectedPod(pod, this.#identities);
    if (pod === undefined || problem === undefined) {
      this.#told.delete(id);
      return Promise.resolve({});
    }
    const patientUntilMs = Date.parse(pod.metadata.creationTimestamp) + graceMs;
    if (clock.nowMs() < patientUntilMs) return Promise.resolve({ nextAtMs: patientUntilMs });
    const { uid } = pod.metadata;
    const before = this.#told.get(id);
    if (before?.uid === uid && before.message === problem.message) return Promise.resolve({});
    this.#told.set(id, { uid, message: problem.message });
    events.record(pod, { type: 'Warning', ...problem });
    log.warn('a pod does not get its identity', { pod: id, reason: problem.reason });
    return Promise.resolve({});
  }

  deadlineMs(): undefined {
    return undefined;
  }
}

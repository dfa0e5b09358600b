import type { Pod } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';

interface Pending {
  readonly reason: string;
  readonly message: string;
}

/**
 * The requests that wait, and why. A request has no condition that could say it: so an Event on the pod does, once for each
 * reason, and a metric that counts them.
 */
export class PendingRequests {
  readonly #context: Pick<ControllerContext, 'events' | 'log' | 'metrics'>;
  /** By UID of the request. */
  readonly #pending = new Map<string, Pending>();
  readonly #counts = new Map<string, number>();

  constructor(context: Pick<ControllerContext, 'events' | 'log' | 'metrics'>) {
    this.#context = context;
  }

  /** Notes that a request waits, and tells it when that is new. */
  wait(uid: string, pod: Pod | undefined, now: Pending): void {
    const before = this.#pending.get(uid);
    if (before?.reason === now.reason && before.message === now.message) return;
    this.#pending.set(uid, now);
    this.#count(before?.reason, -1);
    this.#count(now.reason, 1);
    if (pod === undefined) return;
    const { events, log } = this.#context;
    events.record(pod, { type: 'Warning', reason: now.reason, message: `its pod certificate is not issued yet: ${now.message}` });
    log.warn('a pod waits for its certificate', { pod: `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`, reason: now.reason });
  }

  /** The request waits no more: it was answered, or is gone. */
  settle(uid: string): void {
    const before = this.#pending.get(uid);
    if (before === undefined) return;
    this.#pending.delete(uid);
    this.#count(before.reason, -1);
  }

  /** Whoever leads now counts anew: this replica counts none any more. */
  clear(): void {
    for (const uid of Array.from(this.#pending.keys())) this.settle(uid);
  }

  #count(reason: string | undefined, change: number): void {
    if (reason === undefined) return;
    const count = (this.#counts.get(reason) ?? 0) + change;
    this.#counts.set(reason, count);
    this.#context.metrics.podCertificatesPending?.(reason, count);
  }
}

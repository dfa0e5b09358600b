import type { ClusterWorkloadIdentity } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import { OlderDefinitions } from '../older-definitions.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import type { QueueKey } from '../runtime/queue.ts';
import { sameStatus } from '../status.ts';
import type { FleetCaches } from './caches.ts';
import type { FleetBook } from './fleet-book.ts';
import { fleetStatus } from './status.ts';

/** A change is told this long after it was noticed, so that what changes together is told together, */
const settleMs = 500;
/** and the next one not before this long after the last write. */
const writeIntervalMs = 2_000;

/** Tells in the status of each ClusterWorkloadIdentity how it stands with the service accounts that it matches. */
export class FleetStatusReconciler implements Reconciler {
  readonly kind = 'ClusterWorkloadIdentity';
  readonly #context: ControllerContext;
  readonly #caches: Pick<FleetCaches, 'clusterIdentities'>;
  readonly #book: FleetBook;
  readonly #older: OlderDefinitions;
  /** By name, when the next status may be written. */
  readonly #dueMs = new Map<string, number>();
  readonly #writtenMs = new Map<string, number>();

  constructor(context: ControllerContext, caches: Pick<FleetCaches, 'clusterIdentities'>, book: FleetBook) {
    this.#context = context;
    this.#caches = caches;
    this.#book = book;
    this.#older = new OlderDefinitions(context.log);
  }

  deadlineMs(): undefined {
    return undefined;
  }

  /** @throws STORE_… */
  async reconcile({ name }: QueueKey): Promise<Outcome> {
    const identity = this.#caches.clusterIdentities.get(undefined, name);
    if (identity === undefined) {
      this.#dueMs.delete(name);
      this.#writtenMs.delete(name);
      return {};
    }
    const nowMs = this.#context.clock.nowMs();
    const status = fleetStatus(identity, this.#book.summary(identity.metadata.uid), nowMs);
    if (sameStatus(identity.status, status)) {
      this.#dueMs.delete(name);
      return {};
    }
    const dueMs = this.#dueMs.get(name) ?? Math.max(nowMs + settleMs, (this.#writtenMs.get(name) ?? -Infinity) + writeIntervalMs);
    this.#dueMs.set(name, dueMs);
    if (dueMs > nowMs) return { nextAtMs: dueMs };
    await this.#write(identity, status);
    this.#dueMs.delete(name);
    this.#writtenMs.set(name, nowMs);
    return {};
  }

  async #write(identity: ClusterWorkloadIdentity, status: NonNullable<ClusterWorkloadIdentity['status']>): Promise<void> {
    const { uid, resourceVersion, name } = identity.metadata;
    const written = await this.#context.store.patchStatus({ kind: 'ClusterWorkloadIdentity', name }, status, { uid, resourceVersion });
    this.#caches.clusterIdentities.observeWrite(written);
    this.#older.note(this.kind, status, written.status);
    this.#tell(identity, status);
  }

  /** An Event when it becomes worse or good again, none for each count. */
  #tell(before: ClusterWorkloadIdentity, after: NonNullable<ClusterWorkloadIdentity['status']>): void {
    const [was, is] = [before.status, after].map((status) => status?.conditions?.find(({ type }) => type === 'Ready'));
    if (is === undefined || is.reason === was?.reason || is.reason === 'Pending') return;
    this.#context.events.record(before, { type: is.status === 'True' ? 'Normal' : 'Warning', reason: is.reason, message: is.message });
  }
}

import type { MtlsdError } from '../../errors/index.ts';
import type { Kind, ObjectKey } from '../port.ts';

/** One call of the store's port, as a fault plan sees it. */
export interface Operation {
  readonly verb: 'get' | 'create' | 'replace' | 'patchStatus' | 'delete' | 'serves';
  readonly key: ObjectKey;
}

/**
 * What goes wrong with one operation. `applied` says whether it took effect all the same: a caller that gets an error
 * cannot know.
 */
export type OperationFault =
  /** The calling process dies: the call throws `SimulatedCrash` and whoever catches it must stop everything. */
  | { readonly kind: 'crash'; readonly applied: boolean }
  /** Another writer came first: STORE_CONFLICT, nothing applied. For `get` it is no fault. */
  | { readonly kind: 'conflict' }
  /** STORE_UNAVAILABLE: the request or its answer was lost. */
  | { readonly kind: 'unavailable'; readonly applied: boolean; readonly retryAfterMs?: number }
  /** Any other refusal, nothing applied: STORE_FORBIDDEN, STORE_TERMINATING, STORE_INVALID. */
  | { readonly kind: 'refused'; readonly error: MtlsdError };

/** One delta on its way to one watch. */
export interface Delivery {
  readonly kind: Kind;
  readonly type: 'upsert' | 'remove';
  readonly key: ObjectKey;
}

/**
 * What goes wrong with one delivery. Order between objects is decided by the scheduler; deltas of one object keep theirs.
 * - `duplicate`: it comes twice.
 * - `lose`: it never comes; a snapshot follows later, other deltas may come before it.
 * - `interrupt`: it never comes and the watch says so; nothing comes before the snapshot that ends the gap.
 */
export type DeliveryFault = 'duplicate' | 'lose' | 'interrupt';

/** Decides what goes wrong. It is asked once for each operation, and once for each delivery when it is about to happen. */
export interface FaultPlan {
  operation(operation: Operation): OperationFault | undefined;
  delivery(delivery: Delivery): DeliveryFault | undefined;
}

/** Nothing goes wrong. */
export const noFaults: FaultPlan = { operation: () => undefined, delivery: () => undefined };

/** The process that made the call is dead. Not an MtlsdError: nothing may handle it but the simulation itself. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash';
  readonly operation: Operation;
  readonly applied: boolean;

  constructor(operation: Operation, applied: boolean) {
    super(`the process died ${applied ? 'after' : 'before'} ${operation.verb} of ${operation.key.kind} ${operation.key.name} took effect`);
    this.operation = operation;
    this.applied = applied;
  }
}

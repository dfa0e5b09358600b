/**
 * The store in memory: an API server's semantics without a server, and with everything that goes wrong with one on demand.
 * For simulations and tests; a daemon never runs on it.
 */
export { noFaults, SimulatedCrash, type Delivery, type DeliveryFault, type FaultPlan, type Operation, type OperationFault } from './faults.ts';
export { MemoryStore } from './memory-store.ts';
export type { DeferredWork } from './scheduler.ts';

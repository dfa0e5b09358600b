export { noFaults, SimulatedCrash, type Delivery, type DeliveryFault, type FaultPlan, type Operation, type OperationFault } from './faults.ts';
export { MemoryStore, type MemoryStoreOptions, type WriteCounts } from './memory-store.ts';
export { deferToMicrotask, type Defer, type DeferredWork } from './scheduler.ts';

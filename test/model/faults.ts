import { MtlsdError } from '../../src/errors/index.ts';
import type { Delivery, DeliveryFault, FaultPlan, Operation, OperationFault } from '../../src/store/memory/index.ts';
import type { Random } from './random.ts';

/** How often what goes wrong in one run. Drawn anew for each seed, so that some runs know one kind of fault only. */
export interface FaultRates {
  readonly conflict: number;
  readonly unavailable: number;
  readonly refused: number;
  readonly duplicate: number;
  readonly lose: number;
  readonly interrupt: number;
}

export const noFaultRates: FaultRates = { conflict: 0, unavailable: 0, refused: 0, duplicate: 0, lose: 0, interrupt: 0 };

export function drawFaultRates(random: Random): FaultRates {
  const rate = (most: number): number => (random.chance(0.5) ? 0 : random.unit() * most);
  return { conflict: rate(0.15), unavailable: rate(0.25), refused: rate(0.08), duplicate: rate(0.2), lose: rate(0.2), interrupt: rate(0.1) };
}

/** A fault plan of these rates; while `isDown` the store answers nothing. */
export function faultPlan(rates: FaultRates, random: Random, isDown: () => boolean): FaultPlan {
  return {
    operation(operation: Operation): OperationFault | undefined {
      if (isDown()) return { kind: 'unavailable', applied: false };
      if (random.chance(rates.conflict)) return { kind: 'conflict' };
      if (random.chance(rates.unavailable)) return { kind: 'unavailable', applied: random.chance(0.5), ...(random.chance(0.2) ? { retryAfterMs: 5000 } : {}) };
      if (random.chance(rates.refused)) return { kind: 'refused', error: new MtlsdError('STORE_FORBIDDEN', `${operation.verb} is not allowed`, { details: { object: operation.key.name } }) };
      return undefined;
    },
    delivery(_delivery: Delivery): DeliveryFault | undefined {
      if (random.chance(rates.duplicate)) return 'duplicate';
      if (random.chance(rates.lose)) return 'lose';
      if (isDown() || random.chance(rates.interrupt)) return 'interrupt';
      return undefined;
    },
  };
}

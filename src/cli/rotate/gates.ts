import { InvalidArgumentError } from 'commander';
import type { RotationGate } from '../../resources/index.ts';

/** The gates of a rotation, in their order. */
export const gateNames = ['Written', 'Delivered', 'Loaded', 'Fetched', 'Canary', 'Acknowledged', 'Reissued', 'Drained', 'Withdrawn'] as const satisfies readonly RotationGate[];

/** A gate by its name, in whatever case. @throws InvalidArgumentError */
export function parseGate(text: string): RotationGate {
  const found = gateNames.find((name) => name.toLowerCase() === text.toLowerCase());
  if (found === undefined) throw new InvalidArgumentError(`gates are ${gateNames.join(', ')}.`);
  return found;
}

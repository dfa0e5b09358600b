import { isMtlsdError, type MtlsdError } from '../../src/errors/index.ts';

/** The MtlsdError that `act` throws; anything else fails the test. */
export function refusalOf(act: () => unknown): MtlsdError {
  try {
    act();
  } catch (error) {
    if (isMtlsdError(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

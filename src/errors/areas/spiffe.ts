import { entry } from '../entry.ts';

/** Errors of `spiffe`: see the catalogue. */
export const spiffeErrors = {
} as const;

import { entry } from '../entry.ts';

/** Errors of `x509`: see the catalogue. */
export const x509Errors = {
} as const;

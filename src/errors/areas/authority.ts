import { entry } from '../entry.ts';

/** Errors of `authority`: see the catalogue. */
export const authorityErrors = {
} as const;

import { entry } from '../entry.ts';

/** Errors of `configuration`: see the catalogue. */
export const configurationErrors = {
} as const;

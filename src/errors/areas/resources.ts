import { entry } from '../entry.ts';

/** Errors of `resources`: see the catalogue. */
export const resourcesErrors = {
} as const;

import { entry } from '../entry.ts';

/** Errors of `issuance`: see the catalogue. */
export const issuanceErrors = {
} as const;

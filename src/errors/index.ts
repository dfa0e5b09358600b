/**
 * One catalogue of errors: what happened, what to do, whether to try again. Every other folder throws or returns these;
 * nothing here knows where they end up. Rows live in `areas/`, one file for each folder that raises them.
 */
export { catalogue, type DetailsOf, type ErrorCode } from './catalogue.ts';
export type { ErrorDetails, ErrorEntry, Retry } from './entry.ts';
export { isMtlsdError, MtlsdError, type ErrorOptions } from './mtlsd-error.ts';

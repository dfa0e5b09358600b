import { apiErrors } from './areas/api.ts';
import { auditErrors } from './areas/audit.ts';
import { authorityErrors } from './areas/authority.ts';
import { configurationErrors } from './areas/configuration.ts';
import { federationErrors } from './areas/federation.ts';
import { issuanceErrors } from './areas/issuance.ts';
import { resourcesErrors } from './areas/resources.ts';
import { rotationErrors } from './areas/rotation.ts';
import { spiffeErrors } from './areas/spiffe.ts';
import { storeErrors } from './areas/store.ts';
import { tokensErrors } from './areas/tokens.ts';
import { x509Errors } from './areas/x509.ts';
import type { ErrorEntry } from './entry.ts';

/**
 * Every error that mtlsd can report, by code: meaning, what to do, HTTP status, retry and condition reason.
 * `docs/reference/errors.md` is generated from it and a test holds the two to each other.
 */
export const catalogue = {
  ...spiffeErrors,
  ...x509Errors,
  ...resourcesErrors,
  ...storeErrors,
  ...auditErrors,
  ...authorityErrors,
  ...issuanceErrors,
  ...rotationErrors,
  ...tokensErrors,
  ...federationErrors,
  ...apiErrors,
  ...configurationErrors,
} as const;

/** The literal union of all codes. */
export type ErrorCode = keyof typeof catalogue;

/** The details that an error with code `C` carries. */
export type DetailsOf<C extends ErrorCode> = (typeof catalogue)[C] extends ErrorEntry<infer Details> ? Details : never;

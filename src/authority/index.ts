/**
 * Authorities: the keys and certificates that vouch for everything else. The record holds their roles, states and epoch;
 * changes are pure functions from one record to the next, so that a store can write each as one compare-and-swap. A root's
 * key is opened only while it signs an issuing authority. Nothing here decides when a change is due: `rotation/` does.
 */
export { backdateMs, createRecord, dropRetired, turnOverIssuing, type AuthoritySpec, type AuthorityTools } from './change.ts';
export { distrustSooner, hastenDistrust, makeEmergency } from './emergency.ts';
export {
  acceptRestored,
  adoptRotation,
  dropPrepared,
  finishRotation,
  keepHint,
  keepWishes,
  prepareIssuing,
  prepareRoot,
  prepareSuccessors,
  renewPrepared,
  retireFrom,
  switchBack,
  switchTo,
  type RotationNames,
  type Successors,
} from './rotation.ts';
export {
  activateJwtAuthority,
  distrustJwtAuthorities,
  dropJwtAuthorities,
  isNotedJwtAuthority,
  isShownJwtAuthority,
  noteJwtAuthorities,
  prepareJwtAuthority,
  restartJwtAuthorities,
  withdrawJwtAuthorities,
  withFirstJwtAuthority,
} from './jwt.ts';
export { decodeRecord, encodeRecord, recordFile } from './codec.ts';
export type { SigningLease } from './lease.ts';
export { latestNotAfterMs, raiseReservations, reserve, reservedMs, type Channel, type KnownReservation, type KnownReservations } from './reservation.ts';
export {
  activeAuthority,
  activeJwtAuthority,
  bundleSha256,
  finishedRotation,
  rootBehind,
  rootsOf,
  type Authority,
  type AuthorityRecord,
  type AuthorityRole,
  type AuthorityState,
  type FinishedRotation,
  type JwtAlgorithm,
  type JwtAuthorities,
  type JwtAuthority,
  type RotationInRecord,
  type RotationWishes,
} from './record.ts';

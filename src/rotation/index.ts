/**
 * When something is due: the renewal of an SVID, the turn-over of an issuing authority; and whether everybody trusts whom they
 * have to. Pure planners over what was observed and a reading of the clock; they decide, they never act.
 */
export { planTurnover, shortestLifeMs, type TurnoverLimits, type TurnoverPlan } from './issuing-turnover.ts';
export { jwtAuthorityReadyAtMs, jwtTurnOverAtMs, planJwtAuthorities, tokenLifeMaxMs, type JwtKeySettings, type JwtPlan, type ObservedJwtAuthorities } from './jwt-authorities.ts';
export { countViolations, trustInRecord, trustInStatus, type Trust } from './trust.ts';
export { renewalTimeMs, retryDelayMs, shortestTtlMs, type Life } from './renewal.ts';

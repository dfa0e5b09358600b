/**
 * When something is due: the renewal of an SVID, the turn-over of an issuing authority. Pure planners over what was
 * observed and a reading of the clock; they decide, they never act.
 */
export { planTurnover, shortestLifeMs, type TurnoverLimits, type TurnoverPlan } from './issuing-turnover.ts';
export { renewalTimeMs, retryDelayMs, shortestTtlMs, type Life } from './renewal.ts';

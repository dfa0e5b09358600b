import { hash } from 'node:crypto';

/** How far around half of life the renewal of an SVID is spread, as a part of its life. */
const jitterPart = 0.1;
/** The first delay after a failure; it doubles with each further one. */
const firstRetryMs = 1_000;
/** No failure waits longer than this, however much life is left. */
const longestRetryMs = 5 * 60_000;
/** And none shorter: a life that has nearly run out must not become a busy loop. */
const shortestRetryMs = 250;

/** The life of an SVID, without the time by which it was dated back. Milliseconds since the epoch. */
export interface Life {
  readonly issuedAtMs: number;
  readonly notAfterMs: number;
}

/**
 * When to renew: at half of life, moved by up to ±10 % of life. The move follows from the object's UID, so that a restart
 * or another replica computes the same time, and a thousand identities made at once do not renew at once (L22).
 */
export function renewalTimeMs(life: Life, uid: string): number {
  const spanMs = life.notAfterMs - life.issuedAtMs;
  const unit = hash('sha256', uid, 'buffer').readUInt32BE(0) / 2 ** 32; // [0, 1)
  return Math.round(life.issuedAtMs + spanMs * (0.5 + jitterPart * (2 * unit - 1)));
}

/**
 * The shortest life of an SVID whose renewal is seen before it ends: the latest one comes 0.4 of life before that. Whole seconds,
 * and a minute at least.
 * @param lateMs how late a renewal may be seen, whatever is added for safety included
 */
export function shortestTtlMs(lateMs: number): number {
  const leftPart = 1 - 0.5 - jitterPart;
  return Math.max(60_000, Math.ceil(Math.round(lateMs / leftPart) / 1000) * 1000);
}

/**
 * How long to wait after the `failures`-th failure in a row (from 1): exponential, and never more than a quarter of the
 * life that is left, so that one bad hour cannot cost a certificate (L6).
 * @param remainingMs the life left; undefined when there is no certificate at all
 */
export function retryDelayMs(failures: number, remainingMs: number | undefined): number {
  const exponentialMs = Math.min(firstRetryMs * 2 ** Math.min(failures - 1, 20), longestRetryMs);
  const boundMs = remainingMs === undefined || remainingMs <= 0 ? longestRetryMs : remainingMs / 4;
  return Math.max(shortestRetryMs, Math.min(exponentialMs, boundMs));
}

import { activeAuthority, type AuthorityRecord } from '../authority/index.ts';

/** What an issuing authority needs next. */
export type TurnoverPlan =
  | { readonly action: 'none'; readonly nextAtMs: number }
  | { readonly action: 'turn-over'; readonly why: 'half-of-life' | 'expired' | 'too-short' }
  | { readonly action: 'drop'; readonly keyIdentifiers: ReadonlySet<string> }
  | { readonly action: 'refuse'; readonly why: 'root-expired' | 'root-ending' | 'clock-behind' };

/** What the plan depends on besides the record. Milliseconds. */
export interface TurnoverLimits {
  /** The longest SVID that may be asked for: a fresh issuing authority must be able to honour it. */
  readonly maxTtlMs: number;
  /** How long a new issuing authority lives. */
  readonly lifetimeMs: number;
  /** How long a replica that has not seen the change may go on signing. */
  readonly leaseMs: number;
}

/** An issuing authority that would live shorter is not worth making. */
export const shortestLifeMs = 60_000;

/** SVIDs never live longer than this, whatever was configured when they were issued. */
const longestTtlMs = 24 * 3_600_000;

/**
 * Issuing authorities turn over by themselves at half of their life: what is left of the old one still covers every leaf
 * that it signed. An expired one is replaced at once as long as the root lives (L25); an ended root is never replaced
 * without being asked (that would be a new trust anchor in silence). While a rotation is under way nothing is dropped: it
 * needs to know what signed the leaves that it waits for.
 */
export function planTurnover(record: AuthorityRecord, limits: TurnoverLimits, nowMs: number): TurnoverPlan {
  const root = activeAuthority(record, 'Root').certificate;
  const issuing = activeAuthority(record, 'Issuing').certificate;
  if (nowMs >= root.notAfterMs) return { action: 'refuse', why: 'root-expired' };
  if (nowMs < root.notBeforeMs || nowMs < issuing.notBeforeMs) return { action: 'refuse', why: 'clock-behind' };

  const dueAtMs = halfOfLife(issuing.notBeforeMs, issuing.notAfterMs);
  const leftMs = issuing.notAfterMs - nowMs;
  // Never more than a new one still has at half of its life: else each would be replaced as soon as it is made.
  const neededMs = Math.min(limits.maxTtlMs, limits.lifetimeMs / 2);
  if ((nowMs >= dueAtMs && !isAboutToBeReplaced(record)) || leftMs < neededMs) {
    const rootLeftMs = root.notAfterMs - nowMs;
    // One that lasts as long as the root does cannot be bettered: say so and go on with it.
    if (rootLeftMs < shortestLifeMs || issuing.notAfterMs >= root.notAfterMs) return { action: 'refuse', why: 'root-ending' };
    return { action: 'turn-over', why: leftMs <= 0 ? 'expired' : nowMs >= dueAtMs ? 'half-of-life' : 'too-short' };
  }

  if (record.rotation !== undefined) return { action: 'none', nextAtMs: Math.min(nowMs < dueAtMs ? dueAtMs : Infinity, issuing.notAfterMs - neededMs + 1) };
  const ended = endedAuthorities(record, limits, nowMs);
  if (ended.size > 0) return { action: 'drop', keyIdentifiers: ended };
  return { action: 'none', nextAtMs: Math.min(dueAtMs, issuing.notAfterMs - neededMs + 1, nextDropMs(record, limits)) };
}

/** Whether a rotation has prepared the next issuing authority: it takes over soon, and half a life is enough until then. */
function isAboutToBeReplaced({ rotation }: AuthorityRecord): boolean {
  return rotation?.what === 'Issuing' && rotation.switchedAtMs === undefined;
}

/** A retired issuing authority is needed until the last leaf it can have signed has ended. */
function dropAtMs(authority: AuthorityRecord['authorities'][number], limits: TurnoverLimits): number {
  if (authority.role !== 'Issuing' || authority.state !== 'Retiring') return Infinity;
  const lastLeafMs = (authority.retiredAtMs ?? authority.certificate.notAfterMs) + limits.leaseMs + longestTtlMs;
  return Math.min(authority.certificate.notAfterMs, lastLeafMs);
}

function endedAuthorities(record: AuthorityRecord, limits: TurnoverLimits, nowMs: number): ReadonlySet<string> {
  const ended = record.authorities.filter((authority) => nowMs > dropAtMs(authority, limits));
  return new Set(ended.map((authority) => authority.keyIdentifier));
}

function nextDropMs(record: AuthorityRecord, limits: TurnoverLimits): number {
  return Math.min(...record.authorities.map((authority) => dropAtMs(authority, limits) + 1));
}

function halfOfLife(notBeforeMs: number, notAfterMs: number): number {
  return notBeforeMs + (notAfterMs - notBeforeMs) / 2;
}

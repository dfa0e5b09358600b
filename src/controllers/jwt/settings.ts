import { resolvedTrustDomainSpec, type JwtSettings, type TrustDomain } from '../../resources/index.ts';
import type { JwtKeySettings } from '../../rotation/index.ts';
import { hintMaxSeconds, refreshHintSeconds } from '../federation/refresh-hint.ts';

/** Whoever fetches bundles has new keys after this many refresh hints (SPIFFE-30). */
const hintsToFetch = 5;
/** How long after a key came into the record the last replica shows it, and clocks may differ. */
const marginMs = 60_000;
/**
 * How long a new key is published before it signs, milliseconds: no reader keeps keys for longer, not even one that fetches through a
 * cache. By the longest hint that there is: readers go by the one that they were given when they fetched last, whatever it is now.
 */
const publishMs = (hintsToFetch + 1) * hintMaxSeconds * 1000 + marginMs;

/** How long a reader of keys may keep them, milliseconds: a refresh hint, which is how often readers of bundles come. */
export function keysKeptMs(object: TrustDomain): number {
  return refreshHintSeconds(object) * 1000;
}

/** How the keys of a trust domain turn over, and what its tokens are; undefined where it issues none. */
export function jwtSettingsOf(object: TrustDomain): (JwtKeySettings & JwtSettings) | undefined {
  const { jwt } = resolvedTrustDomainSpec(object);
  return jwt && { ...jwt, publishMs };
}

import { activeJwtAuthority, isNotedJwtAuthority, isShownJwtAuthority, type JwtAlgorithm, type JwtAuthorities, type JwtAuthority } from '../authority/index.ts';

/** How the keys of a trust domain that issues JWT-SVIDs turn over. */
export interface JwtKeySettings {
  readonly algorithm: JwtAlgorithm;
  /** How long a key signs, milliseconds. */
  readonly keyLifetimeMs: number;
  /** How long a key is published before it signs: no reader keeps keys for longer (SPIFFE-30). Milliseconds. */
  readonly publishMs: number;
}

/** What is known of the keys. */
export interface ObservedJwtAuthorities {
  /** As the record has them. */
  readonly jwt: JwtAuthorities | undefined;
  /** As readers and signers of this process have them; undefined: it shows none yet. */
  readonly shown: JwtAuthorities | undefined;
  /** The highest sequence that status says readers were shown; 0 when it says nothing. */
  readonly seenSequence: number;
  /** Keys that somebody has said are not to be trusted any more, by their names. */
  readonly distrusted?: ReadonlySet<string>;
}

/** What the keys need next. */
export type JwtPlan =
  | { readonly action: 'none'; readonly nextAtMs: number | undefined }
  /** The record is older than what readers have seen. */
  | { readonly action: 'restart' }
  | { readonly action: 'distrust'; readonly keyIdentifiers: ReadonlySet<string> }
  | { readonly action: 'note' }
  | { readonly action: 'withdraw' }
  | { readonly action: 'drop'; readonly keyIdentifiers: ReadonlySet<string> }
  | { readonly action: 'prepare'; readonly why: 'first' | 'age' | 'algorithm' }
  | { readonly action: 'activate' };

/** The longest that any token lives, milliseconds: how long a key that has signed stays published. */
export const tokenLifeMaxMs = 3_600_000;
/** What is added to it: verifiers' leeway, and a replica that signs until its lease has run out. */
const tokenMarginMs = 2 * 60_000;
/** The part of its life before the end at which the next key is published, for readers who keep keys longer than they are told. */
const leadPart = 0.25;
/** How long until a change that is not shown yet is looked for again. */
const lookAgainMs = 1_000;

/**
 * Decides what to do about the JWT authorities of one trust domain. Pure. A key signs once it has been published for as long as any
 * reader may keep the keys from before; it stays published until the last token that it signed has ended.
 * @param settings undefined: the trust domain issues no JWT-SVIDs
 */
export function planJwtAuthorities({ jwt, shown, seenSequence, distrusted }: ObservedJwtAuthorities, settings: JwtKeySettings | undefined, nowMs: number): JwtPlan {
  if (seenSequence > (jwt?.sequence ?? 0)) return { action: 'restart' };
  const keys = jwt?.keys ?? [];
  const stolen = keys.filter(({ keyIdentifier }) => distrusted?.has(keyIdentifier) === true);
  if (stolen.length > 0) return { action: 'distrust', keyIdentifiers: new Set(stolen.map(({ keyIdentifier }) => keyIdentifier)) };
  const unnoted = keys.filter((key) => !isNotedJwtAuthority(key, nowMs));
  if (unnoted.some((key) => isShownJwtAuthority(key, shown))) return { action: 'note' };
  const ended = keys.filter((key) => isNotedJwtAuthority(key, nowMs) && nowMs > dropAtMs(key));
  if (ended.length > 0) return { action: 'drop', keyIdentifiers: new Set(ended.map(({ keyIdentifier }) => keyIdentifier)) };
  const plan = settings === undefined ? withoutTokens(keys) : planSigner(jwt, settings, nowMs);
  if (plan.action !== 'none') return plan;
  const next = [plan.nextAtMs, ...(unnoted.length > 0 ? [nowMs + lookAgainMs] : []), ...keys.map(dropAtMs)].filter((atMs): atMs is number => atMs !== undefined && Number.isFinite(atMs));
  return { action: 'none', nextAtMs: next.length === 0 ? undefined : Math.min(...next.map((atMs) => Math.max(atMs, nowMs + 1))) };
}

/** When the prepared key may sign, milliseconds since the epoch; undefined while it is not known to be published, or there is none. */
export function jwtAuthorityReadyAtMs(jwt: JwtAuthorities | undefined, publishMs: number): number | undefined {
  const publishedAtMs = preparedOf(jwt)?.publishedAtMs;
  return publishedAtMs === undefined ? undefined : publishedAtMs + publishMs;
}

/**
 * When the next key signs, milliseconds since the epoch, as far as it is known: what signs until then is the active key, if there is one.
 * @param keys of one trust domain
 */
export function jwtTurnOverAtMs(keys: readonly JwtAuthority[], { algorithm, keyLifetimeMs, publishMs }: JwtKeySettings): number | undefined {
  const active = keys.find(({ state }) => state === 'Active');
  const endMs = active?.activatedAtMs === undefined || active.algorithm !== algorithm ? undefined : active.activatedAtMs + keyLifetimeMs;
  const publishedAtMs = keys.find(({ state }) => state === 'Prepared')?.publishedAtMs;
  return publishedAtMs === undefined ? endMs : Math.max(publishedAtMs + publishMs, endMs ?? 0);
}

function withoutTokens(keys: readonly JwtAuthority[]): JwtPlan {
  return keys.some(({ state }) => state !== 'Retiring') ? { action: 'withdraw' } : { action: 'none', nextAtMs: undefined };
}

function planSigner(jwt: JwtAuthorities | undefined, settings: JwtKeySettings, nowMs: number): JwtPlan {
  const { algorithm, keyLifetimeMs, publishMs } = settings;
  const active = activeJwtAuthority(jwt);
  const prepared = preparedOf(jwt);
  if (prepared !== undefined && prepared.algorithm !== algorithm) return { action: 'prepare', why: 'algorithm' };
  const endMs = active?.algorithm === algorithm ? (active.activatedAtMs ?? nowMs) + keyLifetimeMs : nowMs;
  const prepareAtMs = endMs - Math.max(publishMs, leadPart * keyLifetimeMs);
  if (prepared === undefined) {
    if (nowMs < prepareAtMs) return { action: 'none', nextAtMs: prepareAtMs };
    return { action: 'prepare', why: active === undefined ? 'first' : active.algorithm === algorithm ? 'age' : 'algorithm' };
  }
  const readyAtMs = jwtAuthorityReadyAtMs(jwt, publishMs);
  if (readyAtMs === undefined || !isNotedJwtAuthority(prepared, nowMs)) return { action: 'none', nextAtMs: undefined };
  const activateAtMs = Math.max(readyAtMs, endMs);
  return nowMs >= activateAtMs ? { action: 'activate' } : { action: 'none', nextAtMs: activateAtMs };
}

function preparedOf(jwt: JwtAuthorities | undefined): JwtAuthority | undefined {
  return jwt?.keys.find(({ state }) => state === 'Prepared');
}

function dropAtMs({ state, retiredAtMs }: JwtAuthority): number {
  return state === 'Retiring' && retiredAtMs !== undefined ? retiredAtMs + tokenLifeMaxMs + tokenMarginMs : Infinity;
}

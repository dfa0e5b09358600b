import { jwkOf, jwtKeyAlgorithm } from './jwt-codec.ts';
import type { AuthorityTools } from './change.ts';
import type { AuthorityRecord, JwtAlgorithm, JwtAuthorities, JwtAuthority } from './record.ts';

/**
 * Changes of the JWT authorities in a record, each a function from one record to the next. Two times are never taken from the
 * moment of a decision, but noted once the change is seen to be in force: when a key was published, and when one signs no more.
 * A write that takes an hour, or a process that is paused before it, makes them later and never earlier than the truth.
 */

const none: JwtAuthorities = { sequence: 0, keys: [] };

/**
 * The record of a trust domain that nobody has seen yet, with a key that signs at once: no reader can hold a set of keys
 * without it.
 */
export async function withFirstJwtAuthority(record: AuthorityRecord, algorithm: JwtAlgorithm, nowMs: number, tools: AuthorityTools): Promise<AuthorityRecord> {
  if (record.jwt !== undefined) throw new Error('invariant broken: the first JWT authority is made with its trust domain');
  const key: JwtAuthority = { ...(await makeKey(algorithm, tools)), state: 'Active', publishedAtMs: nowMs, activatedAtMs: nowMs };
  return { ...record, jwt: { sequence: 1, keys: [key] } };
}

/** A new key, Prepared; one that was prepared before and has not signed makes room. */
export async function prepareJwtAuthority(record: AuthorityRecord, algorithm: JwtAlgorithm, tools: AuthorityTools): Promise<AuthorityRecord> {
  const { sequence, keys } = record.jwt ?? none;
  const kept = keys.filter(({ state }) => state !== 'Prepared');
  return { ...record, jwt: { sequence: sequence + 1, keys: [...kept, await makeKey(algorithm, tools)] } };
}

/** Whether it is known since when the state of a key is in force. */
export function isNotedJwtAuthority({ state, publishedAtMs, activatedAtMs, retiredAtMs }: JwtAuthority, nowMs: number): boolean {
  const times = state === 'Retiring' ? [retiredAtMs] : state === 'Active' ? [publishedAtMs, activatedAtMs] : [publishedAtMs];
  // One that was noted while the clock was ahead does not count: nobody knows how long ago that was.
  return times.every((atMs) => atMs !== undefined && atMs <= nowMs);
}

/** Whether what is shown to readers and signers has come as far as the record, for this key. */
export function isShownJwtAuthority({ keyIdentifier, state }: JwtAuthority, shown: JwtAuthorities | undefined): boolean {
  const there = shown?.keys.find((key) => key.keyIdentifier === keyIdentifier);
  return state === 'Retiring' ? shown !== undefined && there?.state !== 'Active' : there !== undefined;
}

/** Notes the time for every key whose state is shown. @param shown what readers and signers of this process have */
export function noteJwtAuthorities(record: AuthorityRecord, shown: JwtAuthorities | undefined, nowMs: number): AuthorityRecord {
  return withKeys(record, (key) => {
    if (isNotedJwtAuthority(key, nowMs) || !isShownJwtAuthority(key, shown)) return key;
    if (key.state === 'Retiring') return { ...key, retiredAtMs: nowMs };
    return { ...key, publishedAtMs: nowMs, ...(key.state === 'Active' ? { activatedAtMs: nowMs } : {}) };
  });
}

/** The prepared key takes over; the one before loses its private half at once. */
export function activateJwtAuthority(record: AuthorityRecord, nowMs: number): AuthorityRecord {
  const prepared = record.jwt?.keys.find(({ state }) => state === 'Prepared');
  if (prepared?.publishedAtMs === undefined) throw new Error('invariant broken: a JWT authority signs once it was published');
  return withKeys(record, (key) => (key === prepared ? { ...key, state: 'Active', activatedAtMs: nowMs } : retired(key)));
}

/** Nothing is signed any more: tokens that live can be verified until they end. */
export function withdrawJwtAuthorities(record: AuthorityRecord): AuthorityRecord {
  const { sequence, keys } = record.jwt ?? none;
  const kept = keys.filter(({ state }) => state !== 'Prepared');
  return withKeys({ ...record, jwt: { sequence: sequence + (kept.length === keys.length ? 0 : 1), keys: kept } }, retired);
}

/**
 * Begins anew above `seenSequence`: the record is older than what readers have seen, so that which keys they hold is not known.
 * None of its keys signs again; a new one is prepared next.
 */
export function restartJwtAuthorities(record: AuthorityRecord, seenSequence: number): AuthorityRecord {
  const withdrawn = withdrawJwtAuthorities(record).jwt ?? none;
  return { ...record, jwt: { sequence: Math.max(seenSequence, withdrawn.sequence) + 1, keys: withdrawn.keys } };
}

/** The record without keys that somebody else may hold, whatever depends on them. */
export function distrustJwtAuthorities(record: AuthorityRecord, keyIdentifiers: ReadonlySet<string>): AuthorityRecord {
  const { sequence, keys } = record.jwt ?? none;
  return { ...record, jwt: { sequence: sequence + 1, keys: keys.filter(({ keyIdentifier }) => !keyIdentifiers.has(keyIdentifier)) } };
}

/** The record without keys that nothing depends on any more. */
export function dropJwtAuthorities(record: AuthorityRecord, keyIdentifiers: ReadonlySet<string>): AuthorityRecord {
  const isNeeded = record.jwt?.keys.some(({ keyIdentifier, state }) => keyIdentifiers.has(keyIdentifier) && state !== 'Retiring');
  if (isNeeded === true) throw new Error('invariant broken: only a Retiring JWT authority may be dropped');
  return distrustJwtAuthorities(record, keyIdentifiers);
}

function withKeys(record: AuthorityRecord, change: (key: JwtAuthority) => JwtAuthority): AuthorityRecord {
  const { sequence, keys } = record.jwt ?? none;
  return { ...record, jwt: { sequence, keys: keys.map(change) } };
}

function retired(key: JwtAuthority): JwtAuthority {
  return key.state === 'Active' ? { ...key, state: 'Retiring', privateKeyPem: undefined } : key;
}

async function makeKey(algorithm: JwtAlgorithm, tools: AuthorityTools): Promise<JwtAuthority> {
  const pair = await tools.generateKeyPair(jwtKeyAlgorithm(algorithm));
  const { keyIdentifier, spki } = pair.publicKey;
  const untold = { publishedAtMs: undefined, activatedAtMs: undefined, retiredAtMs: undefined };
  return { keyIdentifier, algorithm, state: 'Prepared', spki, jwk: jwkOf(spki), privateKeyPem: pair.privateKeyPem(), ...untold };
}

import { MtlsdError } from '../errors/index.ts';
import { freshForMs, retryAfterMs } from './freshness.ts';
import { readKeySet, type KeySet, type KeyUse } from './key-set.ts';

/** An answer of an issuer's server, its body read up to the bound. */
export interface FetchedDocument {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/**
 * Gets a document: GET without credentials, redirects not followed, a body of at most `bytesMax`, all within `timeoutMs`.
 * @throws MtlsdError TOKEN_KEYS_UNAVAILABLE when there is no answer, or one that breaks a bound
 */
export type FetchDocument = (url: string, bounds: { readonly bytesMax: number; readonly timeoutMs: number }) => Promise<FetchedDocument>;

/** Where an issuer publishes its keys: a key set, or the discovery document that names it (OpenID Connect Discovery 1.0 §4). */
export type KeySetPlace = { readonly kind: 'url'; readonly url: string; readonly use?: KeyUse } | { readonly kind: 'discovery'; readonly issuer: string };

/** The keys of an issuer as they were just fetched. */
export interface FetchedKeySet {
  readonly keySet: KeySet;
  readonly freshForMs: number;
}

const bounds = { bytesMax: 256 * 1024, timeoutMs: 5_000 } as const;

/** Fetches the key set of an issuer, every answer checked. @throws MtlsdError TOKEN_KEYS_UNAVAILABLE, with `retryAfterMs` where the server said so */
export async function fetchKeySet(place: KeySetPlace, fetchDocument: FetchDocument, nowMs: number): Promise<FetchedKeySet> {
  const url = place.kind === 'url' ? place.url : await discover(place.issuer, fetchDocument, nowMs);
  const answer = await fetchJson(url, fetchDocument, nowMs);
  const keySet = readKeySet(answer.body, place.kind === 'url' ? place.use : undefined);
  if (keySet === undefined) throw unavailable(`${url} is no key set: an object with a list of keys (RFC 7517 §5)`);
  if (keySet.keys.length === 0 && keySet.dropped.length > 0) throw unavailable(`${url} has no key that can be used (${keySet.dropped.slice(0, 3).join('; ')})`);
  return { keySet, freshForMs: freshForMs(answer.headers['cache-control'], answer.headers['age']) };
}

async function discover(issuer: string, fetchDocument: FetchDocument, nowMs: number): Promise<string> {
  const url = `${issuer.replace(/\/$/u, '')}/.well-known/openid-configuration`;
  const document = asObject((await fetchJson(url, fetchDocument, nowMs)).body);
  if (document === undefined) throw unavailable(`${url} is no JSON object`);
  if (document['issuer'] !== issuer) throw unavailable(`${url} is that of another issuer: its issuer must be ${issuer} to the letter`);
  const keys = document['jwks_uri'];
  if (typeof keys !== 'string' || !URL.canParse(keys)) throw unavailable(`${url} names no jwks_uri`);
  if (new URL(keys).protocol !== new URL(issuer).protocol) throw unavailable(`${url} names a jwks_uri that is not ${new URL(issuer).protocol}`);
  return keys;
}

/** RFC 7517 §8.5.2 names the type of a key set; most servers say application/json. */
const jsonTypes = ['application/json', 'application/jwk-set+json'] as const;

async function fetchJson(url: string, fetchDocument: FetchDocument, nowMs: number): Promise<FetchedDocument> {
  const answer = await fetchDocument(url, bounds);
  const { status, headers } = answer;
  if (status >= 300 && status < 400) throw unavailable(`${url} redirects, and redirects are not followed: configure the address that it leads to`);
  if (status !== 200) throw unavailable(`${url} answers ${status}`, retryAfterMs(headers['retry-after'], nowMs));
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (!jsonTypes.some((known) => known === type)) throw unavailable(`${url} answers with ${type === undefined ? 'no content type' : 'another content type'}: ${jsonTypes.join(' or ')} is expected`);
  return answer;
}

function unavailable(message: string, retryAfter?: number): MtlsdError<'TOKEN_KEYS_UNAVAILABLE'> {
  return new MtlsdError('TOKEN_KEYS_UNAVAILABLE', message, retryAfter === undefined ? {} : { retryAfterMs: retryAfter });
}

function asObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

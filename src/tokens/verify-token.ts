import { judgeClaims, trustDomainOf } from './claims.ts';
import { readCompact } from './compact.ts';
import { isRefusal, refused, type Refusal, type TokenDecision } from './decision.ts';
import type { TokenKey, WantedKey } from './key-set.ts';
import { tokenLimits, type IssuerRules, type TokenAlgorithm } from './rules.ts';
import { isSignedBy } from './signature.ts';

/** Which keys may have signed a token. */
export type KeysFound =
  /** The keys to try: several when the issuer gives two of them one name, or the token names none. */
  | { readonly kind: 'found'; readonly keys: readonly TokenKey[] }
  /** The issuer has no such key. */
  | { readonly kind: 'unknown' }
  /** The keys of the issuer are not at hand now. */
  | { readonly kind: 'unavailable'; readonly why: string; readonly retryAfterMs: number };

/** Where the keys of an issuer come from. */
export interface KeySource {
  find(wanted: WantedKey, nowMs: number): KeysFound | Promise<KeysFound>;
}

/** An issuer that is trusted: its rules, and its keys. */
export interface TrustedIssuer {
  readonly rules: IssuerRules;
  readonly keys: KeySource;
}

/** Trying more would make one token as dear as many. */
const keysTriedMax = 4;

/** Header members that change what is signed or how it is read: not understood here, so refused (RFC 7515 §4.1.11). */
const strangeMembers = ['crit', 'b64', 'zip', 'enc'] as const;

/**
 * Judges a token (a compact JWS with JWT claims) by the rules of its issuer. Strict: the algorithm comes from the rules' list
 * and is checked first (RFC 8725 §3.1); keys come from the issuer's key set alone, never from the token (`jwk`, `jku`, `x5u`,
 * `x5c` are not looked at). A refusal is a value, and nothing in it repeats the token.
 * @param issuers by the exact text of `iss`
 * @param nowMs milliseconds since the epoch
 */
export async function verifyToken(token: string, issuers: ReadonlyMap<string, TrustedIssuer>, nowMs: number): Promise<TokenDecision> {
  const read = readCompact(token);
  if (isRefusal(read)) return read;
  const { iss, sub } = read.claims;
  const issuer = typeof iss === 'string' ? issuers.get(iss) : iss === undefined ? issuerOfSvid(sub, issuers) : undefined;
  if (issuer === undefined && iss === undefined) return refused('claim-missing', 'it has no iss claim: nobody knows who made it');
  if (issuer === undefined) return refused('issuer-unknown', 'its issuer is not among those that are trusted here');
  const algorithm = issuer.rules.algorithms.find((each) => each === read.header['alg']);
  if (algorithm === undefined) return refused('algorithm-not-allowed', `its algorithm is not among ${issuer.rules.algorithms.join(', ')}`);
  const wrongHeader = judgeHeader(read.header, issuer.rules);
  if (wrongHeader !== undefined) return wrongHeader;
  const kid = read.header['kid'] as string | undefined;
  const found = await issuer.keys.find({ kid, algorithm }, nowMs);
  if (found.kind !== 'found') return withoutKeys(found);
  if (!(await signedByOneOf(token, found.keys, algorithm))) return refused('signature-wrong', 'its signature is wrong');
  return judgeClaims(read.claims, issuer.rules, nowMs);
}

/** A JWT-SVID needs no `iss` (SPIFFE-28): its trust domain made it, where that is among the issuers by its SPIFFE ID. */
function issuerOfSvid(sub: unknown, issuers: ReadonlyMap<string, TrustedIssuer>): TrustedIssuer | undefined {
  const trustDomain = typeof sub === 'string' ? trustDomainOf(sub) : undefined;
  const issuer = trustDomain === undefined ? undefined : issuers.get(`spiffe://${trustDomain}`);
  return issuer?.rules.trustDomain === trustDomain ? issuer : undefined;
}

function judgeHeader(header: Readonly<Record<string, unknown>>, rules: IssuerRules): Refusal | undefined {
  const { kid, typ } = header;
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > tokenLimits.kidLengthMax)) return refused('malformed', `its kid is no text of at most ${tokenLimits.kidLengthMax} characters`);
  if (typ !== undefined && typeof typ !== 'string') return refused('malformed', 'its typ is no text');
  const strange = strangeMembers.filter((name) => Object.hasOwn(header, name));
  if (strange.length > 0) return refused('header-not-understood', `its header has ${strange.join(', ')}, which is not understood here`);
  if (rules.types.some((wanted) => plainType(wanted) === plainType(typ))) return undefined;
  return refused('type-not-allowed', `its typ is not among ${rules.types.map((type) => type ?? '(none)').join(', ')}`);
}

/** RFC 7515 §4.1.9: case does not count, and `application/` is understood where there is no other slash. */
function plainType(type: string | undefined): string | undefined {
  const lower = type?.toLowerCase();
  return lower?.startsWith('application/') === true ? lower.slice('application/'.length) : lower;
}

function withoutKeys(found: Exclude<KeysFound, { kind: 'found' }>): Refusal {
  if (found.kind === 'unknown') return refused('key-unknown', 'its issuer publishes no key of that name for that algorithm');
  return { ...refused('keys-unavailable', `the keys of its issuer cannot be had: ${found.why}`), retryAfterMs: found.retryAfterMs };
}

async function signedByOneOf(token: string, keys: readonly TokenKey[], algorithm: TokenAlgorithm): Promise<boolean> {
  for (const { publicKey } of keys.slice(0, keysTriedMax)) if (await isSignedBy(publicKey, token, algorithm)) return true;
  return false;
}

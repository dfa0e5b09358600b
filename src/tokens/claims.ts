import { isMtlsdError } from '../errors/index.ts';
import { parseSpiffeId } from '../spiffe/index.ts';
import { isRefusal, refused, type Accepted, type Refusal, type TokenDecision } from './decision.ts';
import { tokenLimits, type IssuerRules } from './rules.ts';

type Claims = Readonly<Record<string, unknown>>;

/** Judges the claims of a token whose signature is right (RFC 7519 §4.1, RFC 8725 §3). @param nowMs milliseconds since the epoch */
export function judgeClaims(claims: Claims, rules: IssuerRules, nowMs: number): TokenDecision {
  const times = readTimes(claims);
  if (isRefusal(times)) return times;
  const subject = claims['sub'];
  if (subject === undefined) return refused('claim-missing', 'it has no sub claim: nobody knows whom it stands for');
  if (typeof subject !== 'string' || subject === '') return refused('claim-malformed', 'its sub claim is no text');
  if (rules.trustDomain !== undefined && trustDomainOf(subject) !== rules.trustDomain) return refused('claim-wrong', `its sub claim is no SPIFFE ID of trust domain ${rules.trustDomain}`);
  const scopes = readScopes(claims);
  return (
    judgeTimes(times, rules, nowMs) ??
    judgeAudience(claims['aud'], rules) ??
    (isRefusal(scopes) ? scopes : judgeScopes(scopes, rules)) ??
    judgeRequired(claims, rules) ??
    accepted(claims, rules, subject, scopes as readonly string[], times.exp)
  );
}

/** The trust domain of the SPIFFE ID of a workload; undefined for a text that is none, and for the ID of a trust domain itself. */
export function trustDomainOf(text: string): string | undefined {
  try {
    const { trustDomain, path } = parseSpiffeId(text);
    return path === '' ? undefined : trustDomain;
  } catch (error) {
    if (!isMtlsdError(error, 'SPIFFE_ID_INVALID')) throw error;
    return undefined;
  }
}

function accepted(claims: Claims, rules: IssuerRules, subject: string, scopes: readonly string[], exp: number): Accepted {
  return { accepted: true, issuer: rules.issuer, subject, scopes, expiresAtMs: exp * 1000, claims };
}

interface Times {
  readonly exp: number;
  readonly nbf: number | undefined;
  readonly iat: number | undefined;
}

/** NumericDate (RFC 7519 §2): seconds, which may have a fraction. */
function readTimes(claims: Claims): Times | Refusal {
  const found: { [name in 'exp' | 'nbf' | 'iat']: number | undefined } = { exp: undefined, nbf: undefined, iat: undefined };
  for (const name of ['exp', 'nbf', 'iat'] as const) {
    const value = claims[name];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0 || value > 253_402_300_799) return refused('claim-malformed', `its ${name} claim is no time in seconds since 1970`);
    found[name] = value;
  }
  if (found.exp === undefined) return refused('claim-missing', 'it has no exp claim: it would be valid for ever');
  return { ...found, exp: found.exp };
}

function judgeTimes({ exp, nbf, iat }: Times, rules: IssuerRules, nowMs: number): Refusal | undefined {
  const now = nowMs / 1000;
  const tolerance = rules.clockToleranceMs / 1000;
  // RFC 7519 §4.1.4: at exp it is expired already.
  if (now >= exp + tolerance) return refused('expired', `it expired ${seconds(now - exp)} ago`);
  if (nbf !== undefined && now < nbf - tolerance) return refused('not-yet-valid', `it is valid in ${seconds(nbf - now)}: compare the clocks of issuer and verifier`);
  if (iat !== undefined && now < iat - tolerance) return refused('issued-in-the-future', `it was issued ${seconds(iat - now)} in the future: compare the clocks of issuer and verifier`);
  if (rules.maxLifetimeMs === undefined) return undefined;
  const start = iat ?? nbf;
  if (start === undefined) return refused('claim-missing', 'it has neither iat nor nbf: how long it lives cannot be judged');
  if (exp - start > rules.maxLifetimeMs / 1000) return refused('lives-too-long', `it lives ${seconds(exp - start)}: ${seconds(rules.maxLifetimeMs / 1000)} are the limit`);
  return undefined;
}

function judgeAudience(aud: unknown, rules: IssuerRules): Refusal | undefined {
  if (aud === undefined) return refused('claim-missing', 'it has no aud claim: it was made for nobody');
  const list = Array.isArray(aud) ? aud : [aud];
  if (list.length === 0 || list.length > tokenLimits.audiencesMax || !list.every((each) => typeof each === 'string')) {
    return refused('claim-malformed', `its aud claim is neither a text nor a list of 1 to ${tokenLimits.audiencesMax} texts`);
  }
  if (rules.audiences.some((audience) => list.includes(audience))) return undefined;
  return refused('audience-wrong', `it was made for somebody else: its aud claim holds none of ${rules.audiences.join(', ')}`);
}

/** `scope` is one text with spaces (RFC 9068 §2.2.3); `scp` is what some issuers write instead, as a text or a list. */
function readScopes(claims: Claims): readonly string[] | Refusal {
  const value = claims['scope'] ?? claims['scp'];
  if (value === undefined) return [];
  if (typeof value === 'string') return value.split(' ').filter((scope) => scope !== '');
  if (Array.isArray(value) && value.every((scope) => typeof scope === 'string')) return value;
  return refused('claim-malformed', 'its scope claim is neither a text nor a list of texts');
}

function judgeScopes(scopes: readonly string[], rules: IssuerRules): Refusal | undefined {
  const missing = rules.scopes.filter((scope) => !scopes.includes(scope));
  return missing.length === 0 ? undefined : refused('scope-missing', `it lacks ${missing.length === 1 ? 'the scope' : 'the scopes'} ${missing.join(', ')}`);
}

function judgeRequired(claims: Claims, rules: IssuerRules): Refusal | undefined {
  for (const { path, values } of rules.requiredClaims) {
    const name = path.join('.');
    const value = path.reduce<unknown>(ownMember, claims);
    if (value === undefined) return refused('claim-missing', `it has no claim ${name}`);
    const held: readonly unknown[] = Array.isArray(value) ? value : [value];
    const missing = values.filter((wanted) => !held.includes(wanted));
    if (missing.length > 0) return refused('claim-wrong', `its claim ${name} does not hold ${missing.join(', ')}`);
  }
  return undefined;
}

function ownMember(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Claims)[name] : undefined;
}

function seconds(count: number): string {
  return `${Math.ceil(count)} s`;
}

import type { SpiffeId } from '../spiffe/index.ts';
import { attempt, externalSpiffeId, spiffeIdOf, type Denial, type ExternalRequest, type IdentityRequest, type IssuancePolicy } from './policy.ts';

/** What a trust domain allows of tokens. */
export interface TokenPolicy extends Pick<IssuancePolicy, 'trustDomain' | 'pathTemplate'> {
  /** How long tokens live, and the longest that may be asked for. Milliseconds. */
  readonly ttlMs: number;
}

/** Whom a token is to stand for. Where the names come from is as for certificates: an object that grants them, or verified claims. */
export type TokenSubject =
  | ({ readonly kind: 'service-account' } & Pick<IdentityRequest, 'namespace' | 'serviceAccountName'>)
  | ({ readonly kind: 'external' } & Pick<ExternalRequest, 'entry' | 'segments'>);

/** What is asked for. */
export interface TokenRequest {
  readonly subject: TokenSubject;
  readonly audience: readonly string[];
  /** Undefined: as long as the trust domain says. */
  readonly ttlMs: number | undefined;
}

declare const granted: unique symbol;

/** What was granted. Only `decideToken` makes one. */
export interface TokenGrant {
  readonly [granted]: true;
  readonly spiffeId: SpiffeId;
  /** One at least, each once. */
  readonly audience: readonly string[];
  readonly ttlMs: number;
}

/** A denial is a value and holds all reasons. */
export type TokenDecision = { readonly granted: true; readonly grant: TokenGrant } | { readonly granted: false; readonly denials: readonly Denial[] };

/** The shortest that a token lives: what is shorter ends on its way. */
const ttlMinMs = 60_000;
const audiencesMax = 16;
/** Visible ASCII: what every verifier compares alike. */
const audiencePattern = /^[\x21-\x7e]{1,255}$/u;

/** Decides about a token against the policy of its trust domain. */
export function decideToken({ subject, audience, ttlMs: askedMs }: TokenRequest, policy: TokenPolicy): TokenDecision {
  const denials: Denial[] = [...audienceDenials(audience)];
  const spiffeId = attempt(denials, subject.kind === 'external' ? 'the claims of the token' : 'spec.serviceAccountName', () => (subject.kind === 'external' ? externalSpiffeId(subject, policy) : spiffeIdOf(subject, policy)));
  const ttlMs = askedMs ?? policy.ttlMs;
  if (ttlMs > policy.ttlMs) denials.push({ field: 'ttl', message: `${ttlMs / 1000}s is longer than the ${policy.ttlMs / 1000}s that trust domain ${policy.trustDomain} gives tokens (spec.jwt.ttl): ask for at most that` });
  if (ttlMs < ttlMinMs) denials.push({ field: 'ttl', message: `${ttlMs / 1000}s is shorter than ${ttlMinMs / 1000}s, which a token lives at least: ask for that` });
  if (spiffeId === undefined || denials.length > 0) return { granted: false, denials };
  return { granted: true, grant: { spiffeId, audience: [...audience], ttlMs } as unknown as TokenGrant };
}

/** SPIFFE-28: a token names who may take it. Places, not names: what a stranger wrote is not repeated. */
function* audienceDenials(audience: readonly string[]): Generator<Denial> {
  if (audience.length === 0 || audience.length > audiencesMax) yield { field: 'audience', message: `a token is for 1 to ${audiencesMax} audiences, not for ${audience.length}` };
  for (const [index, name] of audience.slice(0, audiencesMax).entries()) {
    if (!audiencePattern.test(name)) yield { field: `audience[${index}]`, message: 'an audience has 1 to 255 visible ASCII characters and no space' };
    if (audience.indexOf(name) < index) yield { field: `audience[${index}]`, message: 'it is there already: name each audience once' };
  }
}

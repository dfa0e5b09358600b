import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditLog } from '../audit/index.ts';
import type { Clock } from '../telemetry/index.ts';
import { verifyToken, type Accepted, type Refusal, type TokenDecision } from '../tokens/index.ts';
import { bearerToken } from './bearer-token.ts';
import { gatewayOf } from './gateway-peers.ts';
import { Refused } from './problem.ts';

/** What forward authorisation decides by. */
export interface AuthorizeSources {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly audit: AuditLog;
  /** Counts a decision: `accepted`, or why not. */
  counted(outcome: string): void;
}

/**
 * The headers by which a gateway tells the application who calls. Every answer has all of them, empty where there is nothing
 * to tell, so that a gateway which copies them overwrites whatever a caller sent under these names.
 */
const identityHeaders = ['x-auth-subject', 'x-auth-issuer', 'x-auth-scopes', 'x-auth-expires'] as const;

/** Begins an answer that tells of nobody, which nobody may keep. */
export function tellNobody(reply: FastifyReply): void {
  for (const name of identityHeaders) reply.header(name, '');
  reply.header('cache-control', 'no-store');
}

/**
 * `GET /v1/authorize`: a gateway asks whether the token of the request that it holds is acceptable. 200 with who it is, 401
 * for a token that is missing or wrong, 403 for one that lacks a scope or claim (RFC 6750 §3.1), 503 when the keys of its
 * issuer cannot be had. By which rules is a matter of the gateway's own SVID and of the configuration: nothing in the request
 * chooses them. Envoy asks with the method of its caller's request, and appends that one's path: it is answered alike.
 */
export function authorizeRoute(server: FastifyInstance, sources: AuthorizeSources): void {
  const { clock, audit } = sources;
  const judge = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { spiffeId, issuers } = gatewayOf(request);
    const bearer = bearerToken(request);
    const decision: TokenDecision = bearer.kind === 'token' ? await verifyToken(bearer.token, issuers, clock.nowMs()) : withoutToken[bearer.kind];
    sources.counted(decision.accepted ? 'accepted' : decision.reason);
    if (decision.accepted) {
      audit.count?.({ decision: 'verified', who: spiffeId });
      return accept(reply, decision);
    }
    // Bearer tokens are missing all the time; a refusal is a decision about one that was there.
    if (bearer.kind === 'missing') throw new Refused('TOKEN_MISSING', decision.message);
    audit.record({ decision: 'token-refused', object: 'Token', spiffeId, reason: decision.reason });
    throw asProblem(decision);
  };
  const config = { access: { rule: 'gateway', object: 'Token' } } as const;
  server.get('/v1/authorize', { config }, judge);
  server.all('/v1/authorize/*', { config }, judge);
}

const withoutToken: Readonly<Record<'missing' | 'malformed', Refusal>> = {
  missing: { accepted: false, reason: 'malformed', message: 'there is no bearer token' },
  malformed: { accepted: false, reason: 'malformed', message: 'the Authorization header is not a single bearer token' },
};

function accept(reply: FastifyReply, { subject, issuer, scopes, expiresAtMs }: Accepted): FastifyReply {
  return reply
    .header('x-auth-subject', headerText(subject))
    .header('x-auth-issuer', headerText(issuer))
    .header('x-auth-scopes', scopes.map(headerText).join(' '))
    .header('x-auth-expires', String(Math.floor(expiresAtMs / 1000)))
    .code(200)
    .send();
}

function asProblem({ reason, message, retryAfterMs }: Refusal): Refused {
  if (reason === 'keys-unavailable') return new Refused('TOKEN_KEYS_UNAVAILABLE', 'the keys of the issuer of this token cannot be had now', { retryAfterMs, reason });
  // Whom it stands for is known then; another token of the same caller would not help (RFC 6750 §3.1).
  const lacks = reason === 'scope-missing' || reason === 'claim-wrong';
  return new Refused(lacks ? 'TOKEN_NOT_SUFFICIENT' : 'TOKEN_REFUSED', message, { reason });
}

/** Printable ASCII without blanks and percent signs stands as it is; every other character is percent-encoded UTF-8: no value can break out of its header. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x21-\x24\x26-\x7e]/gu, (character) => [...Buffer.from(character, 'utf8')].map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`).join(''));
}

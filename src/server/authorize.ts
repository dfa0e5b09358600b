import type { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { AuditLog } from '../audit/index.ts';
import type { Clock } from '../telemetry/index.ts';
import { verifyToken, type Accepted, type Refusal, type TokenDecision, type TrustedIssuer } from '../tokens/index.ts';
import { bearerToken } from './bearer-token.ts';
import type { PeerIdentities } from './peer-identity.ts';
import { sendProblem } from './problem.ts';

/** What forward authorisation decides by. */
export interface AuthorizeSources {
  readonly peers: PeerIdentities;
  /** The issuers that a gateway's rules trust, by `iss`; undefined when the configuration does not name this SPIFFE ID. */
  issuersFor(spiffeId: string): ReadonlyMap<string, TrustedIssuer> | undefined;
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

/**
 * `GET /v1/authorize`: a gateway asks whether the token of the request that it holds is acceptable. 200 with who it is, 401
 * for a token that is missing or wrong, 403 for one that lacks a scope or claim (RFC 6750 §3.1), 503 when the keys of its
 * issuer cannot be had. By which rules is a matter of the gateway's own SVID and of the configuration: nothing in the request
 * chooses them.
 */
export function authorizeRoute(server: FastifyInstance, sources: AuthorizeSources): void {
  server.get('/v1/authorize', { config: { access: { rule: 'gateway', object: 'Token' } } }, async (request, reply) => {
    for (const name of identityHeaders) reply.header(name, '');
    reply.header('cache-control', 'no-store');
    const nowMs = sources.clock.nowMs();
    const peer = sources.peers.of(request.raw.socket as TLSSocket, nowMs);
    if (!peer.known) return sendProblem(reply, { status: 403, code: 'gateway-unknown', title: 'Unknown gateway', detail: peer.why });
    const issuers = sources.issuersFor(peer.spiffeId);
    if (issuers === undefined) {
      return sendProblem(reply, { status: 403, code: 'gateway-not-configured', title: 'Unknown gateway', detail: `the configuration names no gateway ${peer.spiffeId}: add it with the rules that it asks by` });
    }
    const bearer = bearerToken(request);
    const decision: TokenDecision = bearer.kind === 'token' ? await verifyToken(bearer.token, issuers, nowMs) : withoutToken[bearer.kind];
    sources.counted(decision.accepted ? 'accepted' : decision.reason);
    if (decision.accepted) {
      sources.audit.count?.({ decision: 'verified', who: peer.spiffeId });
      return accept(reply, decision);
    }
    // Bearer tokens are missing all the time; a refusal is a decision about one that was there.
    if (bearer.kind !== 'missing') sources.audit.record({ decision: 'token-refused', object: 'Token', spiffeId: peer.spiffeId, reason: decision.reason });
    return refuse(reply, decision, bearer.kind === 'missing');
  });
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

function refuse(reply: FastifyReply, refusal: Refusal, isMissing: boolean): FastifyReply {
  const { reason, message, retryAfterMs } = refusal;
  if (reason === 'keys-unavailable') {
    reply.header('retry-after', String(Math.ceil((retryAfterMs ?? 1_000) / 1000)));
    return sendProblem(reply, { status: 503, code: reason, title: 'Keys unavailable', detail: 'the keys of the issuer of this token cannot be had now' });
  }
  // Whom it stands for is known then; another token of the same caller would not help (RFC 6750 §3.1).
  const status = reason === 'scope-missing' || reason === 'claim-wrong' ? 403 : 401;
  const error = status === 403 ? 'insufficient_scope' : 'invalid_token';
  reply.header('www-authenticate', isMissing ? 'Bearer' : `Bearer error="${error}"`);
  return sendProblem(reply, { status, code: isMissing ? 'token-missing' : reason, title: status === 403 ? 'Forbidden' : 'Unauthorized', detail: message });
}

/** Printable ASCII without blanks and percent signs stands as it is; every other character is percent-encoded UTF-8: no value can break out of its header. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x21-\x24\x26-\x7e]/gu, (character) => [...Buffer.from(character, 'utf8')].map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`).join(''));
}

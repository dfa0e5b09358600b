import type { RouteFamily } from './api.ts';
import type { Caller } from './caller.ts';
import { callerOf } from './guard.ts';
import { chosenIdentity, identityChoiceSchema, instant, jsonOctets, touchedIdentity, type IdentityChoice } from './own-identity.ts';
import { Refused, type ProblemReason } from './problem.ts';
import { Together } from './together.ts';

/** A JWT-SVID as it is answered. Times in milliseconds since the epoch. */
export interface SignedJwt {
  /** Compact serialisation (SPIFFE-25). */
  readonly token: string;
  readonly spiffeId: string;
  readonly audience: readonly string[];
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** When to ask for the next one. */
  readonly refreshAtMs: number;
  /** `kid` of the key that signed it. */
  readonly keyId: string;
}

/** What is asked for. */
export interface JwtWish {
  readonly caller: Caller;
  /** One at least, none of them empty, each once. */
  readonly audience: readonly string[];
  /** The name of a WorkloadIdentity; undefined: the oldest that is for the caller. */
  readonly identity: string | undefined;
  /** A duration; undefined: as the trust domain says. */
  readonly ttl: string | undefined;
  readonly requestId: string;
}

/** Why nothing was signed. */
export interface JwtRefusal {
  readonly code: 'API_IDENTITY_NOT_GRANTED' | 'API_JWT_REFUSED' | 'API_JWT_OFF' | 'API_JWT_ISSUER_TAKEN' | 'API_NOT_READY';
  readonly message: string;
  readonly reasons?: readonly ProblemReason[];
}

/** Decides and signs. */
export interface JwtSigner {
  sign(wish: JwtWish): Promise<{ readonly signed: true; readonly svid: SignedJwt } | { readonly signed: false; readonly refusal: JwtRefusal }>;
}

interface Body extends IdentityChoice {
  readonly audience: string | readonly string[];
}

/** Visible ASCII: what every verifier compares alike. */
const oneAudience = { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' } as const;

const body = {
  type: 'object',
  required: ['audience'],
  additionalProperties: false,
  properties: {
    audience: {
      description: 'for whom the token is: each of them refuses a token that does not name it',
      anyOf: [oneAudience, { type: 'array', minItems: 1, maxItems: 16, uniqueItems: true, items: oneAudience }],
    },
    ...identityChoiceSchema,
  },
} as const;

const answer = {
  type: 'object',
  required: ['token', 'spiffeId', 'audience', 'issuedAt', 'expiresAt', 'refreshAt', 'keyId'],
  properties: {
    token: { type: 'string', description: 'the JWT-SVID, compact serialisation' },
    spiffeId: { type: 'string' },
    audience: { type: 'array', items: { type: 'string' } },
    issuedAt: { type: 'string', format: 'date-time' },
    expiresAt: { type: 'string', format: 'date-time' },
    refreshAt: { type: 'string', format: 'date-time', description: 'when to ask for the next one' },
    keyId: { type: 'string', description: 'kid of the key that signed it' },
  },
} as const;

/**
 * `POST /v1/svids/jwt`: a JWT-SVID for those whom its caller names as audience. Who may have which identity is decided as for
 * X.509-SVIDs.
 * @param signer undefined while this replica stands by
 */
export function jwtRoute(signer: () => JwtSigner | undefined): RouteFamily {
  const together = new Together();
  return (server) => {
    server.post<{ Body: Body }>(
      '/v1/svids/jwt',
      { config: { access: { rule: 'own', object: 'WorkloadIdentity', touches: touchedIdentity } }, schema: { summary: 'A JWT-SVID for those who are named', body, response: { 200: answer } } },
      async (request, reply) => {
        await together.next();
        const signs = signer();
        if (signs === undefined) throw new Refused('API_STANDBY', 'this replica stands by: ask again');
        const outcome = await signs.sign({ caller: callerOf(request), audience: [request.body.audience].flat(), ...chosenIdentity(request.body), requestId: request.id });
        if (!outcome.signed) throw new Refused(outcome.refusal.code, outcome.refusal.message, outcome.refusal.reasons === undefined ? {} : { reasons: outcome.refusal.reasons });
        return reply.header('cache-control', 'no-store').type('application/json; charset=utf-8').send(jsonOctets(asAnswer(outcome.svid)));
      },
    );
  };
}

function asAnswer({ token, spiffeId, audience, issuedAtMs, expiresAtMs, refreshAtMs, keyId }: SignedJwt) {
  return { token, spiffeId, audience, issuedAt: instant(issuedAtMs), expiresAt: instant(expiresAtMs), refreshAt: instant(refreshAtMs), keyId };
}

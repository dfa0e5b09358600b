import type { FastifyInstance } from 'fastify';
import type { RouteFamily } from './api.ts';
import type { Caller } from './caller.ts';
import { callerOf } from './guard.ts';
import { chosenIdentity, identityChoiceSchema, instant, jsonOctets, textSchema, touchedIdentity, type IdentityChoice } from './own-identity.ts';
import { Refused, type ProblemReason } from './problem.ts';
import { Together } from './together.ts';

/** A certificate as it is answered. Times in milliseconds since the epoch. */
export interface SignedX509 {
  readonly spiffeId: string;
  readonly trustDomain: string;
  /** Leaf, then issuing authority, PEM. */
  readonly chainPem: string;
  readonly serialNumber: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly refreshAtMs: number;
  readonly bundle: { readonly generation: number; readonly caPem: string; readonly json: string };
}

/** What is asked for. */
export interface X509Wish {
  readonly caller: Caller;
  readonly csr: Uint8Array;
  readonly identity: string | undefined;
  readonly ttl: string | undefined;
  readonly requestId: string;
}

/** Why nothing was signed. */
export interface X509Refusal {
  readonly code: 'API_IDENTITY_NOT_GRANTED' | 'API_CERTIFICATE_REFUSED' | 'API_NOT_READY';
  readonly message: string;
  readonly reasons?: readonly ProblemReason[];
}

/** Decides and signs. */
export interface X509Signer {
  sign(wish: X509Wish): Promise<{ readonly signed: true; readonly svid: SignedX509 } | { readonly signed: false; readonly refusal: X509Refusal }>;
}

interface Body extends IdentityChoice {
  readonly csr: string;
}

const body = {
  type: 'object',
  required: ['csr'],
  additionalProperties: false,
  properties: {
    csr: textSchema('a certificate signing request (PKCS#10), PEM, or DER as base64', 24_576),
    ...identityChoiceSchema,
  },
} as const;

const answer = {
  type: 'object',
  required: ['spiffeId', 'trustDomain', 'certificates', 'serialNumber', 'notBefore', 'notAfter', 'refreshAt', 'bundle'],
  properties: {
    spiffeId: { type: 'string' },
    trustDomain: { type: 'string' },
    certificates: { type: 'string', description: 'the SVID, then its issuing authority, PEM' },
    serialNumber: { type: 'string', description: 'hexadecimal' },
    notBefore: { type: 'string', format: 'date-time' },
    notAfter: { type: 'string', format: 'date-time' },
    refreshAt: { type: 'string', format: 'date-time', description: 'when to ask for the next one' },
    bundle: {
      type: 'object',
      required: ['generation', 'roots', 'spiffe'],
      properties: {
        generation: { type: 'integer' },
        roots: { type: 'string', description: 'the roots of the trust domain, PEM' },
        spiffe: { type: 'string', description: 'the same as a SPIFFE bundle' },
      },
    },
  },
} as const;

/**
 * `POST /v1/svids/x509`: an X.509-SVID for a key that its holder keeps. The caller shows with a token who it is, never with an
 * SVID alone: a stolen one would renew itself for ever.
 * @param signer undefined while this replica stands by
 */
export function x509Route(signer: () => X509Signer | undefined): RouteFamily {
  const together = new Together();
  return (server: FastifyInstance) => {
    server.post<{ Body: Body }>(
      '/v1/svids/x509',
      { config: { access: { rule: 'own', object: 'WorkloadIdentity', touches: touchedIdentity } }, schema: { summary: 'An X.509-SVID for a key that its holder keeps', body, response: { 200: answer } } },
      async (request, reply) => {
        await together.next();
        const signs = signer();
        if (signs === undefined) throw new Refused('API_STANDBY', 'this replica stands by: ask again');
        const csr = readCsr(request.body.csr);
        const outcome = await signs.sign({ caller: callerOf(request), csr, ...chosenIdentity(request.body), requestId: request.id });
        if (!outcome.signed) throw new Refused(outcome.refusal.code, outcome.refusal.message, outcome.refusal.reasons === undefined ? {} : { reasons: outcome.refusal.reasons });
        return reply.header('cache-control', 'no-store').type('application/json; charset=utf-8').send(jsonOctets(asAnswer(outcome.svid)));
      },
    );
  };
}

const pem = /^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----\s([A-Za-z0-9+/=\s]+)-----END \1?CERTIFICATE REQUEST-----\s*$/u;
const base64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/u;

function readCsr(given: string): Uint8Array {
  const inner = pem.exec(given)?.[2] ?? given;
  if (!base64.test(inner)) throw new Refused('API_REQUEST_INVALID', '/csr is neither a PEM block CERTIFICATE REQUEST nor base64');
  return Buffer.from(inner, 'base64');
}

function asAnswer({ spiffeId, trustDomain, chainPem, serialNumber, notBeforeMs, notAfterMs, refreshAtMs, bundle }: SignedX509) {
  return {
    spiffeId,
    trustDomain,
    certificates: chainPem,
    serialNumber,
    notBefore: instant(notBeforeMs),
    notAfter: instant(notAfterMs),
    refreshAt: instant(refreshAtMs),
    bundle: { generation: bundle.generation, roots: bundle.caPem, spiffe: bundle.json },
  };
}

import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../telemetry/index.ts';
import type { RouteFamily } from './api.ts';
import { Refused } from './problem.ts';

/** The public half of a key that signs JWT-SVIDs (RFC 7517): what is secret in a key has no place in the type. */
export type PublicJwk = { readonly kid: string; readonly alg: 'ES256' | 'RS256' } & (
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }
);

/** The keys by which JWT-SVIDs of one trust domain are verified. */
export interface PublishedJwtKeys {
  /** `iss` of its tokens, as `spec.jwt.issuer` says; undefined where it says nothing. */
  readonly issuer: string | undefined;
  /** The trust domain that the issuer belongs to instead; left out: it is its own. */
  readonly takenBy?: string | undefined;
  /** Every key that signs, is about to, or has signed a token that lives. */
  readonly keys: readonly PublicJwk[];
  /**
   * When a token may be signed by a key that is not among these, at the earliest, milliseconds since the epoch: nobody may keep
   * them for longer.
   */
  readonly changesAtMs: number;
}

/** The keys of all trust domains that issue JWT-SVIDs. */
export interface JwtKeySource {
  /** By name of the trust domain. @throws STORE_… */
  published(): Promise<ReadonlyMap<string, PublishedJwtKeys>>;
}

/** How long answers are kept by others at most, seconds: so soon does whoever caches them see a change that nobody announced. */
const maxAgeSecondsMax = 300;

/** Both, whichever signs now: verifiers keep the document for as long as they run, and OpenID Connect Discovery §3 demands RS256. */
const algorithms = ['RS256', 'ES256'] as const;

const access = { rule: 'anyone', object: 'TrustDomain' } as const;
const member = { type: 'string' } as const;
const members = { type: 'array', items: member } as const;

const configurationSchema = {
  type: 'object',
  required: ['issuer', 'jwks_uri', 'response_types_supported', 'subject_types_supported', 'id_token_signing_alg_values_supported'],
  properties: { issuer: member, jwks_uri: member, response_types_supported: members, subject_types_supported: members, id_token_signing_alg_values_supported: members, claims_supported: members },
} as const;

const keysSchema = {
  type: 'object',
  required: ['keys'],
  properties: { keys: { type: 'array', items: { type: 'object', required: ['kty', 'use', 'alg', 'kid'], properties: { kty: member, use: member, alg: member, kid: member, crv: member, x: member, y: member, n: member, e: member } } } },
} as const;

const params = { type: 'object', properties: { trustDomain: { type: 'string', examples: ['shop.example'] } } } as const;

interface Route {
  Params: { readonly trustDomain?: string };
}

/**
 * OpenID Connect Discovery for verifiers of JWT-SVIDs: `/.well-known/openid-configuration` and `/keys` below the issuer. A
 * trust domain has them below its name; the one whose issuer is a host without a path has them at the root as well.
 */
export function oidcRoutes(source: JwtKeySource, clock: Pick<Clock, 'nowMs'>): RouteFamily {
  return (server) => {
    const discovery = async (request: FastifyRequest<Route>, reply: FastifyReply): Promise<FastifyReply> => {
      const [trustDomain, { issuer }] = find(await source.published(), request, true);
      if (issuer === undefined) throw new Refused('API_JWT_OFF', `tokens of trust domain ${trustDomain} have no issuer: set spec.jwt.issuer of the TrustDomain`);
      return answer(request, reply, configurationOf(issuer), maxAgeSecondsMax);
    };
    const keys = async (request: FastifyRequest<Route>, reply: FastifyReply): Promise<FastifyReply> => {
      const [trustDomain, published] = find(await source.published(), request, false);
      if (published.keys.length === 0) throw new Refused('API_NOT_READY', `trust domain ${trustDomain} has no key for JWT-SVIDs yet: see its conditions`);
      const leftSeconds = Math.floor((published.changesAtMs - clock.nowMs()) / 1000);
      return answer(request, reply, { keys: published.keys.map(publicOnly) }, Math.min(maxAgeSecondsMax, Math.max(0, leftSeconds)));
    };
    for (const below of ['', '/:trustDomain']) {
      const named = below === '' ? {} : { params };
      server.get<Route>(`${below}/.well-known/openid-configuration`, { config: { access }, schema: { summary: 'How JWT-SVIDs are verified (OpenID Connect Discovery)', ...named, response: { 200: configurationSchema } } }, discovery);
      server.get<Route>(`${below}/keys`, { config: { access }, schema: { summary: 'The keys by which JWT-SVIDs are verified', ...named, response: { 200: keysSchema } } }, keys);
    }
  };
}

/** The trust domain that a request is about. */
function find(all: ReadonlyMap<string, PublishedJwtKeys>, { params, host }: FastifyRequest<Route>, withIssuer: boolean): readonly [string, PublishedJwtKeys] {
  if (params.trustDomain !== undefined) {
    const named = all.get(params.trustDomain);
    if (named === undefined) throw new Refused('API_JWT_OFF', 'there is no trust domain of this name here that issues JWT-SVIDs: set spec.jwt of the TrustDomain');
    if (named.takenBy !== undefined) throw new Refused('API_JWT_ISSUER_TAKEN', `the issuer of trust domain ${params.trustDomain} belongs to an older one: see the condition JWTReady of the TrustDomain`);
    return [params.trustDomain, named];
  }
  const atRoot = [...all].filter(([, { issuer, takenBy }]) => takenBy === undefined && (issuer === undefined ? !withIssuer : hasNoPath(issuer)));
  const ofHost = atRoot.filter(([, { issuer }]) => issuer !== undefined && hostOf(issuer) === hostOf(`https://${host}`));
  // Behind a proxy the host may be another one: a single trust domain is meant anyway.
  const [found, ...more] = ofHost.length > 0 ? ofHost : atRoot;
  if (found === undefined) throw new Refused('API_JWT_OFF', 'no trust domain has an issuer without a path: set spec.jwt.issuer, or ask below /<trust domain>/');
  if (more.length > 0) throw new Refused('API_JWT_OFF', 'several trust domains could be meant: give each an issuer of its own, https://<host>/<trust domain>, and ask below /<trust domain>/');
  return found;
}

function hasNoPath(issuer: string): boolean {
  return new URL(issuer).pathname === '/';
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}

/** OpenID Connect Discovery §3, as far as it is about tokens that nobody logs in for: without the endpoints for that, which it requires. */
function configurationOf(issuer: string): object {
  return {
    issuer,
    jwks_uri: `${issuer.replace(/\/$/u, '')}/keys`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
    claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'],
  };
}

/** Member by member: whatever else an object holds, nothing of it gets out. */
function publicOnly(key: PublicJwk): object {
  const { kid, alg } = key;
  return key.kty === 'EC' ? { kty: key.kty, use: 'sig', alg, kid, crv: key.crv, x: key.x, y: key.y } : { kty: key.kty, use: 'sig', alg, kid, n: key.n, e: key.e };
}

/** Answers with a document that others may keep, or says that the one which they have is still right (RFC 9110 §13.1.2). */
function answer({ headers }: FastifyRequest, reply: FastifyReply, document: object, maxAgeSeconds: number): FastifyReply {
  const text = JSON.stringify(document);
  const tag = `"${createHash('sha256').update(text).digest('base64url')}"`;
  reply.header('cache-control', maxAgeSeconds === 0 ? 'no-cache' : `public, max-age=${maxAgeSeconds}`).header('etag', tag);
  const kept = headers['if-none-match']?.split(',').some((each) => each.trim().replace(/^W\//u, '') === tag) === true;
  return kept ? reply.code(304).send() : reply.type('application/json').send(text);
}

import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AccessRule, RouteAccess } from './access.ts';
import { bearerToken } from './bearer-token.ts';
import { callerKey, mayTouch, type Caller, type TouchedObject } from './caller.ts';
import { Refused } from './problem.ts';

/**
 * Where it is decided who may call what, for every route of the API: who asks, how often it may, and whether the object that
 * the request touches is its own. A handler runs once all of that is settled, and a route without a rule does not exist.
 */

/** What a token says about who asks. */
export type Identification =
  | { readonly known: true; readonly caller: Caller }
  | { readonly known: false; readonly code: 'API_TOKEN_REFUSED' | 'API_IDENTITY_NOT_GRANTED' | 'API_TOKENS_UNJUDGED' | 'API_RATE_LIMITED'; readonly message: string; readonly retryAfterMs?: number };

/** Finds out who asks. */
export interface CallerSource {
  identify(token: string): Promise<Identification>;
}

/** How many requests are answered in ten seconds. */
export interface RequestLimits {
  /** Of one caller. */
  readonly perCaller: number;
  /** From one address, whoever asks: what is looked at before anybody is known. */
  readonly perAddress: number;
}

const windowMs = 10_000;
/** Callers and addresses that counts are kept of; those unseen for longest are forgotten first. */
const countedMax = 20_000;
/** Rules that this guard enforces. */
const enforced: readonly AccessRule[] = ['anyone', 'own'];

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set where the rule of the route asks for it. */
    caller: Caller | undefined;
    /** What the request touches; set where the rule of the route asks for it. */
    touched: TouchedObject | undefined;
  }
}

/** Puts the guard in front of every route that is added to `server` from now on. */
export async function guardRoutes(server: FastifyInstance, callers: CallerSource, limits: RequestLimits): Promise<void> {
  server.decorateRequest('caller', undefined);
  server.decorateRequest('touched', undefined);
  server.addHook('onRoute', ({ url, config }) => {
    if (config?.access !== undefined && !enforced.includes(config.access.rule)) throw new Error(`invariant broken: nobody enforces the rule ${config.access.rule} of ${url}`);
  });
  await server.register(rateLimit, { global: false, cache: countedMax, timeWindow: windowMs });
  const ofAddress = server.createRateLimit({ max: limits.perAddress, keyGenerator: (request) => `address:${request.ip}` });
  const ofCaller = server.createRateLimit({ max: limits.perCaller, keyGenerator: ({ caller }) => (caller === undefined ? 'nobody' : callerKey(caller)) });

  server.addHook('onRequest', async (request) => {
    await hold(ofAddress, request, 'requests come from this address more often than is answered');
    if (accessOf(request)?.rule !== 'own') return;
    request.caller = await identify(request, callers);
    await hold(ofCaller, request, 'this caller asks more often than is answered');
  });
  // When the body has been judged by its schema: it may name the object.
  server.addHook('preHandler', async (request) => {
    const { touches } = accessOf(request) ?? {};
    if (touches === undefined) return;
    const caller = callerOf(request);
    request.touched = touches(request.body, caller);
    if (!mayTouch(caller, request.touched)) throw new Refused('API_FORBIDDEN', 'the object that is named is not one of yours');
  });
}

/** Who asks. Of a route under the rule `own`. */
export function callerOf({ caller }: FastifyRequest): Caller {
  if (caller === undefined) throw new Error('invariant broken: a route that needs a caller is not under the rule own');
  return caller;
}

/** Undefined: there is no such route, and nothing to guard. */
export function accessOf(request: FastifyRequest): RouteAccess | undefined {
  return request.is404 ? undefined : request.routeOptions.config.access;
}

type Limit = ReturnType<FastifyInstance['createRateLimit']>;

async function hold(limit: Limit, request: FastifyRequest, why: string): Promise<void> {
  const state = await limit(request);
  if (!state.isAllowed && state.isExceeded) throw new Refused('API_RATE_LIMITED', why, { retryAfterMs: state.ttl });
}

async function identify(request: FastifyRequest, callers: CallerSource): Promise<Caller> {
  const bearer = bearerToken(request);
  if (bearer.kind !== 'token') {
    if (bearer.kind === 'missing') throw new Refused('API_TOKEN_MISSING', 'there is no bearer token; a client certificate does not replace it');
    throw new Refused('API_TOKEN_REFUSED', 'the Authorization header is not a single bearer token');
  }
  const found = await callers.identify(bearer.token);
  if (found.known) return found.caller;
  throw new Refused(found.code, found.message, { retryAfterMs: found.retryAfterMs });
}

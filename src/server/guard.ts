import type { TLSSocket } from 'node:tls';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AccessRule, RouteAccess } from './access.ts';
import { bearerToken } from './bearer-token.ts';
import { callerKey, mayTouch, type Caller, type TouchedObject } from './caller.ts';
import { findGateway, type GatewaySources } from './gateway-peers.ts';
import { Refused } from './problem.ts';
import type { RightSource, Sight, Wanted } from './sight.ts';

/**
 * Where it is decided who may call what, for every route of the API: who asks, how often it may, whether the object that the
 * request touches is its own, and what it may see. A handler runs once all of that is settled, and a route without a rule does not exist.
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
  /** Of one caller that a token names. A gateway has its own in the configuration. */
  readonly perCaller: number;
  /** From one address, whoever asks: what is looked at before anybody is known. Of gateways, the unknown alone are counted by it. */
  readonly perAddress: number;
}

const windowMs = 10_000;
/** Callers and addresses that counts are kept of; those unseen for longest are forgotten first. */
const countedMax = 20_000;
/** Rules under which a token says who asks. */
const withCaller: readonly AccessRule[] = ['own', 'own-or-allowed'];

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set where the rule of the route asks for it. */
    caller: Caller | undefined;
    /** What the request touches; set where the rule of the route asks for it. */
    touched: TouchedObject | undefined;
  }
}

/** By whose word the guard decides; a rule without one is enforced by nobody, and its routes are refused. */
export interface GuardSources {
  /** Who asks with a token. */
  readonly callers?: CallerSource;
  /** Who may see more than its own; left out: nobody. */
  readonly rights?: RightSource;
  /** Who asks with an SVID. */
  readonly gateways?: GatewaySources;
  /** Left out: no request is too many. */
  readonly limits?: RequestLimits;
}

/** Puts the guard in front of every route that is added to `server` from now on. */
export async function guardRoutes(server: FastifyInstance, sources: GuardSources): Promise<void> {
  const { callers, rights, gateways } = sources;
  for (const decorated of ['caller', 'touched', 'sight', 'gateway']) server.decorateRequest(decorated, undefined);
  const enforced = new Set<AccessRule>(['anyone', ...(callers === undefined ? [] : withCaller), ...(gateways === undefined ? [] : (['gateway'] as const))]);
  server.addHook('onRoute', ({ url, config }) => {
    if (config?.access !== undefined && !enforced.has(config.access.rule)) throw new Error(`invariant broken: nobody enforces the rule ${config.access.rule} of ${url}`);
  });
  const limits = sources.limits === undefined ? undefined : await limitsOf(server, sources.limits);

  server.addHook('onRequest', async (request) => {
    if (gateways !== undefined && accessOf(request)?.rule === 'gateway') {
      await admit(request, gateways, limits);
      return;
    }
    if (limits !== undefined) await hold(limits.ofAddress, request, tooManyOfAddress);
    if (callers === undefined || !needsCaller(request)) return;
    request.caller = await identify(request, callers);
    if (limits !== undefined) await hold(limits.ofCaller, request, 'this caller asks more often than is answered');
  });
  // When body, path and query have been judged by their schemas: they may name the object.
  server.addHook('preHandler', async (request) => {
    const { touches, reads } = accessOf(request) ?? {};
    if (touches !== undefined) {
      const caller = callerOf(request);
      request.touched = touches(request.body, caller);
      if (!mayTouch(caller, request.touched)) throw new Refused('API_FORBIDDEN', 'the object that is named is not one of yours');
    }
    if (reads !== undefined) request.sight = await see(callerOf(request), reads(request.params, request.query), rights);
  });
}

/** What is not its caller's own is shown by the word of the cluster alone, and not at all while that cannot be had. */
async function see(caller: Caller, wanted: Wanted, rights: RightSource | undefined): Promise<Sight> {
  const allowed = caller.kind === 'external' || rights === undefined ? false : await rights.mayRead(caller, wanted);
  if (allowed === undefined) throw new Refused('API_RIGHTS_UNJUDGED', 'the API server cannot say now what you may see');
  return { caller, wanted, everything: allowed };
}

/** Whether the rule of the route has a token say who asks. */
export function needsCaller(request: FastifyRequest): boolean {
  const rule = accessOf(request)?.rule;
  return rule !== undefined && withCaller.includes(rule);
}

/** Who asks. Of a route under a rule that has a token say so. */
export function callerOf({ caller }: FastifyRequest): Caller {
  if (caller === undefined) throw new Error('invariant broken: a route that needs a caller is under a rule that asks for none');
  return caller;
}

/** Undefined: there is no such route, and nothing to guard. */
function accessOf(request: FastifyRequest): RouteAccess | undefined {
  return request.is404 ? undefined : request.routeOptions.config.access;
}

const tooManyOfAddress = 'requests come from this address more often than is answered';

/** The gateway that asks; everybody else is sent away before anything of the request is read. None can use up what is others'. */
async function admit(request: FastifyRequest, gateways: GatewaySources, limits: Limits | undefined): Promise<void> {
  const found = findGateway(gateways, request.raw.socket as TLSSocket);
  if (!found.known) {
    if (limits !== undefined) await hold(limits.ofAddress, request, tooManyOfAddress);
    throw new Refused(found.code, found.message);
  }
  request.gateway = found.gateway;
  if (limits !== undefined) await hold(limits.ofGateway, request, 'this gateway asks more often than is answered: see its requestsPerSecond in the configuration');
}

interface Limits {
  readonly ofAddress: Limit;
  readonly ofCaller: Limit;
  readonly ofGateway: Limit;
}

async function limitsOf(server: FastifyInstance, { perAddress, perCaller }: RequestLimits): Promise<Limits> {
  await server.register(rateLimit, { global: false, cache: countedMax, timeWindow: windowMs });
  return {
    ofAddress: server.createRateLimit({ max: perAddress, keyGenerator: (request) => `address:${request.ip}` }),
    ofCaller: server.createRateLimit({ max: perCaller, keyGenerator: ({ caller }) => (caller === undefined ? 'nobody' : callerKey(caller)) }),
    ofGateway: server.createRateLimit({ max: async ({ gateway }) => ((gateway?.requestsPerSecond ?? 0) * windowMs) / 1000, keyGenerator: ({ gateway }) => gateway?.spiffeId ?? 'nobody' }),
  };
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

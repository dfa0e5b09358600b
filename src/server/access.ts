import type { FastifyInstance, FastifySchema } from 'fastify';
import type { Caller, TouchedObject } from './caller.ts';
import type { Wanted } from './sight.ts';

/**
 * Who may call a route:
 * - `anyone`: what it gives is public;
 * - `gateway`: a workload that presents its SVID, and that the configuration names;
 * - `own`: whoever shows with a token who it is, for objects of its own;
 * - `own-or-allowed`: whoever shows with a token who it is, to see what is its own, or what the cluster allows it to see.
 */
export type AccessRule = 'anyone' | 'gateway' | 'own' | 'own-or-allowed';

/** What a route says about who may call it. */
export interface RouteAccess {
  readonly rule: AccessRule;
  /** The kind of object that it touches, for people and for the OpenAPI document. */
  readonly object: string;
  /** The object that a request of this caller touches. Of a route under `own`, and of no other. */
  readonly touches?: (body: unknown, caller: Caller) => TouchedObject;
  /** What a request wants to see, by the parameters of its path and its query. Of a route under `own-or-allowed`, and of no other. */
  readonly reads?: (params: unknown, query: unknown) => Wanted;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route says who may call it: one that does not is refused when it is added. */
    readonly access?: RouteAccess;
  }
  interface FastifySchema {
    /** What the route does, in a line, for the OpenAPI document. */
    readonly summary?: string;
  }
}

/** A route as a list of them shows it. */
export interface ListedRoute {
  readonly method: string;
  readonly url: string;
  readonly access: RouteAccess;
  /** Of what it takes and answers. */
  readonly schema: FastifySchema | undefined;
}

const routes = new WeakMap<FastifyInstance, ListedRoute[]>();

/**
 * Has `server` refuse every route that does not say who may call it, and what it touches where that decides: then forgetting
 * it cannot go unseen. Plugins that are registered later are held to it too.
 */
export function requireAccess(server: FastifyInstance): void {
  const listed: ListedRoute[] = [];
  routes.set(server, listed);
  server.addHook('onRoute', ({ method, url, config, schema }) => {
    const access = config?.access;
    if (access === undefined) throw new Error(`invariant broken: ${String(method)} ${url} does not say who may call it`);
    const what = { own: access.touches, 'own-or-allowed': access.reads };
    for (const [rule, said] of Object.entries(what)) {
      if ((access.rule === rule) !== (said !== undefined)) throw new Error(`invariant broken: ${String(method)} ${url} is under the rule ${access.rule}, and ${said === undefined ? 'does not say' : 'says'} which object it touches as that of ${rule} would`);
    }
    for (const each of [method].flat()) listed.push({ method: each, url, access, schema });
  });
}

/** Every route of a server that `requireAccess` watches, in the order in which they were added. */
export function routesOf(server: FastifyInstance): readonly ListedRoute[] {
  return routes.get(server) ?? [];
}

/** The methods that a server has at a path, as it stands in a request; none where there is no such path. */
export function methodsAt(server: FastifyInstance, path: string): readonly string[] {
  const segments = path.split('/');
  const isAt = ({ url }: ListedRoute): boolean => {
    const pattern = url.split('/');
    return pattern.length === segments.length && pattern.every((part, index) => (part.startsWith(':') ? segments[index] !== '' : part === segments[index]));
  };
  return [...new Set(routesOf(server).filter(isAt).map(({ method }) => method))];
}

import type { FastifyInstance } from 'fastify';

/** Who may call a route: anybody, or a workload that presents its SVID and that the configuration names. */
export type RouteAccess = 'anyone' | 'gateway';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route says who may call it: one that does not is refused when it is added. */
    readonly access?: RouteAccess;
  }
}

/** Has `server` refuse every route that does not say who may call it: then forgetting it cannot go unseen. */
export function requireAccess(server: FastifyInstance): void {
  server.addHook('onRoute', ({ method, url, config }) => {
    if (config?.access === undefined) throw new Error(`invariant broken: ${String(method)} ${url} does not say who may call it`);
  });
}

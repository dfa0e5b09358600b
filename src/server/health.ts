import { fastify, type FastifyInstance } from 'fastify';

/** What a probe asks. A reason means no. */
export interface HealthSources {
  /** Why the process should be restarted, or undefined while its loops make progress. */
  wedged(): string | undefined;
  /** Why it is not ready yet, or undefined. */
  notReady(): string | undefined;
  /** All metrics in Prometheus' text format. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** The largest request that a probe may be: they have no body. */
const bodyBytesMax = 1024;

/** The probe and metrics server: `/livez`, `/readyz`, `/metrics`; plain HTTP, nothing secret, read only. */
export function healthServer(sources: HealthSources): FastifyInstance {
  const server = fastify({ bodyLimit: bodyBytesMax, requestTimeout: 10_000, keepAliveTimeout: 30_000, forceCloseConnections: true });
  const probe = (path: string, reason: () => string | undefined): void => {
    server.get(path, (_request, reply) => {
      const why = reason();
      return reply.code(why === undefined ? 200 : 503).type('text/plain; charset=utf-8').send(why === undefined ? 'ok\n' : `${why}\n`);
    });
  };
  probe('/livez', () => sources.wedged());
  probe('/readyz', () => sources.notReady());
  server.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await sources.metrics();
    return reply.type(contentType).send(text);
  });
  return server;
}

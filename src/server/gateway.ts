import { constants } from 'node:crypto';
import type { Server } from 'node:https';
import type { TlsOptions } from 'node:tls';
import { fastify, type FastifyInstance } from 'fastify';
import type { Log } from '../telemetry/index.ts';
import { requireAccess } from './access.ts';
import { authorizeRoute, type AuthorizeSources } from './authorize.ts';
import { sendProblem } from './problem.ts';

/** What the gateway's server needs. */
export interface GatewayServerOptions extends AuthorizeSources {
  /** Key, chain and roots that it begins with, PEM: `setSecureContext` of its server changes them without a dropped connection. */
  readonly tls: Pick<TlsOptions, 'key' | 'cert' | 'ca'>;
  readonly log: Log;
}

/** Requests have no body; headers hold a token, and what a gateway passes on besides. */
const bounds = { bodyBytes: 1024, headerBytes: 32_768, connections: 2_000, requestMs: 10_000, handshakeMs: 10_000, keepAliveMs: 75_000 } as const;

/**
 * The server of `mtlsd gateway`, over TLS 1.3: it judges tokens for gateways that present their SVID. It holds no key but that
 * of its own SVID, and reads nothing but its configuration and the key sets of others.
 */
export function gatewayServer(options: GatewayServerOptions): FastifyInstance<Server> {
  const server = fastify({
    https: {
      ...options.tls,
      minVersion: 'TLSv1.3',
      // Whether there is a certificate, and whose, is judged strictly and told in the answer, not by an alert.
      requestCert: true,
      rejectUnauthorized: false,
      maxHeaderSize: bounds.headerBytes,
      handshakeTimeout: bounds.handshakeMs,
      // A session that is resumed would show the certificate that it began with, and no chain.
      secureOptions: constants.SSL_OP_NO_TICKET,
    },
    bodyLimit: bounds.bodyBytes,
    requestTimeout: bounds.requestMs,
    keepAliveTimeout: bounds.keepAliveMs,
    forceCloseConnections: true,
  });
  server.server.maxConnections = bounds.connections;
  requireAccess(server);
  server.setNotFoundHandler({}, (_request, reply) => sendProblem(reply, { status: 404, code: 'not-found', title: 'Not found', detail: 'there is no such route here' }));
  server.setErrorHandler((error: { readonly statusCode?: number; readonly message: string }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return sendProblem(reply, { status, code: 'bad-request', title: 'Bad request', detail: 'the request cannot be understood' });
    options.log.error('a request failed', { why: error.message });
    return sendProblem(reply, { status: 500, code: 'internal', title: 'Internal error', detail: 'this is a defect: the log of mtlsd gateway says more' });
  });
  authorizeRoute(server, options);
  return server;
}

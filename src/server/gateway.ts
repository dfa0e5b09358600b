import { constants } from 'node:crypto';
import type { Server } from 'node:https';
import type { TlsOptions } from 'node:tls';
import { fastify, type FastifyInstance } from 'fastify';
import type { Log } from '../telemetry/index.ts';
import { requireAccess } from './access.ts';
import { answerProblems, frameOptions, type AnswerOptions, type ApiFigures } from './answers.ts';
import { authorizeRoute, tellNobody, type AuthorizeSources } from './authorize.ts';
import type { GatewaySources } from './gateway-peers.ts';
import { guardRoutes } from './guard.ts';

/** What the gateway's server needs. */
export interface GatewayServerOptions extends AuthorizeSources {
  readonly gateways: GatewaySources;
  /** Key, chain and roots that it begins with, PEM: `setSecureContext` of its server changes them without a dropped connection. */
  readonly tls: Pick<TlsOptions, 'key' | 'cert' | 'ca'>;
  readonly log: Log;
  readonly figures: ApiFigures;
  /** A name for each request, unlike any other. */
  readonly newRequestId: () => string;
  /** What differs from the usual. */
  readonly limits?: Partial<GatewayLimits>;
}

/** What strangers may use of it. */
interface GatewayLimits {
  /** Requests in ten seconds from one address that show no SVID of a gateway. */
  readonly perAddress: number;
  /** Connections at once; more are closed as they come. */
  readonly connections: number;
  /** For how long a request may come in, milliseconds. */
  readonly requestMs: number;
}

/** Requests have no body; headers hold a token, and what a gateway passes on besides. */
const bounds = { bodyBytes: 1024, headerBytes: 32_768, handshakeMs: 10_000, keepAliveMs: 75_000 } as const;
const usualLimits: GatewayLimits = { perAddress: 200, connections: 2_000, requestMs: 10_000 };

/**
 * The server of `mtlsd gateway`, over TLS 1.3: it judges tokens for gateways that present their SVID. It holds no key but that
 * of its own SVID, and reads nothing but its configuration and the key sets of others.
 */
export async function gatewayServer(options: GatewayServerOptions): Promise<FastifyInstance<Server>> {
  const { perAddress, connections, requestMs } = { ...usualLimits, ...options.limits };
  const answers: AnswerOptions = {
    log: options.log,
    figures: options.figures,
    bodyBytesMax: bounds.bodyBytes,
    prepare: (_request, reply) => tellNobody(reply),
    refused: (_request, reply, code) => {
      if (code in challenges) reply.header('www-authenticate', challenges[code as keyof typeof challenges]);
    },
  };
  const server = fastify({
    https: {
      ...options.tls,
      minVersion: 'TLSv1.3',
      // Whether there is a certificate, and whose, is judged strictly and told in the answer, not by an alert.
      requestCert: true,
      rejectUnauthorized: false,
      maxHeaderSize: bounds.headerBytes,
      handshakeTimeout: bounds.handshakeMs,
      // Who sends slowly is dropped soon after its time is over.
      headersTimeout: requestMs,
      connectionsCheckingInterval: Math.ceil(requestMs / 5),
      // A session that is resumed would show the certificate that it began with, and no chain.
      secureOptions: constants.SSL_OP_NO_TICKET,
    },
    bodyLimit: bounds.bodyBytes,
    requestTimeout: requestMs,
    keepAliveTimeout: bounds.keepAliveMs,
    forceCloseConnections: true,
    genReqId: options.newRequestId,
    ...frameOptions(answers),
  });
  server.server.maxConnections = connections;
  requireAccess(server);
  answerProblems(server, answers);
  // No token names a caller here.
  await guardRoutes(server, { gateways: options.gateways, limits: { perAddress, perCaller: 0 } });
  authorizeRoute(server, options);
  return server;
}

/** RFC 6750 §3.1. */
const challenges = {
  TOKEN_MISSING: 'Bearer',
  TOKEN_REFUSED: 'Bearer error="invalid_token"',
  TOKEN_NOT_SUFFICIENT: 'Bearer error="insufficient_scope"',
} as const;

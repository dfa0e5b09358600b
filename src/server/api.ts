import type { Server } from 'node:https';
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import type { AuditLog } from '../audit/index.ts';
import { catalogue, type ErrorCode } from '../errors/index.ts';
import type { Log } from '../telemetry/index.ts';
import { requireAccess } from './access.ts';
import { answerProblems, frameOptions, type AnswerOptions, type ApiFigures } from './answers.ts';
import type { TouchedObject } from './caller.ts';
import { guardRoutes, needsCaller, type CallerSource, type RequestLimits } from './guard.ts';
import { openapiRoute } from './openapi.ts';
import type { RightSource } from './sight.ts';

/** What a server of the API needs, besides its routes. */
export interface ApiServerOptions {
  readonly callers: CallerSource;
  /** Who may see more than its own; left out: nobody. */
  readonly rights?: RightSource;
  readonly audit: AuditLog;
  readonly log: Log;
  /** Left out where there are no metrics. */
  readonly figures?: ApiFigures;
  /** A name for each request, unlike any other. */
  readonly newRequestId: () => string;
  /** What differs from the usual. */
  readonly limits?: Partial<RequestLimits>;
  /** Connections at once; more are closed as they come. */
  readonly connections?: number;
  /** For how long a request may come in, headers and body, and how often that is looked at, milliseconds. */
  readonly patience?: { readonly requestMs: number; readonly checkMs: number };
}

/** Adds the routes of one family. Each says in its `config.access` who may call it. */
export type RouteFamily = (server: FastifyInstance) => void | Promise<void>;

/** Bodies hold a certificate signing request at most; headers hold a token. */
const bounds = { bodyBytes: 32_768, headerBytes: 16_384, handshakeMs: 10_000, keepAliveMs: 75_000 } as const;
const usualPatience = { requestMs: 10_000, checkMs: 2_000 };
const usualConnections = 2_000;
const usualLimits: RequestLimits = { perCaller: 200, perAddress: 2_000 };

const noFigures: ApiFigures = { answered: () => undefined, refused: () => undefined };

/** The least that connections use: readers of what is public may be older than our own. */
export const apiTlsVersionMin = 'TLSv1.2';

/**
 * The server of the API, over TLS. Who may call a route, how often, and for which objects is settled before its handler runs;
 * everything that goes wrong is answered as a problem of the catalogue, and decisions against a caller go into the audit log.
 */
export async function apiServer(options: ApiServerOptions, families: readonly RouteFamily[]): Promise<FastifyInstance<Server>> {
  const { requestMs, checkMs } = options.patience ?? usualPatience;
  const answers: AnswerOptions = {
    log: options.log,
    figures: options.figures ?? noFigures,
    bodyBytesMax: bounds.bodyBytes,
    prepare: (request, reply) => void reply.header('x-request-id', request.id),
    refused: (request, reply, code) => {
      tellAudit(options.audit, request, code);
      if (code === 'API_TOKEN_MISSING' || code === 'API_TOKEN_REFUSED') reply.header('www-authenticate', code === 'API_TOKEN_MISSING' ? 'Bearer' : 'Bearer error="invalid_token"');
      // Whoever asks a replica that stands by shall come to another one.
      if (code === 'API_STANDBY') reply.header('connection', 'close');
    },
  };
  const server = fastify({
    https: {
      // No certificate yet: `setSecureContext` of its server gives it one, and each later one, without a dropped connection.
      minVersion: apiTlsVersionMin,
      maxHeaderSize: bounds.headerBytes,
      handshakeTimeout: bounds.handshakeMs,
      // A client that sends slowly is dropped soon after its time is over, in headers and in the body alike.
      headersTimeout: requestMs,
      connectionsCheckingInterval: checkMs,
    },
    bodyLimit: bounds.bodyBytes,
    requestTimeout: requestMs,
    keepAliveTimeout: bounds.keepAliveMs,
    forceCloseConnections: 'idle',
    genReqId: options.newRequestId,
    ...frameOptions(answers),
    // Whoever calls it names every field: one that is unknown is an error, and none is turned into another type.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  });
  server.server.maxConnections = options.connections ?? usualConnections;
  requireAccess(server);
  answerProblems(server, answers);
  await guardRoutes(server, { ...options, limits: { ...usualLimits, ...options.limits } });
  for (const family of families) await server.register(async (scope) => family(scope as unknown as FastifyInstance));
  openapiRoute(server);
  return server;
}

/** A decision against somebody who showed with a token who it is. */
function tellAudit(audit: AuditLog, request: FastifyRequest, code: ErrorCode): void {
  const { caller, touched } = request;
  if (!needsCaller(request) || noDecision(code)) return;
  const who = caller?.kind === 'external' ? { subject: caller.subject } : {};
  audit.record({ decision: code === 'API_TOKEN_REFUSED' ? 'token-refused' : 'refused', object: nameOf(touched), reason: code, requestId: request.id, ...who });
}

/**
 * Nobody was told anything by a token that is not there, what failed or has to wait was not decided, and what is asked too often
 * is counted: a flood must not become one of the log. Of what may not be seen it is not said whether it exists.
 */
function noDecision(code: ErrorCode): boolean {
  const { status, retry } = catalogue[code];
  return code === 'API_TOKEN_MISSING' || status >= 500 || retry !== 'never' || code === 'API_OBJECT_UNKNOWN';
}

function nameOf(touched: TouchedObject | undefined): string {
  if (touched === undefined) return 'Token';
  if (touched.kind === 'ExternalIdentity') return `ExternalIdentity ${touched.entry}`;
  return `WorkloadIdentity ${touched.namespace}/${touched.name ?? '*'}`;
}

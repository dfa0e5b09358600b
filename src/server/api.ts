import type { Server } from 'node:https';
import { fastify, type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify';
import type { AuditLog } from '../audit/index.ts';
import { catalogue, isMtlsdError } from '../errors/index.ts';
import type { Log } from '../telemetry/index.ts';
import { methodsAt, requireAccess } from './access.ts';
import type { TouchedObject } from './caller.ts';
import { guardRoutes, needsCaller, type CallerSource, type RequestLimits } from './guard.ts';
import { openapiRoute } from './openapi.ts';
import { Refused, sendError } from './problem.ts';
import type { RightSource } from './sight.ts';

/** What a server of the API needs, besides its routes. */
export interface ApiServerOptions {
  readonly callers: CallerSource;
  /** Who may see more than its own; left out: nobody. */
  readonly rights?: RightSource;
  readonly audit: AuditLog;
  readonly log: Log;
  /** A name for each request, unlike any other. */
  readonly newRequestId: () => string;
  /** What differs from the usual. */
  readonly limits?: Partial<RequestLimits>;
  /** For how long a request may come in, headers and body, and how often that is looked at, milliseconds. */
  readonly patience?: { readonly requestMs: number; readonly checkMs: number };
}

/** Adds the routes of one family. Each says in its `config.access` who may call it. */
export type RouteFamily = (server: FastifyInstance) => void | Promise<void>;

/** Bodies hold a certificate signing request at most; headers hold a token. */
const bounds = { bodyBytes: 32_768, nameCharacters: 255, headerBytes: 16_384, connections: 2_000, handshakeMs: 10_000, keepAliveMs: 75_000 } as const;
const usualPatience = { requestMs: 10_000, checkMs: 2_000 };
const usualLimits: RequestLimits = { perCaller: 200, perAddress: 2_000 };

/** The least that connections use: readers of what is public may be older than our own. */
export const apiTlsVersionMin = 'TLSv1.2';

/**
 * The server of the API, over TLS. Who may call a route, how often, and for which objects is settled before its handler runs;
 * everything that goes wrong is answered as a problem of the catalogue, and decisions against a caller go into the audit log.
 */
export async function apiServer(options: ApiServerOptions, families: readonly RouteFamily[]): Promise<FastifyInstance<Server>> {
  const { requestMs, checkMs } = options.patience ?? usualPatience;
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
    routerOptions: { maxParamLength: bounds.nameCharacters },
    // What is wrong with a path is found before there is a route: none of the hooks below has run.
    frameworkErrors: (_error, request, reply) => void sendError(reply.header('x-request-id', request.id), new Refused('API_REQUEST_INVALID', 'the path cannot be understood')),
    // Whoever calls it names every field: one that is unknown is an error, and none is turned into another type.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  });
  server.server.maxConnections = bounds.connections;
  requireAccess(server);
  server.addHook('onRequest', async (request, reply) => void reply.header('x-request-id', request.id));
  server.setNotFoundHandler((request, reply) => {
    const methods = methodsAt(server, request.url.split('?')[0] ?? '');
    if (methods.length === 0) throw new Refused('API_ROUTE_UNKNOWN', 'there is no such route here');
    reply.header('allow', methods.join(', '));
    throw new Refused('API_METHOD_UNKNOWN', `here are ${methods.join(', ')}`);
  });
  server.setErrorHandler<FastifyError | Refused>((error, request, reply) => {
    const known = isMtlsdError(error) ? error : refusalOf(error);
    if (known === undefined || isMtlsdError(known)) options.log.error('a request to the API failed', { requestId: request.id, route: request.routeOptions.url ?? 'none', why: error.message });
    const answered = known ?? new Refused('API_INTERNAL', `look for request ${request.id} in the log of mtlsd`);
    tellAudit(options.audit, request, answered.code);
    if (answered.code === 'API_TOKEN_MISSING' || answered.code === 'API_TOKEN_REFUSED') reply.header('www-authenticate', answered.code === 'API_TOKEN_MISSING' ? 'Bearer' : 'Bearer error="invalid_token"');
    // Whoever asks a replica that stands by shall come to another one.
    if (answered.code === 'API_STANDBY') reply.header('connection', 'close');
    return sendError(reply, answered);
  });
  await guardRoutes(server, options, { ...usualLimits, ...options.limits });
  for (const family of families) await server.register(async (scope) => family(scope as unknown as FastifyInstance));
  openapiRoute(server);
  return server;
}

/** What the library found wrong with a request, in our words; undefined for what is a defect of ours. */
function refusalOf(error: FastifyError | Refused): Refused | undefined {
  if (error instanceof Refused) return error;
  const status = error.statusCode ?? 500;
  if (status >= 500) return undefined;
  if (status === 413) return new Refused('API_REQUEST_TOO_LARGE', `the body has more than ${bounds.bodyBytes} octets`);
  if (status === 415) return new Refused('API_MEDIA_TYPE_UNKNOWN', 'the body is not application/json');
  // Names fields and types, and what they should be; never what was sent.
  const wrong = error.validation?.map(({ instancePath, message }) => `${instancePath === '' ? 'the body' : instancePath} ${message ?? 'is wrong'}`);
  return new Refused('API_REQUEST_INVALID', wrong?.join('; ') ?? 'the request cannot be understood');
}

/** A decision against somebody who showed with a token who it is. */
function tellAudit(audit: AuditLog, request: FastifyRequest, code: Refused['code']): void {
  const { caller, touched } = request;
  if (!needsCaller(request) || noDecision(code)) return;
  const who = caller?.kind === 'external' ? { subject: caller.subject } : {};
  audit.record({ decision: code === 'API_TOKEN_REFUSED' ? 'token-refused' : 'refused', object: nameOf(touched), reason: code, requestId: request.id, ...who });
}

/**
 * Nobody was told anything by a token that is not there, what failed or has to wait was not decided, and what is asked too often
 * is counted: a flood must not become one of the log. Of what may not be seen it is not said whether it exists.
 */
function noDecision(code: Refused['code']): boolean {
  const { status, retry } = catalogue[code];
  return code === 'API_TOKEN_MISSING' || status >= 500 || retry !== 'never' || code === 'API_OBJECT_UNKNOWN';
}

function nameOf(touched: TouchedObject | undefined): string {
  if (touched === undefined) return 'Token';
  if (touched.kind === 'ExternalIdentity') return `ExternalIdentity ${touched.entry}`;
  return `WorkloadIdentity ${touched.namespace}/${touched.name ?? '*'}`;
}

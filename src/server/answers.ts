import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isMtlsdError, type ErrorCode } from '../errors/index.ts';
import type { Log } from '../telemetry/index.ts';
import { methodsAt } from './access.ts';
import { Refused, sendError } from './problem.ts';

/** Where a server tells how it answers: routes, methods and codes, never who asked. */
export interface ApiFigures {
  answered(answer: { readonly route: string; readonly method: string; readonly status: number; readonly tookMs: number }): void;
  /** An answer is a problem. */
  refused(code: ErrorCode): void;
}

/** How a server answers, besides what its routes say. */
export interface AnswerOptions {
  readonly log: Log;
  readonly figures: ApiFigures;
  /** The largest body that is read, octets. */
  readonly bodyBytesMax: number;
  /** Sets what every answer has, before anything can go wrong. */
  prepare(request: FastifyRequest, reply: FastifyReply): void;
  /** Told each answer that is a problem, before it is sent. */
  refused(request: FastifyRequest, reply: FastifyReply, code: ErrorCode): void;
}

/** Labels and names are shorter; a parameter of a path that is longer is none. */
const nameCharactersMax = 255;

/** What a server has to be made with, so that it answers as `answerProblems` says where there is no route yet. */
export function frameOptions({ prepare, figures }: Pick<AnswerOptions, 'prepare' | 'figures'>) {
  return {
    routerOptions: { maxParamLength: nameCharactersMax },
    // What is wrong with a path is found before any hook runs.
    frameworkErrors: (_error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      prepare(request, reply);
      figures.refused('API_REQUEST_INVALID');
      sendError(reply, new Refused('API_REQUEST_INVALID', 'the path cannot be understood'));
    },
  };
}

/** Has everything that goes wrong answered as a problem of the catalogue. What broke inside is told to the log alone. */
export function answerProblems(server: FastifyInstance, options: AnswerOptions): void {
  server.addHook('onRequest', async (request, reply) => options.prepare(request, reply));
  server.addHook('onResponse', async (request, reply) => {
    const { url: route = 'none', method } = request.routeOptions;
    // Strangers choose methods, too.
    options.figures.answered({ route: request.is404 ? 'none' : route, method: request.is404 ? 'any' : String(method), status: reply.statusCode, tookMs: reply.elapsedTime });
  });
  server.setNotFoundHandler((request, reply) => {
    const methods = methodsAt(server, request.url.split('?')[0] ?? '');
    if (methods.length === 0) throw new Refused('API_ROUTE_UNKNOWN', 'there is no such route here');
    reply.header('allow', methods.join(', '));
    throw new Refused('API_METHOD_UNKNOWN', `here are ${methods.join(', ')}`);
  });
  server.setErrorHandler<FastifyError | Refused>((error, request, reply) => {
    const known = isMtlsdError(error) ? error : refusalOf(error, options.bodyBytesMax);
    if (known === undefined || isMtlsdError(known)) options.log.error('a request to the API failed', { requestId: request.id, route: request.routeOptions.url ?? 'none', why: error.message });
    const answered = known ?? new Refused('API_INTERNAL', `look for request ${request.id} in the log of mtlsd`);
    options.figures.refused(answered.code);
    options.refused(request, reply, answered.code);
    return sendError(reply, answered);
  });
}

/** What the library found wrong with a request, in our words; undefined for what is a defect of ours. */
function refusalOf(error: FastifyError | Refused, bodyBytesMax: number): Refused | undefined {
  if (error instanceof Refused) return error;
  const status = error.statusCode ?? 500;
  if (status >= 500) return undefined;
  if (status === 413) return new Refused('API_REQUEST_TOO_LARGE', `the body has more than ${bodyBytesMax} octets`);
  if (status === 415) return new Refused('API_MEDIA_TYPE_UNKNOWN', 'the body is not application/json');
  // Names fields and types, and what they should be; never what was sent.
  const wrong = error.validation?.map(({ instancePath, message }) => `${instancePath === '' ? 'the body' : instancePath} ${message ?? 'is wrong'}`);
  return new Refused('API_REQUEST_INVALID', wrong?.join('; ') ?? 'the request cannot be understood');
}

import type { FastifyReply } from 'fastify';
import { catalogue, isMtlsdError, type ErrorCode, type MtlsdError } from '../errors/index.ts';

/** A problem as an API caller sees it (RFC 9457). */
export interface ProblemBody {
  readonly status: number;
  /** For programs. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /** Every single thing that is wrong, where there may be several. */
  readonly reasons?: readonly ProblemReason[];
}

/** One thing that is wrong with a request. */
export interface ProblemReason {
  readonly field: string;
  readonly message: string;
}

/** Answers with a problem. The detail is for the caller: never what stood in its request, never what broke inside. */
export function sendProblem(reply: FastifyReply, problem: ProblemBody): FastifyReply {
  return reply.code(problem.status).type('application/problem+json').send({ type: 'about:blank', ...problem });
}

/** An answer that is decided and is no success: thrown where a route gives up. */
export class Refused extends Error {
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly reasons: readonly ProblemReason[] | undefined;

  constructor(code: ErrorCode, detail: string, more: { readonly retryAfterMs?: number | undefined; readonly reasons?: readonly ProblemReason[] } = {}) {
    super(detail);
    this.code = code;
    this.retryAfterMs = more.retryAfterMs;
    this.reasons = more.reasons;
  }
}

/** What a caller is told to wait when nobody says how long. */
const retryAfterMs = 1_000;

/**
 * Answers with what an error of the catalogue means. What broke inside stays inside: of a 5xx that was not decided as such,
 * its caller learns the code, what to do, and the request id to look for.
 */
export function sendError(reply: FastifyReply, error: Refused | MtlsdError): FastifyReply {
  const { status, meaning, remedy, retry } = catalogue[error.code];
  const detail = status >= 500 && isMtlsdError(error) ? remedy : error.message;
  if (retry !== 'never') reply.header('retry-after', String(Math.ceil((error.retryAfterMs ?? retryAfterMs) / 1000)));
  const reasons = error instanceof Refused && error.reasons !== undefined ? { reasons: error.reasons } : {};
  return sendProblem(reply, { status, code: error.code, title: meaning, detail, ...reasons });
}

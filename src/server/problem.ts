import type { FastifyReply } from 'fastify';
import { catalogue, isMtlsdError, type ErrorCode, type MtlsdError } from '../errors/index.ts';

/** A problem as an API caller sees it (RFC 9457). The detail is for the caller: never what stood in its request, never what broke inside. */
interface ProblemBody {
  readonly status: number;
  /** For programs. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /** Which of the things that the code stands for, for programs. */
  readonly reason?: string;
  /** Every single thing that is wrong, where there may be several. */
  readonly reasons?: readonly ProblemReason[];
}

/** One thing that is wrong with a request. */
export interface ProblemReason {
  readonly field: string;
  readonly message: string;
}

/** An answer that is decided and is no success: thrown where a route gives up. */
export class Refused extends Error {
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;
  /** See `ProblemBody`. */
  readonly more: Pick<ProblemBody, 'reason' | 'reasons'>;

  constructor(code: ErrorCode, detail: string, { retryAfterMs, ...more }: Pick<ProblemBody, 'reason' | 'reasons'> & { readonly retryAfterMs?: number | undefined } = {}) {
    super(detail);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
    this.more = more;
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
  const problem: ProblemBody = { status, code: error.code, title: meaning, detail, ...(error instanceof Refused ? error.more : {}) };
  return reply.code(status).type('application/problem+json').send({ type: 'about:blank', ...problem });
}

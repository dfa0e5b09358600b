import type { FastifyReply } from 'fastify';

/** A problem as an API caller sees it (RFC 9457). */
export interface ProblemBody {
  readonly status: number;
  /** For programs. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
}

/** Answers with a problem. The detail is for the caller: never what stood in its request, never what broke inside. */
export function sendProblem(reply: FastifyReply, problem: ProblemBody): FastifyReply {
  return reply.code(problem.status).type('application/problem+json').send({ type: 'about:blank', ...problem });
}

import type { FastifyRequest } from 'fastify';

/** The bearer token of a request; `missing` when it has none, `malformed` when it is not exactly one. */
export type BearerToken = { readonly kind: 'token'; readonly token: string } | { readonly kind: 'missing' | 'malformed' };

/** RFC 6750 §2.1, the scheme without regard to case (RFC 9110 §11.1). Two headers are none: each could mean the other. */
export function bearerToken({ raw }: FastifyRequest): BearerToken {
  const values = raw.rawHeaders.filter((_text, index, all) => index % 2 === 1 && all[index - 1]?.toLowerCase() === 'authorization');
  const [value] = values;
  if (value === undefined) return { kind: 'missing' };
  const match = values.length === 1 ? /^bearer +([^\s]+)$/iu.exec(value) : null;
  return match?.[1] === undefined ? { kind: 'malformed' } : { kind: 'token', token: match[1] };
}

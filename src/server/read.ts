import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RouteFamily } from './api.ts';
import { Refused } from './problem.ts';
import { authoritySchema, identitySchema, rotationSchema, type AuthorityView, type IdentityView, type RotationView } from './read-views.ts';
import { sightOf, type Sight } from './sight.ts';

/** Which part of a list is asked for. */
export interface PageAsked {
  /** How many objects at most. */
  readonly limit: number;
  /** The key behind which it goes on, as the page before ended; undefined: from the beginning. */
  readonly after: string | undefined;
}

/** A part of a list, in the order of keys. */
export interface Page<T> {
  readonly items: readonly T[];
  /** The key of its last object, where more come behind it. */
  readonly more: string | undefined;
}

/** The objects as they are now. What a sight does not show is not there. */
export interface ReadSource {
  identities(sight: Sight, page: PageAsked): Page<IdentityView>;
  identity(sight: Sight): IdentityView | undefined;
  authorities(sight: Sight, page: PageAsked): Page<AuthorityView>;
  rotations(sight: Sight, page: PageAsked): Page<RotationView>;
}

interface PageQuery {
  readonly limit?: string;
  readonly continue?: string;
}

const usualLimit = 100;
/** Names of Kubernetes: labels and subdomains. */
const label = { type: 'string', maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', examples: ['shop'] } as const;
const subdomain = { type: 'string', maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$', examples: ['cart'] } as const;
const paging = {
  limit: { type: 'string', pattern: '^([1-9][0-9]?|[1-4][0-9][0-9]|500)$', description: `how many at most, 1 to 500; left out: ${usualLimit}` },
  continue: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,512}$', description: 'as the page before says' },
} as const;
const pageQuery = { type: 'object', additionalProperties: false, properties: paging } as const;
const identitiesQuery = { type: 'object', additionalProperties: false, properties: { ...paging, namespace: { ...label, description: 'only those of this namespace' } } } as const;
const identityParams = { type: 'object', required: ['namespace', 'name'], properties: { namespace: label, name: subdomain } } as const;

const pageOf = (item: object) =>
  ({
    type: 'object',
    required: ['items'],
    properties: { items: { type: 'array', items: item }, continue: { type: 'string', description: 'left out on the last page' } },
  }) as const;

/**
 * `GET /v1/identities`, `/v1/identities/{namespace}/{name}`, `/v1/authorities`, `/v1/rotations`: what a caller may see, as the
 * guard found. No key and no secret is in any of it, and what may not be seen is answered as what does not exist.
 * @param source undefined while this replica does not know the objects
 */
export function readRoutes(source: () => ReadSource | undefined): RouteFamily {
  return (server) => {
    listRoute(server, '/v1/identities', {
      object: 'WorkloadIdentity',
      summary: 'Identities, in pages',
      reads: (_params, query) => ({ kind: 'WorkloadIdentity', namespace: (query as { readonly namespace?: string }).namespace, name: undefined }),
      query: identitiesQuery,
      item: identitySchema,
      page: (sight, asked) => knowing(source).identities(sight, asked),
    });
    server.get(
      '/v1/identities/:namespace/:name',
      {
        config: { access: { rule: 'own-or-allowed', object: 'WorkloadIdentity', reads: (params) => ({ kind: 'WorkloadIdentity', ...(params as { readonly namespace: string; readonly name: string }) }) } },
        schema: { summary: 'One identity', params: identityParams, response: { 200: identitySchema } },
      },
      (request, reply) => {
        const found = knowing(source).identity(sightOf(request));
        if (found === undefined) throw new Refused('API_OBJECT_UNKNOWN', 'there is no WorkloadIdentity of this name, or none that you may see');
        return reply.header('cache-control', 'no-store').send(found);
      },
    );
    listRoute(server, '/v1/authorities', { object: 'TrustDomain', summary: 'Authorities of trust domains, in pages', reads: () => ({ kind: 'TrustDomain' }), query: pageQuery, item: authoritySchema, page: (sight, asked) => knowing(source).authorities(sight, asked) });
    listRoute(server, '/v1/rotations', { object: 'CARotation', summary: 'Rotations of authorities, in pages', reads: () => ({ kind: 'CARotation' }), query: pageQuery, item: rotationSchema, page: (sight, asked) => knowing(source).rotations(sight, asked) });
  };
}

interface List {
  readonly object: string;
  readonly summary: string;
  readonly reads: (params: unknown, query: unknown) => Sight['wanted'];
  readonly query: object;
  readonly item: object;
  readonly page: (sight: Sight, asked: PageAsked) => Page<object>;
}

function listRoute(server: FastifyInstance, url: string, { object, summary, reads, query, item, page }: List): void {
  server.get(url, { config: { access: { rule: 'own-or-allowed', object, reads } }, schema: { summary, querystring: query, response: { 200: pageOf(item) } } }, (request, reply) => {
    const { items, more } = page(sightOf(request), asked(request));
    return reply.header('cache-control', 'no-store').send({ items, ...(more === undefined ? {} : { continue: Buffer.from(more, 'utf8').toString('base64url') }) });
  });
}

function asked({ query }: FastifyRequest): PageAsked {
  const { limit, continue: from } = query as PageQuery;
  return { limit: limit === undefined ? usualLimit : Number(limit), after: from === undefined ? undefined : Buffer.from(from, 'base64url').toString('utf8') };
}

function knowing(source: () => ReadSource | undefined): ReadSource {
  const knows = source();
  if (knows === undefined) throw new Refused('API_STANDBY', 'this replica stands by: ask again');
  return knows;
}

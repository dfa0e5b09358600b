import type { FastifyInstance } from 'fastify';
import { routesOf, type ListedRoute } from './access.ts';

/** A schema (JSON Schema 2020-12, which OpenAPI 3.1 takes as it is). */
type Schema = Readonly<Record<string, unknown>>;

const problem = {
  type: 'object',
  required: ['type', 'status', 'code', 'title', 'detail'],
  properties: {
    type: { type: 'string', const: 'about:blank' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    code: { type: 'string', pattern: '^[A-Z0-9_]+$', description: 'for programs: docs/reference/errors.md lists them' },
    title: { type: 'string', description: 'what the code means' },
    detail: { type: 'string', description: 'what happened, for people' },
    reasons: {
      type: 'array',
      description: 'every single thing that is wrong, where there may be several',
      items: { type: 'object', required: ['field', 'message'], properties: { field: { type: 'string' }, message: { type: 'string' } } },
    },
  },
} as const;

const problemAnswer = {
  description: 'A problem (RFC 9457)',
  headers: { 'Retry-After': { description: 'in how many seconds another try may succeed', schema: { type: 'string', pattern: '^[0-9]+$' } } },
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
} as const;

/** The OpenAPI 3.1 document of a list of routes: what they say about themselves and nothing besides. */
export function openapiDocument(routes: readonly ListedRoute[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    // A HEAD of each GET is a matter of HTTP.
    if (route.method === 'HEAD') continue;
    const path = route.url.replaceAll(/:([A-Za-z]+)/gu, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'mtlsd', version: 'v1', description: 'SVIDs for keys that stay where they are, and what there is.', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: {
      schemas: { Problem: problem },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'a token of a Kubernetes service account for the audience mtlsd, or of an issuer that the API is configured for' } },
    },
  };
}

function operation({ method, url, access, schema = {} }: ListedRoute): object {
  const { summary, body, response } = schema;
  const parameters = [...pathParameters(url, schema.params as Schema | undefined), ...parametersIn('query', schema.querystring as Schema | undefined)];
  const withToken = access.rule === 'own' || access.rule === 'own-or-allowed';
  return {
    operationId: [method.toLowerCase(), ...url.split(/[^A-Za-z0-9]+/u).filter((part) => part !== '')].join('-'),
    ...(summary === undefined ? {} : { summary }),
    tags: [access.object],
    security: withToken ? [{ token: [] }] : [],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: { 200: success((response as Readonly<Record<number, Schema>> | undefined)?.[200]), default: problemAnswer },
  };
}

function success(schema: Schema = { type: 'object' }): object {
  return { description: 'Done', headers: { 'X-Request-Id': { description: 'by which the log names the request', schema: { type: 'string' } } }, content: { 'application/json': { schema } } };
}

function pathParameters(url: string, schema: Schema | undefined): readonly object[] {
  const names = [...url.matchAll(/:([A-Za-z]+)/gu)].map(([, name = '']) => name);
  const properties = schema?.['properties'] as Readonly<Record<string, Schema>> | undefined;
  return names.map((name) => ({ name, in: 'path', required: true, schema: properties?.[name] ?? { type: 'string' } }));
}

function parametersIn(place: 'query', schema: Schema | undefined): readonly object[] {
  const required = (schema?.['required'] ?? []) as readonly string[];
  return Object.entries((schema?.['properties'] ?? {}) as Readonly<Record<string, Schema>>).map(([name, each]) => ({ name, in: place, required: required.includes(name), schema: each }));
}

/** `GET /v1/openapi.json`: what the server can do, from the schemas by which it judges requests. */
export function openapiRoute(server: FastifyInstance): void {
  let text: string | undefined;
  server.get('/v1/openapi.json', { config: { access: { rule: 'anyone', object: 'OpenAPI' } }, schema: { summary: 'This document' } }, (_request, reply) => {
    text ??= JSON.stringify(openapiDocument(routesOf(server)));
    return reply.header('cache-control', 'public, max-age=300').type('application/json').send(text);
  });
}

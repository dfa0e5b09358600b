/** The frame of the HTTPS API: what no route can do without, and what goes wrong before one is reached. */
import { once } from 'node:events';
import { connect, type AddressInfo, type Server } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../src/audit/index.ts';
import { catalogue } from '../../src/errors/index.ts';
import { apiServer, type CallerSource, type RouteFamily } from '../../src/server/index.ts';
import type { LogFields } from '../../src/telemetry/index.ts';

const nobody: CallerSource = { identify: async () => ({ known: false, code: 'API_TOKEN_REFUSED', message: 'nobody is known here' }) };

/** Somebody outside, by the name that stands in the place of a token. */
const byName: CallerSource = { identify: async (name) => ({ known: true, caller: { kind: 'external', entry: 'none', trustDomain: 'shop.example', segments: [name], subject: name } }) };

async function frame(family: RouteFamily, limits = {}, callers = nobody, more: { readonly connections?: number } = {}) {
  const records: AuditRecord[] = [];
  const lines: LogFields[] = [];
  const nothing = (): void => undefined;
  const log = { debug: nothing, info: nothing, warn: nothing, error: (_message: string, fields: LogFields = {}) => lines.push(fields) };
  let requests = 0;
  const server = await apiServer({ callers, audit: { record: (record) => records.push(record) }, log, newRequestId: () => `r${++requests}`, limits, ...more }, [family]);
  return { server, records, lines };
}

const open: RouteFamily = (server) => {
  server.get('/open', { config: { access: { rule: 'anyone', object: 'Nothing' } } }, () => ({ open: true }));
  server.get('/named/:name', { config: { access: { rule: 'anyone', object: 'Nothing' } } }, () => ({ open: true }));
  server.get('/broken', { config: { access: { rule: 'anyone', object: 'Nothing' } } }, () => {
    throw new Error('the password is hunter2');
  });
  server.post('/own', { config: { access: { rule: 'own', object: 'Nothing', touches: () => ({ kind: 'ExternalIdentity', entry: 'none' }) } } }, () => ({ open: false }));
};

interface Problem {
  readonly code: string;
  readonly detail: string;
}

describe('a server is not made', () => {
  test.each([
    ['with a route that does not say who may call it', {}, 'does not say who may call it'],
    ['with a route under a rule that nobody enforces', { access: { rule: 'gateway', object: 'Token' } }, 'nobody enforces the rule gateway'],
    ['with a route for objects of its caller that does not name the object', { access: { rule: 'own', object: 'Token' } }, 'does not say which object it touches'],
    ['with a route that shows objects and does not say which', { access: { rule: 'own-or-allowed', object: 'Token' } }, 'does not say which object it touches'],
    ['with a route that shows objects under a rule that does not ask who may see them', { access: { rule: 'anyone', object: 'Token', reads: () => ({ kind: 'TrustDomain' as const }) } }, 'says which object it touches'],
  ] as const)('%s', async (_what, config, why) => {
    await expect(frame((server) => void server.get('/forgotten', { config }, () => 'everything'))).rejects.toThrow(why);
  });
});

describe('a problem', () => {
  test.each([
    ['of a route that is not there', { method: 'GET', url: '/nowhere' }, 404, 'API_ROUTE_UNKNOWN'],
    ['of a method that is not there', { method: 'DELETE', url: '/open?a=b' }, 405, 'API_METHOD_UNKNOWN'],
    ['of a body that is no JSON', { method: 'POST', url: '/own', headers: { authorization: 'Bearer a.b.c', 'content-type': 'application/json' }, payload: '{' }, 401, 'API_TOKEN_REFUSED'],
    ['of a request without a token', { method: 'POST', url: '/own' }, 401, 'API_TOKEN_MISSING'],
    ['of a path that is no path', { method: 'GET', url: '/open/%zz' }, 400, 'API_REQUEST_INVALID'],
    ['of a name that is longer than any', { method: 'GET', url: `/named/${'a'.repeat(256)}` }, 400, 'API_REQUEST_INVALID'],
    ['of two tokens at once', { method: 'POST', url: '/own', headers: { authorization: 'Bearer a Bearer b' } }, 401, 'API_TOKEN_REFUSED'],
  ] as const)('%s says what and where to look', async (_what, request, status, code) => {
    const { server } = await frame(open);
    const answer = await server.inject({ ...request });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/u);
    expect(answer.headers['x-request-id']).toBe('r1');
    expect(answer.json()).toMatchObject({ type: 'about:blank', status, code, title: catalogue[code].meaning });
  });

  test('of a method that is not there says which are', async () => {
    const { server } = await frame(open);
    expect((await server.inject({ method: 'DELETE', url: '/open' })).headers['allow']).toBe('GET, HEAD');
  });

  test('inside is told to the log, and to its caller by a number alone', async () => {
    const { server, lines } = await frame(open);
    const answer = await server.inject('/broken');
    expect([answer.statusCode, answer.json<Problem>().code]).toStrictEqual([500, 'API_INTERNAL']);
    expect(answer.body).not.toContain('hunter2');
    expect(answer.json<Problem>().detail).toContain('r1');
    expect(lines).toStrictEqual([{ requestId: 'r1', route: '/broken', why: 'the password is hunter2' }]);
  });

  test('with a token is a decision that is recorded, without the token', async () => {
    const { server, records } = await frame(open);
    await server.inject({ method: 'POST', url: '/own', headers: { authorization: 'Bearer secret' } });
    await server.inject({ method: 'POST', url: '/own' });
    expect(records).toStrictEqual([{ decision: 'token-refused', object: 'Token', reason: 'API_TOKEN_REFUSED', requestId: 'r1' }]);
  });

  test('of too many requests says how long to wait, and is no line of the audit log', async () => {
    const { server, records } = await frame(open, { perAddress: 2 });
    const statuses = [];
    for (let index = 0; index < 3; index += 1) statuses.push(await server.inject('/open'));
    await server.inject({ method: 'POST', url: '/own', headers: { authorization: 'Bearer a.b.c' } });
    expect(statuses.map(({ statusCode }) => statusCode)).toStrictEqual([200, 200, 429]);
    expect(Number(statuses[2]?.headers['retry-after'])).toBeGreaterThan(0);
    expect(statuses[2]?.json<Problem>().code).toBe('API_RATE_LIMITED');
    expect(records).toEqual([]);
  });

  test('of too many requests of one caller concerns nobody else, whatever its address', async () => {
    const { server } = await frame(open, { perCaller: 2 }, byName);
    const ask = async (name: string): Promise<number> => (await server.inject({ method: 'POST', url: '/own', headers: { authorization: `Bearer ${name}` } })).statusCode;
    expect([await ask('cart'), await ask('cart'), await ask('cart'), await ask('cart'), await ask('till')]).toStrictEqual([200, 200, 429, 429, 200]);
  });
});

test('connections beyond the bound are closed as they come, and those within it stay', async () => {
  const { server } = await frame(open, {}, nobody, { connections: 2 });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const within = [connect(port), connect(port)];
  await Promise.all(within.map(async (socket) => once(socket, 'connect')));
  await expect.poll(async () => connectionsOf(server.server)).toBe(2);
  await once(connect(port), 'close');
  expect([await connectionsOf(server.server), ...within.map(({ destroyed }) => destroyed)]).toEqual([2, false, false]);
  for (const socket of within) socket.destroy();
  await server.close();
});

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))));
}

/** `mtlsd gateway` as a gateway meets it: over TLS with SVIDs of a real instance, and whatever a caller may send through it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalogue } from '../../src/errors/index.ts';
import { freePorts } from '../cluster/ports.ts';
import { claims, signingKey, token as makeToken, type SigningKey } from '../tokens/tokens.ts';
import { unlikePage } from '../app/metrics-page.ts';
import type { Command } from './command.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';
import { until } from './wait.ts';

const key = signingKey('ES256', 'one');
const issuer = claims.iss;
let box: Sandbox;
let gateway: Command;
let port: number;
let metricsPort: number;

const fresh = (part: object = {}, by: SigningKey = key): string => {
  const nowSeconds = Math.floor(Date.now() / 1000);
  return makeToken(by, { ...claims, iat: nowSeconds, exp: nowSeconds + 300, ...part });
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** Asks as a workload, or as nobody. */
function ask(as: string | undefined, headers: Readonly<Record<string, string | readonly string[]>> = {}, path = '/v1/authorize', agent?: Agent, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, ...(agent === undefined ? tlsOf(as) : { agent }), headers: headers as Record<string, string> }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

const file = (name: string, which: string): string => readFileSync(box.identity(name).file(which), 'utf8');

/** Verified by its roots; its name is a SPIFFE ID, which Node does not look for. */
function tlsOf(as: string | undefined) {
  const pair = as === undefined ? {} : { key: file(as, 'tls.key'), cert: file(as, 'tls.crt') };
  return { ca: file('edge', 'ca.crt'), checkServerIdentity: () => undefined, ...pair };
}

const authorize = (text: string, as = 'nginx'): Promise<Answer> => ask(as, { authorization: `Bearer ${text}` });
const empty = { 'x-auth-subject': '', 'x-auth-issuer': '', 'x-auth-scopes': '', 'x-auth-expires': '' };

beforeAll(async () => {
  box = new Sandbox();
  box.write('all.yaml', trustDomain('shop.example', { default: true }), trustDomain('other.example'), ...['nginx', 'stranger'].map((name) => identity(name)), identity('foreigner', { trustDomain: 'other.example' }));
  box.write('edge.yaml', identity('edge'));
  box.start();
  for (const name of ['edge', 'nginx', 'stranger', 'foreigner']) await box.issued(name);
  [port = 0, metricsPort = 0] = await freePorts(2);
  writeFileSync(join(box.root, 'keys.json'), JSON.stringify({ keys: [key.jwk] }));
  const config = join(box.root, 'gateway.yaml');
  writeFileSync(
    config,
    `apiVersion: mtlsd.io/v1alpha1
kind: GatewayConfiguration
issuers:
  - issuer: ${issuer}
    keySetFile: ${join(box.root, 'keys.json')}
rules:
  - name: api
    issuer: ${issuer}
    audiences: [api]
    scopes: [read]
gateways:
  - spiffeId: spiffe://shop.example/ns/shop/sa/nginx
    rules: [api]
`,
  );
  gateway = box.command('gateway', '--config', config, '--identity', box.identity('edge').folder, '--listen', `127.0.0.1:${port}`, '--metrics-listen', `127.0.0.1:${metricsPort}`);
  await until('the gateway serves', () => ask('nginx').then(() => true, () => undefined));
});

afterAll(async () => {
  await box[Symbol.asyncDispose]();
});

describe('a gateway that is configured', () => {
  test('is told who the caller is', async () => {
    const expires = Math.floor(Date.now() / 1000) + 250;
    const answer = await authorize(fresh({ exp: expires }));
    expect(answer).toMatchObject({ status: 200, headers: { 'x-auth-subject': 'service-7', 'x-auth-issuer': issuer, 'x-auth-scopes': 'read write', 'x-auth-expires': String(expires) } });
  });

  test.each<[string, () => Readonly<Record<string, string>>, number, string | undefined, string]>([
    ['nothing', () => ({}), 401, undefined, 'Bearer'],
    ['basic credentials', () => ({ authorization: 'Basic YTpi' }), 401, 'malformed', 'Bearer error="invalid_token"'],
    ['two tokens in one header', () => ({ authorization: `Bearer ${fresh()}, Bearer ${fresh()}` }), 401, 'malformed', 'Bearer error="invalid_token"'],
    ['a token for somebody else', () => ({ authorization: `Bearer ${fresh({ aud: 'other' })}` }), 401, 'audience-wrong', 'Bearer error="invalid_token"'],
    ['a token of an unknown key', () => ({ authorization: `Bearer ${fresh({}, signingKey('ES256', 'one'))}` }), 401, 'signature-wrong', 'Bearer error="invalid_token"'],
    ['a token without the scope', () => ({ authorization: `Bearer ${fresh({ scope: 'write' })}` }), 403, 'scope-missing', 'Bearer error="insufficient_scope"'],
  ])('with %s, is told why not, with every identity header empty', async (_name, headers, status, reason, challenge) => {
    const answer = await ask('nginx', headers());
    expect(answer).toMatchObject({ status, headers: { ...empty, 'www-authenticate': challenge, 'content-type': expect.stringMatching(/^application\/problem\+json/u) as string } });
    const code = reason === undefined ? 'TOKEN_MISSING' : status === 403 ? 'TOKEN_NOT_SUFFICIENT' : 'TOKEN_REFUSED';
    expect(JSON.parse(answer.body)).toEqual({ type: 'about:blank', status, code, title: catalogue[code].meaning, detail: expect.any(String) as string, ...(reason === undefined ? {} : { reason }) });
  });

  test('cannot be handed identity headers by a caller: what comes back is ours alone', async () => {
    const answer = await ask('nginx', { authorization: `Bearer ${fresh({ scope: 'write' })}`, 'x-auth-subject': 'admin', 'x-auth-scopes': 'everything' });
    expect(answer.headers).toMatchObject(empty);
  });

  test('gets values that cannot break out of their header', async () => {
    const answer = await authorize(fresh({ sub: 'a\r\nX-Auth-Scopes: admin é%' }));
    expect(answer.headers['x-auth-subject']).toBe('a%0D%0AX-Auth-Scopes:%20admin%20%C3%A9%25');
  });

  test('is not told more by its request: rules come from the configuration', async () => {
    const answer = await ask('nginx', { authorization: `Bearer ${fresh({ aud: 'other' })}`, 'x-rules': 'none' }, '/v1/authorize?audience=other&rules=none');
    expect(answer.status).toBe(401);
  });

  test('may ask as Envoy does: with the method of the request that it holds, its path appended, and no more told or allowed by either', async () => {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS'] as const) {
      for (const [headers, status] of [[{ authorization: `Bearer ${fresh()}` }, 200], [{ authorization: `Bearer ${fresh({ aud: 'other' })}` }, 401], [{}, 401]] as const) {
        const answer = await ask('nginx', { 'content-length': '0', ...headers }, `/v1/authorize/orders/${'x'.repeat(3_000)}?rules=none`, undefined, method);
        expect([method, answer.status, answer.headers['x-auth-subject']]).toEqual([method, status, status === 200 ? 'service-7' : '']);
      }
    }
  });
});

describe('whoever else asks', () => {
  test.each<[string, string | undefined, string, RegExp]>([
    ['without a certificate', undefined, 'GATEWAY_UNKNOWN', /no client certificate/u],
    ['as another workload', 'stranger', 'GATEWAY_NOT_CONFIGURED', /names no gateway spiffe:\/\/shop.example\/ns\/shop\/sa\/stranger/u],
    ['as a workload of another trust domain', 'foreigner', 'GATEWAY_UNKNOWN', /refused/u],
  ])('%s gets nothing, with the best of tokens', async (_name, as, code, detail) => {
    const answer = await ask(as, { authorization: `Bearer ${fresh()}` });
    expect(answer).toMatchObject({ status: 403, headers: empty });
    expect(JSON.parse(answer.body)).toMatchObject({ code, detail: expect.stringMatching(detail) as string });
  });

  test('for another route gets a problem', async () => {
    for (const [path, status, code] of [['/', 404, 'API_ROUTE_UNKNOWN'], ['/v1', 404, 'API_ROUTE_UNKNOWN'], ['/v1/authorizes', 404, 'API_ROUTE_UNKNOWN'], ['/../v1/authorize', 404, 'API_ROUTE_UNKNOWN'], ['/v1/%zz', 400, 'API_REQUEST_INVALID']] as const) {
      const answer = await ask('nginx', {}, path);
      expect(answer).toMatchObject({ status, headers: empty });
      expect(JSON.parse(answer.body)).toMatchObject({ code });
    }
  });

  test('with headers beyond the bound is cut off', async () => {
    const answer = await ask('nginx', { authorization: `Bearer ${'x'.repeat(40_000)}` }).catch((error: unknown) => error);
    expect(answer instanceof Error || (answer as Answer).status === 431).toBe(true);
  });

  test('with an old protocol is refused', async () => {
    const socket = connect({ host: '127.0.0.1', port, maxVersion: 'TLSv1.2', rejectUnauthorized: false });
    const outcome = await new Promise((resolve) => socket.once('secureConnect', () => resolve('connected')).once('error', () => resolve('refused')));
    expect(outcome).toBe('refused');
  });
});

test('its identity is renewed under a connection that stays up', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ...tlsOf('nginx') });
  const before = box.identity('edge').now().leaf.serialNumber;
  expect((await ask(undefined, { authorization: `Bearer ${fresh()}` }, '/v1/authorize', agent)).status).toBe(200);
  box.write('edge.yaml', identity('edge', { dnsNames: ['edge.shop.svc'] }));
  await until('edge is renewed', () => box.identity('edge').now().leaf.serialNumber !== before || undefined);
  await until('the gateway serves with it', async () => (await presented()) === box.identity('edge').now().leaf.serialNumber || undefined);
  expect((await ask(undefined, { authorization: `Bearer ${fresh()}` }, '/v1/authorize', agent)).status).toBe(200);
  agent.destroy();
});

function presented(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ...tlsOf('nginx') }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
      socket.end();
    });
    socket.once('error', reject);
  });
}

test('decisions are counted, refusals audited, and nothing of what callers send is written anywhere', async () => {
  const secret = 'hunter2@example.com';
  const accepted = await authorize(fresh({ sub: secret }));
  expect(accepted.status).toBe(200);
  // Whatever a caller may fill: claims, names of keys and issuers, schemes, other headers, the path and the query.
  const marked = { sub: secret, aud: secret, scope: secret, email: secret, iss: `https://${secret}`, 'hunter2': secret };
  const tokens = [fresh({ ...marked, iss: issuer }), fresh(marked), fresh(marked, signingKey('ES256', secret)), `${secret}.${secret}.${secret}`, Buffer.from(secret).toString('base64url'), fresh({ exp: secret })];
  for (const token of tokens) await ask('nginx', { authorization: `Bearer ${token}`, cookie: secret, 'user-agent': secret, 'x-forwarded-for': secret, 'x-auth-subject': secret, 'x-request-id': secret, referer: `https://${secret}/` });
  for (const authorization of [secret, `Basic ${secret}`, `Bearer ${secret} ${secret}`, `hunter2 ${fresh()}`]) await ask('nginx', { authorization });
  for (const path of [`/${secret}`, `/v1/authorize?token=${secret}`, `/v1/authorize/${secret}`]) await ask('nginx', { authorization: `Bearer ${fresh({ sub: secret, aud: secret })}` }, path);
  await ask('stranger', { authorization: `Bearer ${fresh({ sub: secret })}` });
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  expect(unlikePage('gateway', metrics, ['shop', 'edge', 'hunter2'])).toEqual([]);
  expect(metrics).toMatch(/mtlsd_token_decisions_total\{outcome="accepted"\} [1-9]/u);
  expect(metrics).toMatch(/mtlsd_token_decisions_total\{outcome="audience-wrong"\} [1-9]/u);
  const { stdout, stderr } = await gateway.stop();
  const lines = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toContainEqual(expect.objectContaining({ decision: 'token-refused', object: 'Token', spiffeId: 'spiffe://shop.example/ns/shop/sa/nginx', reason: 'audience-wrong' }));
  // The good ones are counted: lines of them bear a number.
  expect(lines).toContainEqual(expect.objectContaining({ decision: 'verified', who: 'spiffe://shop.example/ns/shop/sa/nginx', count: expect.any(Number) as number }));
  for (const [where, text] of [['metrics', metrics], ['audit', stdout], ['log', stderr]] as const) expect(text, where).not.toMatch(/hunter2|aHVudGVyM/u);
  writeFileSync(join(box.root, 'gateway.jsonl'), stdout);
  const verified = await box.command('audit', 'verify', join(box.root, 'gateway.jsonl')).outcome();
  expect({ status: verified.status, stderr: verified.stderr }).toEqual({ status: 0, stderr: '' });
});

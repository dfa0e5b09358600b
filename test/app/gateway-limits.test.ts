/** What one who asks the gateway may use of it, over real connections: requests, connections and time. */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readGatewayConfiguration } from '../../src/app/gateway/configuration.ts';
import { systemClock } from '../../src/app/clock.ts';
import { gatewayServer, PeerIdentities } from '../../src/server/index.ts';
import { parseTrustDomainName } from '../../src/spiffe/index.ts';
import { parseCertificate, parsePem } from '../../src/x509/index.ts';
import { rootAndPair } from './root-and-pair.ts';

const nothing = (): void => undefined;
const spiffeId = 'spiffe://servers.example/ns/servers/sa/server';
let identity: Awaited<ReturnType<typeof rootAndPair>>;
const parts = new AsyncDisposableStack();

beforeAll(async () => {
  identity = await rootAndPair();
});
afterAll(() => parts.disposeAsync());

interface Gateway {
  readonly port: number;
  /** Asks without a token, with or without the SVID: what is judged before a token is. */
  readonly ask: (withSvid: boolean) => Promise<{ readonly status: number | undefined; readonly code: string | undefined; readonly retryAfter: string | undefined; readonly subject: unknown }>;
}

/** A gateway whose only peer has the SVID of `identity`. */
async function serve(requestsPerSecond: number, limits: { readonly perAddress?: number; readonly connections?: number; readonly requestMs?: number } = {}): Promise<Gateway> {
  const { root, pair } = identity;
  const trust = { trustDomain: parseTrustDomainName('servers.example'), roots: parsePem(root).map(({ der }) => parseCertificate(der)) };
  const gateways = { peers: new PeerIdentities(() => trust), accessOf: (id: string) => (id === spiffeId ? { issuers: new Map(), requestsPerSecond } : undefined), clock: systemClock };
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  const server = await gatewayServer({ tls: { ...pair, ca: root }, gateways, limits, clock: systemClock, newRequestId: randomUUID, audit: { record: nothing }, log, figures: { answered: nothing, refused: nothing }, counted: nothing });
  parts.defer(() => server.close());
  const port = Number(new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port);
  const agents = { true: new Agent({ keepAlive: true, maxSockets: 1, ca: root, ...pair }), false: new Agent({ keepAlive: true, maxSockets: 1, ca: root }) };
  parts.defer(() => Object.values(agents).forEach((agent) => agent.destroy()));
  const ask: Gateway['ask'] = (withSvid) =>
    new Promise((resolve, reject) => {
      request({ host: 'localhost', port, path: '/v1/authorize', agent: agents[`${withSvid}`] }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.on('end', () => resolve({ status: answer.statusCode, code: (JSON.parse(text) as { code?: string }).code, retryAfter: answer.headers['retry-after'], subject: answer.headers['x-auth-subject'] }));
      })
        .once('error', reject)
        .end();
    });
  return { port, ask };
}

/** Asks until it is answered with 429; fails when it never is. */
async function untilRefused(gateway: Gateway, withSvid: boolean): Promise<{ readonly before: number; readonly refusal: Awaited<ReturnType<Gateway['ask']>> }> {
  for (let before = 0; before < 500; before += 1) {
    const refusal = await gateway.ask(withSvid);
    if (refusal.status === 429) return { before, refusal };
  }
  throw new Error('it was answered each time');
}

test('a gateway that asks too often is told when to ask again, of nobody, and keeps those without an SVID from nothing', async () => {
  const gateway = await serve(2);
  const { before, refusal } = await untilRefused(gateway, true);
  expect(before).toBeGreaterThanOrEqual(20);
  expect(refusal).toMatchObject({ code: 'API_RATE_LIMITED', subject: '' });
  expect(Number(refusal.retryAfter)).toBeGreaterThan(0);
  expect(Number(refusal.retryAfter)).toBeLessThanOrEqual(10);
  expect(await gateway.ask(false)).toMatchObject({ status: 403, code: 'GATEWAY_UNKNOWN' });
});

test('whoever shows no SVID of a gateway is counted by address, and uses up nothing of one that does', async () => {
  const gateway = await serve(1_000, { perAddress: 5 });
  const { before, refusal } = await untilRefused(gateway, false);
  expect([before >= 5, refusal.code]).toEqual([true, 'API_RATE_LIMITED']);
  for (let asked = 0; asked < 10; asked += 1) expect(await gateway.ask(true)).toMatchObject({ status: 401, code: 'TOKEN_MISSING' });
});

test('more connections than there may be are closed as they come', async () => {
  const { port, ask } = await serve(1_000, { connections: 1 });
  expect(await ask(true)).toMatchObject({ code: 'TOKEN_MISSING' });
  const socket: TLSSocket = connect({ host: 'localhost', port, ca: identity.root });
  expect(await new Promise((resolve) => socket.once('secureConnect', () => resolve('up')).once('error', () => resolve('closed')).once('close', () => resolve('closed')))).toBe('closed');
  expect(await ask(true)).toMatchObject({ code: 'TOKEN_MISSING' });
});

test('whoever sends slowly is dropped', async () => {
  const { port } = await serve(1_000, { requestMs: 200 });
  const socket = connect({ host: 'localhost', port, ca: identity.root, ...identity.pair });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write('GET /v1/authorize HTTP/1.1\r\nhost: localhost\r\nx-slow: ');
  await closed;
  expect(answer).toMatch(/^HTTP\/1\.1 408 /u);
});

test('a configuration says how often each may ask, or leaves it as it is', () => {
  const configuration = (more: string): string => `{apiVersion: mtlsd.io/v1alpha1, kind: GatewayConfiguration, issuers: [], rules: [], gateways: [{spiffeId: "${spiffeId}", rules: []${more}}]}`;
  expect(['', ', requestsPerSecond: 50'].map((more) => readGatewayConfiguration(configuration(more), 'gateway.yaml').gateways[0]?.requestsPerSecond)).toEqual([2_000, 50]);
  expect(() => readGatewayConfiguration(configuration(', requestsPerSecond: 0'), 'gateway.yaml')).toThrow(/gateways\[0\]\.requestsPerSecond: 0 answers nobody/u);
});

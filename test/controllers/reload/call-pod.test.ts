/** The call itself, to real servers: what counts as taken, and what a pod cannot make of it. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { podCaller, type PodCall } from '../../../src/controllers/reload/call-pod.ts';
import { encodePem } from '../../../src/x509/index.ts';
import { dayMs, issueLeaf, keyOf, leafFields, makeHierarchy } from '../../x509/hierarchy.ts';
import { requireSpiffeId } from '../../../src/spiffe/index.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    if ('closeAllConnections' in server) (server as Server & { closeAllConnections(): void }).closeAllConnections();
  }
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const call = async (port: number, fields: Partial<PodCall> = {}): Promise<string | undefined> =>
  podCaller()({ ip: '127.0.0.1', port, path: '/-/reload?x=1', body: '{"event":"renewal"}', trust: undefined, signal: new AbortController().signal, ...fields });

const answering = async (answer: RequestListener): Promise<number> => listen(createServer(answer));

test('is one POST with what has happened, and nothing else of ours', async () => {
  const seen = Promise.withResolvers<unknown>();
  const port = await answering((request, response) => {
    request.setEncoding('utf8').on('data', (body: string) => seen.resolve({ method: request.method, url: request.url, headers: request.headers, body }));
    request.on('end', () => response.writeHead(204).end());
  });
  expect(await call(port)).toBeUndefined();
  expect(await seen.promise).toEqual({
    method: 'POST',
    url: '/-/reload?x=1',
    headers: { host: `127.0.0.1:${port}`, 'content-type': 'application/json', 'content-length': '19', 'user-agent': 'mtlsd', connection: 'close' },
    body: '{"event":"renewal"}',
  });
});

test('follows nobody to another place', async () => {
  let visited = 0;
  const other = await answering((_request, response) => {
    visited += 1;
    response.end();
  });
  const port = await answering((_request, response) => response.writeHead(307, { location: `http://127.0.0.1:${other}/` }).end());
  expect(await call(port)).toBe('it answered 307, and redirects are not followed');
  expect(visited).toBe(0);
});

test('takes an answer that is no success for none', async () => {
  expect(await call(await answering((_request, response) => response.writeHead(500).end('secret'))) ).toBe('it answered 500');
  expect(await call(await answering((request) => request.socket.destroy()))).toMatch(/socket hang up|ECONNRESET/u);
  expect(await call(await listen(createTcpServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'))))).toBeDefined();
  expect(await call(await listen(createTcpServer((socket) => socket.on('error', () => undefined).end('220 mail.example ESMTP\r\n'))))).toMatch(/Parse Error/u);
});

test('does not wait for the end of an answer, and reads no endless head', async () => {
  expect(await call(await answering((_request, response) => void response.writeHead(200).write('for ever')))).toBeUndefined();
  const endless = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 200 OK\r\n');
    for (let line = 0; line < 4_000; line += 1) socket.write(`x-${line}: ${'y'.repeat(100)}\r\n`);
  });
  expect(await call(await listen(endless))).toMatch(/Header overflow/u);
});

test('tells of a port where nobody listens', async () => {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  expect(await call(port)).toBe(`connect ECONNREFUSED 127.0.0.1:${port}`);
});

test('ends when its caller does', async () => {
  const abort = new AbortController();
  const port = await answering(() => abort.abort());
  expect(await call(port, { signal: abort.signal })).toMatch(/abort/u);
});

test('gives up on a pod that says nothing', async () => {
  const port = await answering(() => undefined);
  expect(await podCaller(20)({ ip: '127.0.0.1', port, path: '/', body: '', trust: undefined, signal: new AbortController().signal })).toBe('no answer within 0.02s');
});

test('over HTTPS reaches the very identity, and nobody of its neighbours', async () => {
  const now = Date.now();
  const hierarchy = await makeHierarchy('ECDSAP256', now - dayMs);
  const key = await keyOf('ECDSAP256', 'leaf');
  const spiffeId = 'spiffe://shop.example/ns/shop/sa/cart';
  const serving = async (id: string): Promise<number> => {
    const leaf = issueLeaf(hierarchy, leafFields(key.publicKey, { spiffeId: requireSpiffeId(id), notBeforeMs: now - 60_000, notAfterMs: now + dayMs }));
    const cert = [leaf, hierarchy.issuing].map(({ der }) => encodePem('CERTIFICATE', der)).join('');
    return listen(createTlsServer({ cert, key: key.privateKeyPem() }, (_request, response) => response.end()));
  };
  const trust = { caPem: encodePem('CERTIFICATE', hierarchy.root.der), spiffeId };
  expect(await call(await serving(spiffeId), { trust })).toBeUndefined();
  expect(await call(await serving('spiffe://shop.example/ns/shop/sa/cart2'), { trust })).toBe(`it does not present a certificate of ${spiffeId}`);
  const stranger = await makeHierarchy('ECDSAP384', now - 2 * dayMs);
  expect(await call(await serving(spiffeId), { trust: { caPem: encodePem('CERTIFICATE', stranger.issuing.der), spiffeId } })).toBeDefined();
});

/** Keys of issuers over real connections: an OpenID provider that nobody here wrote, and a server that misbehaves in every way. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { documentFetcher, type DocumentFetcher } from '../../src/app/trust/fetch-document.ts';
import { fetchKeySet, readKeySet, verifyToken, type KeySetPlace } from '../../src/tokens/index.ts';
import { signingKey } from '../tokens/tokens.ts';
import { rootAndPair } from './root-and-pair.ts';

const key = signingKey('ES256', 'one');
const keySet = JSON.stringify({ keys: [key.jwk] });

let fetcher: DocumentFetcher;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let server: ReturnType<typeof createServer>;
let origin: string;
let requests: string[];

beforeEach(async () => {
  requests = [];
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  fetcher = documentFetcher({ privateAddresses: true, ca: async () => undefined });
});

afterEach(async () => {
  await fetcher[Symbol.asyncDispose]();
  server.closeAllConnections();
  server.close();
});

const json = (body: string, headers: object = {}) => (_request: IncomingMessage, response: ServerResponse) => response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body);
const fetched = (place: KeySetPlace = { kind: 'url', url: `${origin}/keys` }) => fetchKeySet(place, fetcher.fetchDocument, Date.now());
const failure = async (place?: KeySetPlace) => fetched(place).then(() => expect.fail('it was accepted'), (error: unknown) => error);

describe('a key set', () => {
  test('is fetched, and fresh for as long as its server says, within bounds', async () => {
    for (const [headers, seconds] of [
      [{}, 300],
      [{ 'cache-control': 'public, max-age=600' }, 600],
      [{ 'cache-control': 'max-age=600', age: '500' }, 100],
      [{ 'cache-control': 'max-age=1' }, 60],
      [{ 'cache-control': 'max-age=31536000' }, 3600],
      [{ 'cache-control': 'no-store' }, 60],
      [{ 'cache-control': 'max-age=much' }, 300],
    ] as const) {
      answer = json(keySet, headers);
      expect((await fetched()).freshForMs).toBe(seconds * 1000);
    }
  });

  test.each<[string, string, number, object, RegExp]>([
    ['redirects', '', 302, { location: '/other' }, /redirects are not followed/u],
    ['is of another content type', keySet, 200, { 'content-type': 'text/html' }, /content type/u],
    ['has no content type', keySet, 200, {}, /content type/u],
    ['is not there', '', 404, {}, /answers 404/u],
    ['is no JSON', '<html>', 200, { 'content-type': 'application/json' }, /is no key set/u],
    ['is cut', keySet.slice(0, -5), 200, { 'content-type': 'application/json' }, /is no key set/u],
    ['is too large', ' '.repeat(300_000) + keySet, 200, { 'content-type': 'application/json' }, /more than 262144 bytes/u],
    ['has nothing but symmetric keys', '{"keys":[{"kty":"oct","k":"AA"}]}', 200, { 'content-type': 'application/json' }, /no key that can be used/u],
  ])('that %s is refused', async (_name, body, status, headers, message) => {
    answer = (_request, response) => response.writeHead(status, { ...headers }).end(body);
    expect(await failure()).toMatchObject({ code: 'TOKEN_KEYS_UNAVAILABLE', message: expect.stringMatching(message) as string });
    expect(requests).toHaveLength(1);
  });

  test.each<[string, object, number | undefined]>([
    ['seconds', { 'retry-after': '120' }, 120_000],
    ['a time that has passed', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 0],
    ['longer than the bound', { 'retry-after': '99999' }, 900_000],
    ['nothing', {}, undefined],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
  ])('of a server that is overloaded: Retry-After of %s', async (_name, headers, retryAfterMs) => {
    for (const status of [429, 503]) {
      answer = (_request, response) => response.writeHead(status, { ...headers }).end();
      expect(await failure()).toMatchObject({ code: 'TOKEN_KEYS_UNAVAILABLE', retryAfterMs });
    }
  });

  test('of a server that breaks off, or that is not there', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"keys":');
      setImmediate(() => response.destroy());
    };
    expect(await failure()).toMatchObject({ code: 'TOKEN_KEYS_UNAVAILABLE', message: expect.stringMatching(/cannot be reached/u) as string });
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    expect(await failure()).toMatchObject({ code: 'TOKEN_KEYS_UNAVAILABLE', message: expect.stringMatching(/ECONNREFUSED/u) as string });
  });

  test('of a server that drips: the time-out is for the whole', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const drip = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(drip));
    };
    await expect(fetcher.fetchDocument(`${origin}/keys`, { bytesMax: 1_000_000, timeoutMs: 200 })).rejects.toMatchObject({ message: expect.stringMatching(/within 0.2 s/u) as string });
  });
});

describe('an address that is not public', () => {
  test.each(['127.0.0.1', '10.0.0.1', '169.254.169.254', '[::1]', '[fd00::1]', '[::ffff:127.0.0.1]', '0.0.0.0', '100.64.0.1', 'localhost'])('is not asked: %s', async (host) => {
    answer = json(keySet);
    await using strict = documentFetcher({ privateAddresses: false, ca: async () => undefined });
    const url = `http://${host}:${new URL(origin).port}/keys`;
    await expect(fetchKeySet({ kind: 'url', url }, strict.fetchDocument, Date.now())).rejects.toMatchObject({ message: expect.stringMatching(/no public address/u) as string });
    expect(requests).toEqual([]);
  });
});

describe('the roots of a server', () => {
  test('are those of the moment: one that is rotated is known as soon as its file has it', async () => {
    const [before, after] = [await rootAndPair(), await rootAndPair()];
    const tls = createTlsServer(before.pair, json(keySet));
    tls.listen(0, '127.0.0.1');
    await once(tls, 'listening');
    const url = `https://localhost:${(tls.address() as AddressInfo).port}/keys`;
    let ca = before.root;
    await using verifying = documentFetcher({ privateAddresses: true, ca: async () => ca });
    const fetchKeys = async () => (await fetchKeySet({ kind: 'url', url }, verifying.fetchDocument, Date.now())).keySet.keys.length;
    expect(await fetchKeys()).toBe(1);
    tls.setSecureContext(after.pair);
    tls.closeAllConnections();
    await expect(fetchKeys()).rejects.toMatchObject({ code: 'TOKEN_KEYS_UNAVAILABLE' });
    ca = after.root;
    expect(await fetchKeys()).toBe(1);
    tls.closeAllConnections();
    tls.close();
  });
});

describe('discovery', () => {
  const discovery = (part: object = {}) => JSON.stringify({ issuer: origin, jwks_uri: `${origin}/keys`, ...part });
  const serve = (document: string) => {
    answer = (request, response) => json(request.url === '/keys' ? keySet : document)(request, response);
  };

  test('leads to the key set', async () => {
    serve(discovery());
    expect((await fetched({ kind: 'discovery', issuer: origin })).keySet.keys).toHaveLength(1);
    expect(requests).toEqual(['/.well-known/openid-configuration', '/keys']);
  });

  test.each<[string, object, RegExp]>([
    ['of another issuer', { issuer: 'https://evil.example' }, /another issuer/u],
    ['without jwks_uri', { jwks_uri: undefined }, /jwks_uri/u],
    ['with a jwks_uri of another scheme', { jwks_uri: 'file:///etc/passwd' }, /jwks_uri/u],
  ])('%s is refused', async (_name, part, message) => {
    serve(discovery(part));
    expect(await failure({ kind: 'discovery', issuer: origin })).toMatchObject({ message: expect.stringMatching(message) as string });
  });
});

test('tokens of a real OpenID provider are accepted, and those of another one are not', async () => {
  const provider = (port: number) =>
    new Provider(`http://127.0.0.1:${port}`, {
      clients: [{ client_id: 'robot', client_secret: 'not-a-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], id_token_signed_response_alg: 'ES256' }],
      features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false }, resourceIndicators: { enabled: true, getResourceServerInfo: () => ({ scope: 'read', audience: 'api', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }) } },
      jwks: { keys: [{ ...key.privateKey.export({ format: 'jwk' }), kid: key.kid, use: 'sig', alg: 'ES256' }] },
      ttl: { ClientCredentials: 600 },
    });
  const callback = provider(Number(new URL(origin).port)).callback();
  answer = (request, response) => void callback(request, response);
  const granted = await fetch(`${origin}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('robot:not-a-secret').toString('base64')}`, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials&scope=read&resource=https://api.example',
  });
  const { access_token: token } = (await granted.json()) as { access_token: string };
  const { keySet: found } = await fetched({ kind: 'discovery', issuer: origin });
  const rules = { issuer: origin, audiences: ['api'], algorithms: ['ES256'], types: ['at+jwt'], scopes: ['read'], requiredClaims: [{ path: ['client_id'], values: ['robot'] }], clockToleranceMs: 0, maxLifetimeMs: 600_000 } as const;
  const judged = (keys: typeof found.keys) => verifyToken(token, new Map([[origin, { rules, keys: { find: () => ({ kind: 'found', keys }) } }]]), Date.now());
  expect(await judged(found.keys)).toMatchObject({ accepted: true, subject: 'robot', scopes: ['read'] });
  expect(await judged(readKeySet(JSON.stringify({ keys: [signingKey('ES256', 'one').jwk] }))?.keys ?? [])).toMatchObject({ accepted: false, reason: 'signature-wrong' });
});

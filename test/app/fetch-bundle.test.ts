/** Servers of bundles over real TLS: by either profile, and in every way in which they are not who they should be, or misbehave. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer as createPlainServer } from 'node:http';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bundleFetcher } from '../../src/app/trust/fetch-bundle.ts';
import type { BundleServer } from '../../src/controllers/index.ts';
import { parseDnsName, requireSpiffeId } from '../../src/spiffe/index.ts';
import { encodePem, type Certificate } from '../../src/x509/index.ts';
import { dayMs, issueLeaf, keyOf, leafFields, makeHierarchy, type Hierarchy } from '../x509/hierarchy.ts';

const nowMs = Date.now();
const spiffeId = requireSpiffeId('spiffe://shop.example/ns/shop/sa/cart');
const fetchBundle = bundleFetcher({ nowMs: () => nowMs });
const pem = (...certificates: readonly Certificate[]): string => certificates.map(({ der }) => encodePem('CERTIFICATE', der)).join('');

let hierarchy: Hierarchy;
let stranger: Hierarchy;
let keyPem: string;
let sound: Certificate;
let expired: Certificate;
let server: ReturnType<typeof createServer>;
let origin: string;
let requests: string[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  hierarchy = await makeHierarchy('ECDSAP256', nowMs - dayMs);
  stranger = await makeHierarchy('ECDSAP384', nowMs - dayMs);
  const key = await keyOf('ECDSAP256', 'leaf');
  keyPem = key.privateKeyPem();
  const fields = { dnsNames: [parseDnsName('localhost')], notBeforeMs: nowMs - dayMs / 2, notAfterMs: nowMs + dayMs };
  sound = issueLeaf(hierarchy, leafFields(key.publicKey, fields));
  expired = issueLeaf(hierarchy, leafFields(key.publicKey, { ...fields, notAfterMs: nowMs - 60_000 }));
});

beforeEach(async () => {
  requests = [];
  server = createServer({ key: keyPem, cert: pem(sound, hierarchy.issuing) }, (request, response) => {
    requests.push(request.url ?? '');
    answer(request, response);
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  answer = (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"keys":[]}');
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const web = (): BundleServer => ({ profile: 'https_web', roots: pem(hierarchy.root) });
const spiffe = (part: Partial<Extract<BundleServer, { profile: 'https_spiffe' }>> = {}): BundleServer => ({ profile: 'https_spiffe', spiffeId, roots: [hierarchy.root], ...part });
const ask = (who: BundleServer, part: Partial<Parameters<typeof fetchBundle>[0]> = {}) => fetchBundle({ url: `${origin}/bundle`, server: who, privateAddresses: true, bytesMax: 1_000, timeoutMs: 5_000, signal: new AbortController().signal, ...part });

describe('a server that is who it should be', () => {
  test.each([['https_web', web], ['https_spiffe', spiffe]])('is asked by %s, and its answer read whole', async (_profile, who) => {
    expect(await ask(who())).toMatchObject({ status: 200, body: '{"keys":[]}', headers: { 'content-type': 'application/json' } });
    expect(requests).toEqual(['/bundle']);
  });

  test('is not followed to where it leads', async () => {
    answer = (_request, response) => response.writeHead(302, { location: 'https://localhost/other' }).end();
    expect(await ask(spiffe())).toMatchObject({ status: 302, headers: { location: 'https://localhost/other' } });
    expect(requests).toEqual(['/bundle']);
  });
});

describe('a server that is not', () => {
  test.each<[string, () => BundleServer, RegExp]>([
    ['of another SPIFFE ID', () => spiffe({ spiffeId: requireSpiffeId('spiffe://shop.example/spire/server') }), /does not show spiffe:\/\/shop\.example\/spire\/server/u],
    ['of another trust domain', () => spiffe({ spiffeId: requireSpiffeId('spiffe://other.example/ns/shop/sa/cart') }), /does not show spiffe:\/\/other\.example/u],
    ['below roots that are not its own', () => spiffe({ roots: [stranger.issuing] }), /does not show/u],
    ['below no root at all', () => spiffe({ roots: [] }), /does not show/u],
    ['known to the system', () => ({ profile: 'https_web', roots: undefined }), /not trusted/u],
  ])('%s is asked nothing', async (_name, who, why) => {
    await expect(ask(who())).rejects.toMatchObject({ code: 'FEDERATION_SERVER_REFUSED', message: expect.stringMatching(why) as string });
    expect(requests).toEqual([]);
  });

  test.each([['https_web', web], ['https_spiffe', spiffe]])('valid any more is asked nothing by %s', async (_profile, who) => {
    server.setSecureContext({ key: keyPem, cert: pem(expired, hierarchy.issuing) });
    await expect(ask(who())).rejects.toMatchObject({ code: 'FEDERATION_SERVER_REFUSED' });
    expect(requests).toEqual([]);
  });

  test('of the host name that was asked is asked nothing by https_web, and all the same by https_spiffe', async () => {
    const url = `${origin.replace('localhost', (server.address() as AddressInfo).family === 'IPv6' ? '[::1]' : '127.0.0.1')}/bundle`;
    await expect(ask(web(), { url })).rejects.toMatchObject({ code: 'FEDERATION_SERVER_REFUSED' });
    expect(await ask(spiffe(), { url })).toMatchObject({ status: 200 });
  });
});

describe('a server that misbehaves', () => {
  test('is given up when it answers with too much', async () => {
    answer = (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(' '.repeat(100_000));
    await expect(ask(web())).rejects.toMatchObject({ code: 'FEDERATION_ANSWER_REFUSED', message: expect.stringMatching(/more than 1000 bytes/u) as string });
  });

  test.each<[string, () => void]>([
    ['never answers', () => (answer = () => undefined)],
    ['drips', () => (answer = (_request, response) => void setInterval(() => response.write(' '), 10).unref())],
  ])('is given up when it %s', async (_name, misbehave) => {
    misbehave();
    await expect(ask(spiffe(), { timeoutMs: 300 })).rejects.toMatchObject({ code: 'FEDERATION_UNREACHABLE', message: expect.stringMatching(/within 0\.3 s/u) as string });
  });

  test('is given up when it breaks off, or is not there', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '900' });
      response.write('{');
      setImmediate(() => response.destroy());
    };
    await expect(ask(web())).rejects.toMatchObject({ code: 'FEDERATION_UNREACHABLE' });
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await expect(ask(web())).rejects.toMatchObject({ code: 'FEDERATION_UNREACHABLE', message: expect.stringMatching(/ECONNREFUSED/u) as string });
  });

  test('is given up when it speaks no TLS', async () => {
    const plain = createPlainServer((_request, response) => response.end('{"keys":[]}')).listen(0, 'localhost');
    await once(plain, 'listening');
    await expect(ask(web(), { url: `https://localhost:${(plain.address() as AddressInfo).port}/` })).rejects.toMatchObject({ code: 'FEDERATION_UNREACHABLE' });
    plain.close();
  });

  test.each(['127.0.0.1', '169.254.169.254', '[::1]', 'localhost'])('does not lead us to %s', async (host) => {
    const url = `https://${host}:${new URL(origin).port}/`;
    await expect(ask(spiffe(), { url, privateAddresses: false })).rejects.toMatchObject({ code: 'FEDERATION_ANSWER_REFUSED', message: expect.stringMatching(/no public address/u) as string });
    expect(requests).toEqual([]);
  });

  test('is left when we end', async () => {
    answer = () => undefined;
    const ending = new AbortController();
    const asked = ask(spiffe(), { signal: ending.signal });
    await once(server, 'request');
    ending.abort();
    await expect(asked).rejects.toMatchObject({ code: 'FEDERATION_UNREACHABLE' });
  });
});

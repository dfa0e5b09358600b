import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { inspectCommand } from '../../src/cli/inspect.ts';
import type { InspectReport } from '../../src/cli/inspect-report.ts';
import { readServerFlight } from '../../src/cli/tls-handshake.ts';
import { parseTlsUrl, presentedBy } from '../../src/cli/tls-peer.ts';
import { verifyCommand } from '../../src/cli/verify.ts';
import { encodePem } from '../../src/x509/index.ts';
import { atMs, cartId, derOf, issuingLink, leafLink, rootLink } from '../fuzz/forged-chain.ts';
import { OpensslFolder, type Outcome, runCli } from './verify-fixtures.ts';

const root = rootLink();
const issuing = issuingLink(root);
const leaf = leafLink(issuing);
const pemOf = (...links: readonly (typeof leaf)[]): string => links.map((link) => encodePem('CERTIFICATE', derOf(link))).join('');
const key = encodePem('PRIVATE KEY', leaf.key.pkcs8);
const sound: TlsOptions = { key, cert: pemOf(leaf, issuing), ca: pemOf(root), minVersion: 'TLSv1.2' };

describe('a server', () => {
  const folder = new OpensslFolder();
  afterAll(() => folder[Symbol.dispose]());
  const bundle = folder.write('ca.crt', pemOf(root));
  const identity = folder.write('credential-bundle.pem', key + pemOf(leaf, issuing));

  const running: { server: Server; sockets: Set<Socket> }[] = [];
  afterEach(() => {
    for (const { server, sockets } of running.splice(0)) {
      server.close();
      for (const socket of sockets) socket.destroy();
    }
  });

  async function listen(server: Server): Promise<string> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => sockets.add(socket));
    running.push({ server, sockets });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return `tls://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const serve = (options: TlsOptions): Promise<string> => listen(createTlsServer({ ...sound, ...options }).on('tlsClientError', () => undefined));
  const inspect = (...args: readonly string[]): Promise<Outcome> => runCli(inspectCommand, args, { nowMs: atMs });
  const report = async (...args: readonly string[]): Promise<InspectReport> => JSON.parse((await inspect(...args, '--output', 'json')).stdout) as InspectReport;

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('shows what is presented by %s, in its order and no more', async (protocol) => {
    const url = await serve({ minVersion: protocol, maxVersion: protocol });
    expect(await report(url)).toMatchObject({
      file: url,
      what: `a server that presents a chain of 2 certificates (${protocol})`,
      handshake: { protocol, asksForCertificate: false, gaveCertificate: false },
      certificates: [{ role: 'leaf', spiffeId: cartId, link: { holds: true } }, { role: 'authority', subject: 'CN=issuing' }],
      sound: true,
    });
    const { stdout, exitCode } = await inspect(url);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/client certificate {2}not asked for/u);
  });

  test.each(['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'])('is read under %s', async (cipher) => {
    const url = await serve({ ciphers: cipher, minVersion: 'TLSv1.3' });
    expect(await report(url)).toMatchObject({ handshake: { cipher }, certificates: [{ spiffeId: cartId }, {}] });
  });

  test('is read after it asked to try again with another group', async () => {
    const url = await serve({ minVersion: 'TLSv1.3', ecdhCurve: 'P-384' });
    expect(await report(url)).toMatchObject({ certificates: [{ spiffeId: cartId }, {}] });
  });

  test('is shown in the order that it presents, wrong as it is', async () => {
    const deep = issuingLink(root, {}, 'deep');
    const url = await serve({ cert: pemOf(leaf, deep, issuing, root) });
    const seen = await report(url);
    expect(seen.certificates.map(({ subject }) => subject)).toEqual(['', 'CN=deep', 'CN=issuing', 'CN=root']);
    expect(seen.certificates[0]).toMatchObject({ link: { holds: false } });
    expect((await inspect(url)).exitCode).toBe(1);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('that asks for a client certificate by %s says so, and is given one', async (protocol) => {
    const url = await serve({ requestCert: true, rejectUnauthorized: true, minVersion: protocol, maxVersion: protocol });
    const without = await report(url);
    expect(without).toMatchObject({ handshake: { asksForCertificate: true, gaveCertificate: false }, certificates: [{ spiffeId: cartId }, {}] });
    expect((await inspect(url)).stdout).toContain('asked for, and none given');
    expect(await report(url, '--client-identity', identity)).toMatchObject({ handshake: { asksForCertificate: true, gaveCertificate: true } });
  });

  test('is asked for the name that is given', async () => {
    const names: string[] = [];
    const url = await serve({ SNICallback: (name, done) => done(null, void names.push(name)) });
    await inspect(url, '--server-name', 'cart.shop.svc');
    await inspect(url.replace('127.0.0.1', 'localhost'));
    expect(names).toEqual(['cart.shop.svc', 'localhost']);
  });

  test('is verified against a bundle', async () => {
    const url = await serve({});
    const verify = (...args: readonly string[]): Promise<Outcome> => runCli(verifyCommand, [url, ...args], { nowMs: atMs });
    const outcome = await verify('--bundle', bundle, '--spiffe-id', cartId);
    expect(outcome).toMatchObject({ exitCode: 0 });
    expect(outcome.stdout).toContain(`valid  ${url}: ${cartId}\n`);
    const other = folder.write('other.crt', pemOf(rootLink({}, 'other-root')));
    const refused = await verify('--bundle', other);
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stdout).toContain('UNTRUSTED_ROOT');
  });

  describe('cannot be read', () => {
    const answering = (answer: (socket: Socket) => void): Promise<string> => listen(createServer((socket) => answer(socket.on('error', () => undefined))));

    test('when nothing listens', async () => {
      const url = await answering(() => undefined);
      const { server } = running.pop() ?? {};
      await new Promise((resolve) => server?.close(resolve));
      const { stderr, stdout } = await inspect(url);
      expect(stdout).toBe('');
      expect(stderr).toContain(`${url} refused the connection: nothing listens there`);
    });

    test('when it does not speak TLS', async () => {
      const url = await answering((socket) => void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
      expect((await inspect(url)).stderr).toContain(`${url} answers, but not in TLS`);
    });

    test('when it hangs up', async () => {
      const url = await answering((socket) => socket.destroy());
      expect((await inspect(url)).stderr).toContain('cut the connection during the handshake');
    });

    test('when it says nothing in time', async () => {
      const url = await answering(() => undefined);
      await expect(presentedBy(parseTlsUrl(url, undefined), undefined, 50)).rejects.toMatchObject({
        code: 'TLS_PEER_UNAVAILABLE',
        message: expect.stringContaining('did not answer within 0.05 s') as unknown,
      });
    });

    test('when its name is unknown', async () => {
      expect((await inspect('tls://no-such-host.invalid:443')).stderr).toMatch(/resolved/u);
    });

    test.each(['tls://', 'tls://cart', 'tls://cart:0', 'tls://cart:65536', 'tls://cart:443/path', 'tls://a b:443'])('when its address is %s', async (url) => {
      expect(await inspect(url)).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('write it as tls://HOST:PORT') as unknown });
    });

    test('with an identity that is none, and options for servers are refused for files', async () => {
      const url = await serve({});
      expect((await inspect(url, '--client-identity', bundle)).stderr).toContain('is no identity');
      expect((await inspect(bundle, '--server-name', 'x')).stderr).toContain('--server-name is for servers');
    });
  });
});

test('what a server sends is read to where it makes sense, and no further', () => {
  const record = (type: number, content: Buffer): Buffer => Buffer.concat([Buffer.of(type, 3, 3, content.length >> 8, content.length & 0xff), content]);
  const certificate = Buffer.from('0b00000a 000007 000003 aabbcc 00'.replaceAll(' ', ''), 'hex');
  for (const nonsense of [Buffer.alloc(0), Buffer.of(22), Buffer.alloc(1000, 0xff), record(22, certificate), record(22, Buffer.from('02000000', 'hex')), record(23, Buffer.alloc(40))]) {
    expect(readServerFlight(nonsense, Buffer.alloc(32))).toEqual({ certificates: undefined, asksForCertificate: false });
  }
  const whole = Buffer.from('0b000009 000006 000003 aabbcc'.replaceAll(' ', ''), 'hex');
  expect(readServerFlight(Buffer.concat([record(22, whole.subarray(0, 5)), record(22, whole.subarray(5))]), undefined).certificates).toEqual([Uint8Array.of(0xaa, 0xbb, 0xcc)]);
});

/** The API over TLS with an SVID of its own, and the client that keeps a folder fresh. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchOnce, keepFresh } from '../../../src/app/svid-client/keep-svid.ts';
import { lookAtBundle } from '../../../src/app/svid-client/look-at-bundle.ts';
import { Identity } from '../../standalone/identity.ts';
import { until } from '../../standalone/wait.ts';
import { ApiSite, externalToken, otherIssuer } from './api-site.ts';

const hourMs = 3_600_000;
const nothing = (): void => undefined;
let site: ApiSite;
let served: Awaited<ReturnType<ApiSite['serve']>>;
let root: string;
let ca: string;
let port: number;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'mtlsd-api-'));
  site = await ApiSite.start({ dnsNames: { allowedPatterns: ['localhost', '*.{namespace}.svc'] }, jwt: {} });
  served = await site.serve('shop', 'edge');
  port = Number(new URL(served.address).port);
});
afterAll(async () => {
  await served[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
  rmSync(root, { recursive: true });
});

const secret = (): Readonly<Record<string, string>> | undefined => site.store.peek({ kind: 'Secret', namespace: 'shop', name: 'edge-mtls' })?.data;

/** Grants the API its identity, under this name too. */
function grantServer(...names: readonly string[]): void {
  site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace: 'shop', name: 'edge' }, spec: { dnsNames: ['localhost', ...names] } });
}

/** Asks for a bundle over a connection of `agent`. @returns the serial of the certificate that the server showed on it */
function serial(agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ host: 'localhost', port, path: '/v1/trust-domains/shop.example/bundle', agent, ca }, (response) => {
      const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume().on('end', () => resolve(`${response.statusCode} ${serialNumber}`));
    })
      .on('error', reject)
      .end();
  });
}

async function connected(to: number): Promise<TLSSocket | undefined> {
  const socket = connect({ host: 'localhost', port: to, ca });
  return once(socket, 'secureConnect').then(() => socket, () => undefined);
}

describe('the server', () => {
  test('has its certificate once its identity is granted, and changes it without a dropped connection', async () => {
    await expect(once(connect({ host: 'localhost', port }), 'secureConnect')).rejects.toThrow('handshake failure');
    grantServer();
    ca = Buffer.from(await until('the API has its identity', () => secret()?.['ca.crt']), 'base64').toString('utf8');
    const old = new Agent({ keepAlive: true, maxSockets: 1 });
    const first = await until('it serves with it', () => serial(old).catch(() => undefined));
    expect(first).toMatch(/^200 /u);
    grantServer('edge.shop.svc');
    const fresh = await until('a new connection shows another certificate', async () => {
      const agent = new Agent();
      const shown = await serial(agent);
      agent.destroy();
      return shown === first ? undefined : shown;
    });
    expect(fresh).toMatch(/^200 /u);
    expect(await serial(old)).toBe(first);
    old.destroy();
  });

  test.each([
    ['headers', 'POST /v1/svids/x509 HTTP/1.1\r\nHost: localhost\r\n'],
    ['a body', `POST /v1/svids/x509 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${externalToken()}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`],
  ])('lets no client take for ever over %s', async (_what, beginning) => {
    await using hasty = await site.serve('shop', 'edge', { requestMs: 300, checkMs: 50 });
    const socket = await until('it serves', () => connected(Number(new URL(hasty.address).port)));
    socket.write(beginning);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('utf8')));
    await once(socket, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /u);
  });
});

describe('mtlsd svid fetch', () => {
  const out = (): string => join(root, 'svid');
  const token = (): string => join(root, 'token');
  const lines: string[] = [];
  const keeping = (aheadMs = 0, signalled?: { readonly signal: NodeJS.Signals; readonly pidFile: string }) => ({
    server: { api: `https://localhost:${port}`, ca: async () => Promise.resolve(ca), tokenFile: token(), identity: undefined, ttl: undefined },
    out: out(),
    jwtAudience: undefined,
    signalled,
    clock: { nowMs: () => Date.now() + aheadMs },
    log: { debug: nothing, info: (line: string) => void lines.push(line), warn: (line: string) => void lines.push(line), error: nothing },
  });
  const never = new AbortController().signal;

  test('leaves a folder that a peer accepts, with a key that nobody else can read', async () => {
    writeFileSync(token(), `${externalToken()}\n`);
    expect(await fetchOnce(keeping(), never)).toBe('spiffe://shop.example/ext/ci/acme/1234');
    expect(new Identity(out()).now()).toBeDefined();
    expect(statSync(join(out(), 'tls.key')).mode & 0o777).toBe(0o600);
  });

  test('keeps what is fresh, renews what is due, and tells a process', async () => {
    const child = spawn(process.execPath, ['-e', "process.on('SIGHUP', () => { console.log('told'); process.exit(0); }); console.log('here'); setInterval(() => {}, 1000);"], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const pidFile = join(root, 'pid');
    writeFileSync(pidFile, `${child.pid}\n`);
    const before = readlinkSync(join(out(), '..data'));
    const stop = new AbortController();
    const fresh = keepFresh(keeping(), stop.signal);
    await until('it has found the SVID', () => lines.includes('an SVID is there') || undefined);
    stop.abort();
    await fresh;
    expect(readlinkSync(join(out(), '..data'))).toBe(before);
    const due = new AbortController();
    const ended = once(child, 'exit');
    const renewing = keepFresh(keeping(0.65 * hourMs, { signal: 'SIGHUP', pidFile }), due.signal);
    expect((await ended)[0]).toBe(0);
    due.abort();
    await renewing;
    expect(readlinkSync(join(out(), '..data'))).not.toBe(before);
    expect(new Identity(out()).now()).toBeDefined();
  });

  test('goes on with what it has while the API refuses, and says why', async () => {
    const before = readFileSync(join(out(), 'tls.crt'), 'utf8');
    writeFileSync(token(), externalToken({ aud: 'somebody else' }));
    await expect(fetchOnce(keeping(), never)).rejects.toMatchObject({ code: 'API_REFUSED', message: expect.stringContaining('API_TOKEN_REFUSED') as string });
    const stop = new AbortController();
    lines.length = 0;
    const kept = keepFresh(keeping(0.65 * hourMs), stop.signal);
    await until('it has tried again', () => lines.filter((line) => line === 'no SVID was fetched').length > 1 || undefined);
    stop.abort();
    await kept;
    expect(readFileSync(join(out(), 'tls.crt'), 'utf8')).toBe(before);
  });

  test('believes no server that its roots do not know', async () => {
    const { server, ...more } = keeping();
    await expect(fetchOnce({ ...more, server: { ...server, ca: async () => Promise.resolve(undefined) } }, AbortSignal.abort())).rejects.toMatchObject({ code: 'API_UNREACHABLE', message: expect.stringContaining('do not vouch for its certificate') as string });
  });

  test('asks for the roots of the server again each time: its root is rotated like any other', async () => {
    const { server, ...more } = keeping(0.65 * hourMs);
    let roots: string | undefined;
    const stop = new AbortController();
    lines.length = 0;
    writeFileSync(token(), externalToken());
    const kept = keepFresh({ ...more, server: { ...server, ca: async () => Promise.resolve(roots) } }, stop.signal);
    await until('it was refused', () => lines.includes('no SVID was fetched'));
    roots = ca;
    await until('it has fetched', () => lines.includes('an SVID was fetched'));
    stop.abort();
    await kept;
  });

  test('has a new root while its certificate is fresh, and before anything is signed below it', async () => {
    const { server } = keeping();
    const roots = (): string => readFileSync(join(out(), 'ca.crt'), 'utf8');
    expect(await lookAtBundle(server, 'spiffe://shop.example/any', roots())).toEqual({ isOther: false, againMs: 300_000 });
    await expect(lookAtBundle(server, 'spiffe://nobody.example/any', roots())).rejects.toMatchObject({ code: 'API_REFUSED' });
    const authorities = site.store.peek({ kind: 'TrustDomain', name: 'shop.example' })?.status?.authorities ?? [];
    const fromAuthority = authorities.find(({ role }) => role === 'Root')?.keyIdentifier ?? '';
    site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: 'held' }, spec: { trustDomain: 'shop.example', what: 'Root', fromAuthority, approvals: ['Written'] } });
    await until('the API serves another root', async () => (await lookAtBundle(server, 'spiffe://shop.example/any', roots())).isOther);
    const stop = new AbortController();
    const kept = keepFresh(keeping(), stop.signal);
    await until('both roots are there', () => roots().match(/BEGIN/gu)?.length === 2);
    stop.abort();
    await kept;
    expect(lines).toContain('the roots are others');
    expect(new Identity(out()).now()).toBeDefined();
  });

  test('touches no folder that holds something else', async () => {
    writeFileSync(join(root, 'foreign'), '');
    await expect(fetchOnce({ ...keeping(), out: root }, never)).rejects.toMatchObject({ code: 'CONFIGURATION_INVALID' });
  });
});

describe('mtlsd svid fetch with a JWT-SVID', () => {
  const lines: string[] = [];
  let out: string;
  let token: string;
  beforeAll(() => {
    [out, token] = [join(root, 'both'), join(root, 'caller')];
  });
  const keeping = (aheadMs = 0) => ({
    server: { api: `https://localhost:${port}`, ca: async () => Promise.resolve(ca), tokenFile: token, identity: undefined, ttl: undefined },
    out,
    jwtAudience: 'orders',
    signalled: { signal: 'SIGHUP' as const, pidFile: join(root, 'nobody') },
    clock: { nowMs: () => Date.now() + aheadMs },
    log: { debug: nothing, info: (line: string) => void lines.push(line), warn: (line: string) => void lines.push(line), error: nothing },
  });
  const read = (name: string): string => readFileSync(join(out, name), 'utf8');
  const held = () => ({ pair: read('tls.crt'), jwt: read('jwt_svid.token'), subject: decodeJwt(read('jwt_svid.token')).sub });

  /** Keeps the folder until its log has this line. */
  async function keepUntil(line: string, aheadMs: number, also: () => boolean = () => true): Promise<void> {
    lines.length = 0;
    const stop = new AbortController();
    const kept = keepFresh(keeping(aheadMs), stop.signal);
    await until(line, () => lines.includes(line) && also());
    stop.abort();
    await kept;
  }

  test('leaves both, of one identity, and nobody else can read the token', async () => {
    writeFileSync(token, externalToken());
    expect(await fetchOnce(keeping(), AbortSignal.abort())).toBe('spiffe://shop.example/ext/ci/acme/1234');
    expect(new Identity(out).now()?.spiffeId).toBe(held().subject);
    expect(decodeJwt(held().jwt)).toMatchObject({ aud: ['orders'] });
    expect(statSync(join(out, 'jwt_svid.token')).mode & 0o777).toBe(0o600);
  });

  test('renews the token by itself, and signals nobody for it', async () => {
    const before = held();
    await keepUntil('a JWT-SVID was fetched', 180_000, () => held().jwt !== before.jwt);
    expect([held().pair === before.pair, held().jwt === before.jwt, lines.includes('the process was not signalled')]).toEqual([true, false, false]);
  });

  test('replaces both when its caller has become another', async () => {
    writeFileSync(token, externalToken({ repository_id: 5678 }));
    await keepUntil('an SVID was fetched', 180_000);
    expect([new Identity(out).now()?.spiffeId, held().subject]).toEqual(['spiffe://shop.example/ext/ci/acme/5678', 'spiffe://shop.example/ext/ci/acme/5678']);
  });

  test('keeps the certificate fresh where there are no tokens', async () => {
    out = join(root, 'without');
    writeFileSync(token, externalToken({ iss: otherIssuer, deep: { name: 'cart' } }));
    await keepUntil('no JWT-SVID was fetched', 0);
    expect(new Identity(out).now()?.spiffeId).toBe('spiffe://other.example/ext/elsewhere/cart');
    expect(() => read('jwt_svid.token')).toThrow('ENOENT');
    await expect(fetchOnce(keeping(), AbortSignal.abort())).rejects.toMatchObject({ code: 'API_REFUSED', message: expect.stringContaining('API_JWT_OFF') as string });
  });
});

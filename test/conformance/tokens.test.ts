/**
 * JWT-SVIDs before libraries that nobody here wrote, with nothing but the issuer's URL and the roots of its web server: found by
 * OpenID Connect discovery over TLS, before and after another key has taken over; and by the SPIFFE bundle.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRemoteJWKSet, customFetch, decodeProtectedHeader, jwtVerify } from 'jose';
import { Agent, fetch, request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiSite, externalToken, otherIssuer } from '../app/api/api-site.ts';
import { JumpingClock } from '../app/api/jumping-clock.ts';
import { freePorts } from '../cluster/ports.ts';
import { makeWebPair } from '../x509/web-pair.ts';
import { goJudge } from './judges/go.ts';
import { pythonJudge } from './judges/python.ts';
import { LineProgram } from './line-program.ts';
import { requirementsMet } from './requirements.ts';

interface Verdict {
  readonly ok: boolean;
  readonly spiffeId?: string;
  readonly reason?: string;
}

type Verdicts = Readonly<Record<string, Verdict>>;
type Keys = ReturnType<typeof createRemoteJWKSet>;

const minuteMs = 60_000;
const cart = 'spiffe://shop.example/ns/shop/sa/cart';
const env = process.env;
const met = await requirementsMet('libraries that verify tokens', ['go', 'python'], env);

describe.skipIf(!met)('tokens', () => {
  const parts = new AsyncDisposableStack();
  // A key signs for an hour here. It begins before the libraries come, whose clock is the machine's.
  const clock = new JumpingClock(-70 * minuteMs);
  let leftMs = 70 * minuteMs;
  const fetched = new Map<string, Keys>();
  let site: ApiSite;
  let agent: Agent;
  let roots: string;
  let base: string;
  let programs: readonly LineProgram[];

  beforeAll(async () => {
    programs = [parts.use(new LineProgram([await goJudge(env), 'tokens'], env)), parts.use(new LineProgram([...(await pythonJudge(env)), 'tokens'], env))];
    const folder = await mkdtemp(join(tmpdir(), 'mtlsd-tokens-'));
    parts.defer(() => rm(folder, { recursive: true }));
    const pair = await makeWebPair();
    const at = (name: string): string => join(folder, name);
    roots = at('roots.pem');
    await Promise.all([writeFile(at('tls.key'), pair.key), writeFile(at('tls.crt'), pair.cert), writeFile(roots, pair.roots)]);
    const [port = 0] = await freePorts(1);
    base = `https://localhost:${port}`;
    site = parts.use(await ApiSite.start({ jwt: { issuer: `${base}/shop.example`, ttl: '1h', keyLifetime: '1h' } }, clock));
    site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'other.example' }, spec: { jwt: { issuer: `${base}/other.example`, algorithm: 'RS256' } } });
    parts.use(await site.serveWith({ listen: { host: 'localhost', port }, serving: { kind: 'files', cert: at('tls.crt'), key: at('tls.key') } }));
    agent = new Agent({ connect: { ca: pair.roots } });
    parts.defer(() => agent.destroy());
  }, 300_000);
  afterAll(() => parts.disposeAsync());

  /** Lets time pass as it does, a few minutes each, until the clock is this much behind the machine's. */
  async function passUntil(behindMs: number): Promise<void> {
    while (leftMs > behindMs) {
      leftMs = Math.max(behindMs, leftMs - 2 * minuteMs);
      clock.jump(-leftMs);
      await site.controllers.whenIdle();
    }
  }

  async function mint(caller: string, audience: string): Promise<string> {
    const { statusCode, body } = await request(`${base}/v1/svids/jwt`, { method: 'POST', dispatcher: agent, headers: { authorization: `Bearer ${caller}`, 'content-type': 'application/json' }, body: JSON.stringify({ audience }) });
    const answer = (await body.json()) as { readonly token: string };
    expect([statusCode, answer]).toEqual([200, answer]);
    return answer.token;
  }

  async function text(path: string): Promise<string> {
    return (await request(`${base}${path}`, { dispatcher: agent })).body.text();
  }

  /** What every library says of a token: its subject, or `refused`. */
  async function judged(token: string, audience: string, trustDomain = 'shop.example'): Promise<Readonly<Record<string, string>>> {
    const issuer = `${base}/${trustDomain}`;
    const [bundle, keys] = await Promise.all([text(`/v1/trust-domains/${trustDomain}/bundle`), text(`/${trustDomain}/keys`)]);
    const asked = { token, audience, issuer, ca: roots, trustDomain, bundle, keys };
    const told = await Promise.all([byJose(token, audience, issuer), ...programs.map(async (program) => program.ask<Verdicts>(asked))]);
    return Object.fromEntries(told.flatMap(Object.entries<Verdict>).map(([name, { ok, spiffeId, reason }]) => [name, ok ? (spiffeId ?? '') : `refused: ${reason ?? ''}`]));
  }

  async function byJose(token: string, audience: string, issuer: string): Promise<Verdicts> {
    const keys = fetched.get(issuer) ?? (await discovered(issuer));
    fetched.set(issuer, keys);
    return jwtVerify(token, keys, { issuer, audience }).then(
      ({ payload }) => ({ jose: { ok: true, spiffeId: payload.sub ?? '' } }),
      (error: unknown) => ({ jose: { ok: false, reason: error instanceof Error ? error.message : '' } }),
    );
  }

  async function discovered(issuer: string): Promise<Keys> {
    const { jwks_uri: keys } = JSON.parse(await text(`${new URL(issuer).pathname}/.well-known/openid-configuration`)) as { readonly jwks_uri: string };
    return createRemoteJWKSet(new URL(keys), { [customFetch]: async (url, options) => fetch(url, { ...options, dispatcher: agent }) });
  }

  const all = (said: unknown) => ({ jose: said, 'go-oidc': said, 'go-spiffe': said, PyJWT: said, 'Python spiffe': said });
  const refused = expect.stringMatching(/^refused: ./u) as string;

  test('are accepted by all, whichever key signed them and however they came, and refused for others', async () => {
    await passUntil(20 * minuteMs);
    const before = await mint(site.accountToken('shop', 'cart'), 'orders');
    expect(await judged(before, 'orders')).toEqual(all(cart));
    await passUntil(0);
    const after = await mint(site.accountToken('shop', 'cart'), 'orders');
    const [old, fresh] = [before, after].map((token) => decodeProtectedHeader(token).kid);
    expect(fresh).not.toBe(old);
    // Those that have fetched keys an hour ago and those that come now: the new key was there before it signed.
    expect(await judged(after, 'orders')).toEqual(all(cart));
    expect(await judged(before, 'orders')).toEqual(all(cart));

    expect(await judged(after, 'stock')).toEqual(all(refused));
    expect(await judged(tampered(after), 'orders')).toEqual(all(refused));
    expect(await judged(after, 'orders', 'other.example')).toEqual(all(refused));

    site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { namespace: 'shop', name: 'cart' }, spec: { dnsNames: ['cart.shop.svc'], jwt: { audiences: [{ name: 'stock', audience: 'stock' }] } } });
    const file = (): string => Buffer.from(site.store.peek({ kind: 'Secret', namespace: 'shop', name: 'cart-mtls' })?.data['stock.jwt'] ?? '', 'base64').toString('utf8');
    await expect.poll(file, { timeout: 20_000 }).not.toBe('');
    expect(await judged(file(), 'stock')).toEqual(all(cart));

    const rsa = await mint(externalToken({ iss: otherIssuer, deep: { name: 'cart' } }), 'orders');
    expect(decodeProtectedHeader(rsa).alg).toBe('RS256');
    expect(await judged(rsa, 'orders', 'other.example')).toEqual(all('spiffe://other.example/ext/elsewhere/cart'));
  }, 120_000);
});

/** The same for another subject, under the signature of the first. */
function tampered(token: string): string {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as object;
  return [header, Buffer.from(JSON.stringify({ ...claims, sub: 'spiffe://shop.example/ns/bank/sa/till' })).toString('base64url'), signature].join('.');
}

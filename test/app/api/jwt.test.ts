/** JWT-SVIDs by request: what is given, verified with the keys that are published, and everything that is refused. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readGatewayConfiguration } from '../../../src/app/gateway/configuration.ts';
import { TrustedIssuers } from '../../../src/app/trust/trusted-issuers.ts';
import { verifyToken } from '../../../src/tokens/index.ts';
import { makeWebPair } from '../../x509/web-pair.ts';
import { ApiSite, ciIssuer, externalToken, otherIssuer, type Answer } from './api-site.ts';

interface Given {
  readonly token: string;
  readonly spiffeId: string;
  readonly audience: readonly string[];
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly refreshAt: string;
  readonly keyId: string;
}

const issuer = 'https://tokens.example/shop.example';
let site: ApiSite;
let cart: string;
beforeAll(async () => {
  site = await ApiSite.start({ jwt: { issuer } });
  cart = site.accountToken('shop', 'cart');
});
afterAll(() => site[Symbol.asyncDispose]());

const ask = async (token: string | undefined, body: object): Promise<Answer> => site.ask(token, body, { url: '/v1/svids/jwt' });

/** What was given, proven by the keys that anybody can fetch. */
async function proven({ status, body }: Answer, audience: string) {
  expect([status, body['code'], body['detail']]).toEqual([200, undefined, undefined]);
  const given = body as unknown as Given;
  const { body: keys } = await site.ask(undefined, undefined, { method: 'GET', url: '/shop.example/keys' });
  const { payload } = await jwtVerify(given.token, createLocalJWKSet(keys as unknown as JSONWebKeySet), { issuer, audience, algorithms: ['ES256'], typ: 'JWT' });
  expect([payload.sub, payload.aud, decodeProtectedHeader(given.token).kid]).toEqual([given.spiffeId, given.audience, given.keyId]);
  expect([payload.iat, payload.exp]).toEqual([given.issuedAt, given.expiresAt].map((time) => Date.parse(time) / 1000));
  return given;
}

test('a service account is given a token of the identity that an object of its namespace grants', async () => {
  const answer = await ask(cart, { audience: 'orders' });
  const given = await proven(answer, 'orders');
  expect([given.spiffeId, given.audience, answer.headers['cache-control']]).toEqual(['spiffe://shop.example/ns/shop/sa/cart', ['orders'], 'no-store']);
  const life = Date.parse(given.expiresAt) - Date.parse(given.issuedAt);
  const part = (Date.parse(given.refreshAt) - Date.parse(given.issuedAt)) / life;
  expect([life, part > 0.35 && part < 0.65]).toEqual([300_000, true]);
  expect(site.records).toContainEqual(expect.objectContaining({ object: 'WorkloadIdentity shop/cart', spiffeId: given.spiffeId, authority: given.keyId }));
  // A record that held the token would be one: whoever reads the log could use it.
  for (const part of given.token.split('.')) expect(JSON.stringify(site.records)).not.toContain(part);
});

test('of several audiences, each takes it; a shorter life is given, and an identity is chosen', async () => {
  const answer = await ask(cart, { audience: ['orders', 'https://stock.example/'], identity: 'shop/cart', ttl: '90s' });
  await proven(answer, 'orders');
  const { issuedAt, expiresAt } = await proven(answer, 'https://stock.example/');
  expect(Date.parse(expiresAt) - Date.parse(issuedAt)).toBe(90_000);
  await expect(proven(answer, 'elsewhere')).rejects.toMatchObject({ code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' });
});

test('somebody outside is given a token of an ID below /ext/, and no person stands in the audit log', async () => {
  const { spiffeId } = await proven(await ask(externalToken(), { audience: 'orders' }), 'orders');
  expect(spiffeId).toBe('spiffe://shop.example/ext/ci/acme/1234');
  expect(site.records.find((record) => record.spiffeId === spiffeId)).toMatchObject({ object: 'ExternalIdentity ci', subject: `${ciIssuer} jane@example.org` });
});

describe('a request is refused', () => {
  test.each([
    ['a longer life than tokens have', { ttl: '1h' }, 'longer than the 300s that trust domain shop.example gives tokens'],
    ['a life that ends on its way', { ttl: '1s' }, 'a token lives at least'],
    ['a life that is no duration', { ttl: 'soon' }, 'it is no duration'],
  ])('that asks for %s', async (_what, part, why) => {
    const answer = await ask(cart, { audience: 'orders', ...part });
    expect([answer.status, answer.body['code']]).toEqual([422, 'API_JWT_REFUSED']);
    expect(JSON.stringify(answer.body['reasons'])).toContain(why);
  });

  test.each([
    ['names nobody', {}],
    ['names an empty list', { audience: [] }],
    ['names an empty text', { audience: '' }],
    ['names somebody twice', { audience: ['orders', 'orders'] }],
    ['names too many', { audience: Array.from({ length: 17 }, (_each, index) => `orders-${index}`) }],
    ['names somebody with a blank', { audience: 'evil orders' }],
    ['names somebody beyond ASCII', { audience: 'еvil' }],
    ['names a number', { audience: 7 }],
    ['brings claims along', { audience: 'orders', sub: 'evil' }],
    ['names two identities', { audience: 'orders', identity: 'a/b/c' }],
  ])('whose body %s', async (_what, body) => {
    const answer = await ask(cart, body);
    expect([answer.status, answer.body['code']]).toEqual([400, 'API_REQUEST_INVALID']);
    expect(JSON.stringify(answer.body)).not.toMatch(/evil|еvil/u);
  });

  test('where the trust domain issues none, with what to set', async () => {
    const answer = await ask(externalToken({ iss: otherIssuer, deep: { name: 'cart' } }), { audience: 'orders' });
    expect([answer.status, answer.body['code'], answer.body['detail']]).toEqual([404, 'API_JWT_OFF', 'trust domain other.example issues no JWT-SVIDs: set spec.jwt of the TrustDomain']);
  });

  test('that shows a JWT-SVID of ours instead of a token: one that was stolen would renew itself for ever', async () => {
    const { token } = await proven(await ask(cart, { audience: 'mtlsd' }), 'mtlsd');
    const answer = await ask(token, { audience: 'orders' });
    expect([answer.status, answer.body['code']]).toEqual([401, 'API_TOKEN_REFUSED']);
  });

  test('by a replica that stands by', async () => {
    site.leads = false;
    const answer = await ask(cart, { audience: 'orders' });
    site.leads = true;
    expect([answer.status, answer.body['code'], answer.headers['connection']]).toEqual([503, 'API_STANDBY', 'close']);
  });
});

test('every replica has discovery and keys: whoever verifies a token does not ask again elsewhere', async () => {
  const paths = ['/shop.example/.well-known/openid-configuration', '/shop.example/keys', '/keys', '/other.example/keys'];
  const all = async () => Promise.all(paths.map(async (url) => site.ask(undefined, undefined, { method: 'GET', url })));
  const led = await all();
  site.leads = false;
  const stoodBy = await all();
  site.leads = true;
  expect(led.map(({ status, body }) => [status, body['code']])).toEqual([[200, undefined], [200, undefined], [404, 'API_JWT_OFF'], [404, 'API_JWT_OFF']]);
  const shown = (answers: readonly Answer[]) => answers.map(({ status, headers, body }) => [status, headers['etag'], body]);
  expect(shown(stoodBy)).toEqual(shown(led));
});

test('a gateway verifies tokens by the bundle that a trust domain serves, over TLS; those of nobody else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mtlsd-bundle-'));
  await using parts = new AsyncDisposableStack();
  parts.defer(() => rm(folder, { recursive: true }));
  const pair = await makeWebPair();
  const at = (name: string): string => join(folder, name);
  await Promise.all([writeFile(at('tls.crt'), pair.cert), writeFile(at('tls.key'), pair.key), writeFile(at('ca.crt'), pair.roots)]);
  const { address } = parts.use(await site.serveWith({ listen: { host: 'localhost', port: 0 }, serving: { kind: 'files', cert: at('tls.crt'), key: at('tls.key') } }));
  const bundle = `https://localhost:${new URL(address).port}/v1/trust-domains/shop.example/bundle`;
  const configured = (trustDomain: string) => readGatewayConfiguration(`{apiVersion: mtlsd.io/v1alpha1, kind: GatewayConfiguration, issuers: [{issuer: "${issuer}", keySet: "${bundle}", trustDomain: ${trustDomain}, caFile: "${at('ca.crt')}", privateAddresses: true}], rules: [{name: shop, issuer: "${issuer}", audiences: [orders]}]}`, 'gateway.yaml');
  const given = await proven(await ask(cart, { audience: 'orders' }), 'orders');
  for (const [trustDomain, expected] of [['shop.example', { accepted: true, subject: given.spiffeId }], ['other.example', { accepted: false, reason: 'claim-wrong' }]] as const) {
    const issuers = parts.use(await TrustedIssuers.open(configured(trustDomain), { debug: () => undefined, info: () => undefined, warn: (message) => expect.fail(message), error: (message) => expect.fail(message) }));
    await issuers.whenTried();
    expect(await verifyToken(given.token, issuers.trustedBy(['shop']), Date.now())).toMatchObject(expected);
  }
});

test('a trust domain that names the issuer of an older one is refused by every replica, and the older one is not', async () => {
  const bornMs = Date.parse(site.store.peek({ kind: 'TrustDomain', name: 'shop.example' })?.metadata.creationTimestamp ?? '');
  // Of two of one second, chance decides.
  await vi.waitFor(() => expect(Date.now() - bornMs).toBeGreaterThan(1000), { timeout: 5_000 });
  site.store.remove({ kind: 'TrustDomain', name: 'other.example' });
  site.store.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'other.example' }, spec: { jwt: { issuer } } });
  await site.controllers.whenIdle();
  const refused = await ask(externalToken({ iss: otherIssuer, deep: { name: 'cart' } }), { audience: 'orders' });
  expect([refused.status, refused.body['code']]).toEqual([409, 'API_JWT_ISSUER_TAKEN']);
  for (const leads of [true, false]) {
    site.leads = leads;
    // One that stands by shows for a moment what it has read last.
    await vi.waitFor(async () => {
      const [older, younger] = await Promise.all(['shop', 'other'].map(async (name) => site.ask(undefined, undefined, { method: 'GET', url: `/${name}.example/keys` })));
      expect([older?.status, younger?.status, younger?.body['code']]).toEqual([200, 409, 'API_JWT_ISSUER_TAKEN']);
    }, { timeout: 10_000, interval: 100 });
  }
  site.leads = true;
  await proven(await ask(cart, { audience: 'orders' }), 'orders');
});

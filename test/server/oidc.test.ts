/** Discovery and keys as verifiers ask for them: who is found where, how long it may be kept, and that nothing secret gets out. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { apiServer, oidcRoutes, type PublicJwk, type PublishedJwtKeys } from '../../src/server/index.ts';

const nothing = (): void => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const nowMs = Date.UTC(2026, 10, 25, 12);
const hourMs = 3_600_000;

const ec = jwk('ec-1', 'ES256');
const rsa = jwk('rsa-1', 'RS256');

/** A whole key, its secret half too, as a careless source might give it. */
function jwk(kid: string, alg: 'ES256' | 'RS256'): PublicJwk {
  const { privateKey } = alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...(privateKey.export({ format: 'jwk' }) as object), kid, alg } as PublicJwk;
}

const shop = (part: Partial<PublishedJwtKeys> = {}): PublishedJwtKeys => ({ issuer: 'https://oidc.example', keys: [ec], changesAtMs: nowMs + hourMs, ...part });

async function ask(domains: Readonly<Record<string, PublishedJwtKeys>>, url: string, headers: Readonly<Record<string, string>> = {}) {
  const callers = { identify: async () => expect.fail('nobody is asked who they are') };
  const source = { published: async () => new Map(Object.entries(domains)) };
  const server = await apiServer({ callers, audit: { record: nothing }, log, newRequestId: () => 'r1' }, [oidcRoutes(source, { nowMs: () => nowMs })]);
  const answer = await server.inject({ url, headers: { host: 'oidc.example', ...headers } });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body, body: answer.body === '' ? {} : answer.json<Readonly<Record<string, unknown>>>() };
}

test('the configuration has every member that OpenID Connect Discovery §3 asks of an issuer without log-ins', async () => {
  const { status, headers, body } = await ask({ 'shop.example': shop() }, '/.well-known/openid-configuration');
  expect([status, headers['content-type'], headers['cache-control']]).toEqual([200, 'application/json; charset=utf-8', 'public, max-age=300']);
  expect(body).toMatchObject({
    issuer: 'https://oidc.example',
    jwks_uri: 'https://oidc.example/keys',
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: expect.arrayContaining(['RS256', 'ES256']) as string[],
  });
  // There is nothing at which anybody could log in.
  for (const endpoint of ['authorization_endpoint', 'token_endpoint']) expect(body).not.toHaveProperty(endpoint);
});

test('keys have what verifiers choose them by, and not one secret member', async () => {
  const { status, body } = await ask({ 'shop.example': shop({ keys: [ec, rsa] }) }, '/keys');
  const { keys } = body as { readonly keys: readonly Readonly<Record<string, string>>[] };
  expect(status).toBe(200);
  expect(keys.map((key) => Object.keys(key).toSorted())).toEqual([['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'], ['alg', 'e', 'kid', 'kty', 'n', 'use']]);
  expect(keys).toMatchObject([{ kid: 'ec-1', use: 'sig', alg: 'ES256' }, { kid: 'rsa-1', use: 'sig', alg: 'RS256' }]);
  for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const) expect(JSON.stringify(body)).not.toContain((rsa as unknown as Record<string, string>)[secret]);
});

test.each([
  ['as long as usual', hourMs, 'public, max-age=300'],
  ['until another key may sign', 90_999, 'public, max-age=90'],
  ['not at all, once one may', 0, 'no-cache'],
  ['not at all, when that is over', -hourMs, 'no-cache'],
])('keys are kept %s', async (_what, leftMs, expected) => {
  expect((await ask({ 'shop.example': shop({ changesAtMs: nowMs + leftMs }) }, '/keys')).headers['cache-control']).toBe(expected);
});

test.each([[''], ['W/']])('whoever has the same keys still is told so (%s"…")', async (weak) => {
  const domains = { 'shop.example': shop() };
  const first = await ask(domains, '/keys');
  const again = await ask(domains, '/keys', { 'if-none-match': `"old", ${weak}${String(first.headers['etag'])}` });
  expect([again.status, again.text, again.headers['etag'], again.headers['cache-control']]).toEqual([304, '', first.headers['etag'], 'public, max-age=300']);
  const rotated = await ask({ 'shop.example': shop({ keys: [ec, rsa] }) }, '/keys', { 'if-none-match': String(first.headers['etag']) });
  expect([rotated.status, rotated.headers['etag'] === first.headers['etag']]).toEqual([200, false]);
});

const several = {
  'shop.example': shop(),
  'bank.example': shop({ issuer: 'https://tokens.bank.example', keys: [rsa] }),
  'fleet.example': shop({ issuer: 'https://oidc.example/fleet.example' }),
  'silent.example': shop({ issuer: undefined }),
};

test.each([
  ['/.well-known/openid-configuration', 'oidc.example', 'https://oidc.example'],
  ['/.well-known/openid-configuration', 'oidc.example:443', 'https://oidc.example'],
  ['/.well-known/openid-configuration', 'tokens.bank.example', 'https://tokens.bank.example'],
  ['/fleet.example/.well-known/openid-configuration', 'oidc.example', 'https://oidc.example/fleet.example'],
  ['/bank.example/.well-known/openid-configuration', 'elsewhere', 'https://tokens.bank.example'],
])('%s at %s is that of %s', async (url, host, issuer) => {
  const { status, body } = await ask(several, url, { host });
  expect([status, body['issuer'], String(body['jwks_uri'])]).toEqual([200, issuer, `${issuer}/keys`]);
});

test.each([
  ['/keys', 'tokens.bank.example', 'rsa-1'],
  ['/bank.example/keys', 'oidc.example', 'rsa-1'],
  ['/silent.example/keys', 'oidc.example', 'ec-1'],
])('%s at %s holds %s', async (url, host, kid) => {
  const { body } = await ask(several, url, { host });
  expect(body).toMatchObject({ keys: [{ kid }] });
});

test('one whose issuer belongs to another is never meant at the root', async () => {
  const domains = { 'b.example': shop({ takenBy: 'a.example', keys: [] }), 'a.example': shop({ keys: [rsa] }) };
  expect((await ask(domains, '/keys')).body).toMatchObject({ keys: [{ kid: 'rsa-1' }] });
  expect((await ask(domains, '/.well-known/openid-configuration', { host: '10.0.0.7:8443' })).body).toMatchObject({ issuer: 'https://oidc.example' });
});

test('behind a proxy that changes the host, the only trust domain is meant', async () => {
  expect((await ask({ 'shop.example': shop() }, '/.well-known/openid-configuration', { host: '10.0.0.7:8443' })).body).toMatchObject({ issuer: 'https://oidc.example' });
});

test.each<readonly [string, Readonly<Record<string, PublishedJwtKeys>>, string, number, string, string]>([
  ['no trust domain issues JWT-SVIDs', {}, '/.well-known/openid-configuration', 404, 'API_JWT_OFF', 'set spec.jwt.issuer'],
  ['nobody has this name', several, '/nobody.example/keys', 404, 'API_JWT_OFF', 'set spec.jwt of the TrustDomain'],
  ['its tokens have no issuer', several, '/silent.example/.well-known/openid-configuration', 404, 'API_JWT_OFF', 'set spec.jwt.issuer of the TrustDomain'],
  ['the only issuer is below a path', { 'fleet.example': several['fleet.example'] }, '/keys', 404, 'API_JWT_OFF', 'ask below /<trust domain>/'],
  ['its issuer belongs to another one', { 'a.example': shop(), 'b.example': shop({ takenBy: 'a.example', keys: [] }) }, '/b.example/keys', 409, 'API_JWT_ISSUER_TAKEN', 'belongs to an older one: see the condition JWTReady'],
  ['two have one issuer', { 'a.example': shop(), 'b.example': shop() }, '/keys', 404, 'API_JWT_OFF', 'give each an issuer of its own'],
  ['two could be meant', several, '/keys', 404, 'API_JWT_OFF', 'give each an issuer of its own'],
  ['there is no key yet', { 'shop.example': shop({ keys: [] }) }, '/keys', 503, 'API_NOT_READY', 'has no key for JWT-SVIDs yet'],
])('%s: it is said, and what to do', async (_what, domains, url, status, code, detail) => {
  const answer = await ask(domains, url, { host: 'unknown.example' });
  expect([answer.status, answer.body['code']]).toEqual([status, code]);
  expect(answer.body['detail']).toContain(detail);
  expect(answer.headers['cache-control']).toBeUndefined();
});

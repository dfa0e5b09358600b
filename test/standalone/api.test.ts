/** `mtlsd run --api-listen` and `mtlsd svid fetch` as processes: SVIDs for somebody whom another issuer vouches for, and a gateway that takes them. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { expect, test } from 'vitest';
import { freePorts } from '../cluster/ports.ts';
import { claims, signingKey, token } from '../tokens/tokens.ts';
import { Identity } from './identity.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';
import { until } from './wait.ts';

const key = signingKey('ES256', 'one');

test('a CI job gets SVIDs, a gateway takes its JWT-SVID, and it gets none once its own token is for somebody else', async () => {
  await using box = new Sandbox();
  const [port = 0, gatewayPort = 0, metricsPort = 0] = await freePorts(3);
  const issuer = `https://localhost:${port}/shop.example`;
  box.write('all.yaml', trustDomain('shop.example', { default: true, dnsNames: { allowedPatterns: ['localhost'] }, jwt: { issuer } }), identity('mtlsd-api', { dnsNames: ['localhost'] }), identity('edge', { dnsNames: ['localhost'] }));
  writeFileSync(join(box.root, 'keys.json'), JSON.stringify({ keys: [key.jwk] }));
  writeFileSync(
    join(box.root, 'api.yaml'),
    `apiVersion: mtlsd.io/v1alpha1
kind: ApiConfiguration
issuers:
  - { issuer: ${claims.iss}, keySetFile: ${join(box.root, 'keys.json')} }
rules:
  - { name: ci, issuer: ${claims.iss}, audiences: [mtlsd] }
callers:
  - { name: ci, rules: ci, trustDomain: shop.example, path: [/project/id, branch] }
`,
  );
  const run = box.start('--api-listen', `127.0.0.1:${port}`, '--api-identity', 'shop/mtlsd-api', '--api-config', join(box.root, 'api.yaml'));
  const server = await box.issued('mtlsd-api');
  await run.says('the API has its certificate');
  await using second = new Sandbox();
  const taken = await second.once('--api-listen', `127.0.0.1:${port}`);
  expect(taken).toMatchObject({ status: 3, stderr: `mtlsd: 127.0.0.1:${port} cannot be listened on (EADDRINUSE): another process listens there: stop it, or choose another port.\n` });
  const write = (audience: string): void => {
    const now = Math.floor(Date.now() / 1000);
    writeFileSync(join(box.root, 'token'), `${token(key, { iss: claims.iss, sub: 'pipeline', aud: audience, iat: now, exp: now + 300, project: { id: 42 }, branch: 'main' })}\n`);
  };
  write('mtlsd');
  const out = join(box.root, 'svid');
  const fetch = ['svid', 'fetch', '--api', `https://localhost:${port}`, '--ca-file', server.file('ca.crt'), '--token-file', join(box.root, 'token'), '--out', out, '--jwt-audience', 'orders'];
  const job = 'spiffe://shop.example/ext/ci/42/main';
  expect(await box.command(...fetch).outcome()).toMatchObject({ status: 0, stdout: `${job}\n` });
  expect(new Identity(out).now()).toBeDefined();
  const tokenFile = join(out, 'jwt_svid.token');
  expect(statSync(tokenFile).mode & 0o777).toBe(0o600);

  const config = join(box.root, 'gateway.yaml');
  writeFileSync(
    config,
    `apiVersion: mtlsd.io/v1alpha1
kind: GatewayConfiguration
issuers:
  - { issuer: ${issuer}, caFile: ${server.file('ca.crt')}, privateAddresses: true }
rules:
  - { name: orders, issuer: ${issuer}, audiences: [orders] }
gateways:
  - { spiffeId: spiffe://shop.example/ns/shop/sa/edge, rules: [orders] }
`,
  );
  const edge = await box.issued('edge');
  box.command('gateway', '--config', config, '--identity', edge.folder, '--listen', `127.0.0.1:${gatewayPort}`, '--metrics-listen', `127.0.0.1:${metricsPort}`);
  const pair = { ca: readFileSync(edge.file('ca.crt')), key: readFileSync(edge.file('tls.key')), cert: readFileSync(edge.file('tls.crt')) };
  const agent = new Agent({ connect: pair });
  const authorize = async () => {
    const { statusCode, headers, body } = await request(`https://localhost:${gatewayPort}/v1/authorize`, { dispatcher: agent, headers: { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` } });
    await body.dump();
    // On a busy machine the first look at the issuer's keys may come too late: it says so, and the next one is judged.
    return statusCode === 503 ? undefined : [statusCode, headers['x-auth-subject'], headers['x-auth-issuer']];
  };
  expect(await until('the gateway serves', () => authorize().catch(() => undefined))).toEqual([200, job, issuer]);
  await agent.destroy();

  write('somebody else');
  const refused = await box.command(...fetch).outcome();
  expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('API_TOKEN_REFUSED')]);
});

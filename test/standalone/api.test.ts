/** `mtlsd run --api-listen` and `mtlsd svid fetch` as processes: an SVID for somebody whom another issuer vouches for. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePorts } from '../cluster/ports.ts';
import { claims, signingKey, token } from '../tokens/tokens.ts';
import { Identity } from './identity.ts';
import { identity, Sandbox, trustDomain } from './sandbox.ts';

const key = signingKey('ES256', 'one');

test('a CI job gets an SVID, and goes on to get none once its token is for somebody else', async () => {
  await using box = new Sandbox();
  box.write('all.yaml', trustDomain('shop.example', { default: true, dnsNames: { allowedPatterns: ['localhost'] } }), identity('mtlsd-api', { dnsNames: ['localhost'] }));
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
  const [port = 0] = await freePorts(1);
  const run = box.start('--api-listen', `127.0.0.1:${port}`, '--api-identity', 'shop/mtlsd-api', '--api-config', join(box.root, 'api.yaml'));
  const server = await box.issued('mtlsd-api');
  await run.says('the API has its certificate');
  const write = (audience: string): void => {
    const now = Math.floor(Date.now() / 1000);
    writeFileSync(join(box.root, 'token'), `${token(key, { iss: claims.iss, sub: 'pipeline', aud: audience, iat: now, exp: now + 300, project: { id: 42 }, branch: 'main' })}\n`);
  };
  write('mtlsd');
  const out = join(box.root, 'svid');
  const fetch = ['svid', 'fetch', '--api', `https://localhost:${port}`, '--ca-file', server.file('ca.crt'), '--token-file', join(box.root, 'token'), '--out', out];
  expect(await box.command(...fetch).outcome()).toMatchObject({ status: 0, stdout: 'spiffe://shop.example/ext/ci/42/main\n' });
  expect(new Identity(out).now()).toBeDefined();
  write('somebody else');
  const refused = await box.command(...fetch).outcome();
  expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('API_TOKEN_REFUSED')]);
});

/** Our bundles as others fetch them. */
import { expect, test } from 'vitest';
import { apiServer, bundleRoutes, routesOf } from '../../src/server/index.ts';

const nothing = (): void => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const source = { bundle: async (name: string) => (name === 'shop.example' ? { document: '{"keys":[]}\n' } : undefined) };

async function endpoint() {
  const callers = { identify: async () => expect.fail('nobody is asked who they are') };
  return apiServer({ callers, audit: { record: nothing }, log, newRequestId: () => 'r1' }, [bundleRoutes(source)]);
}

test('anybody gets the newest bundle of one trust domain, as JSON (SPIFFE-33)', async () => {
  const server = await endpoint();
  const answer = await server.inject({ url: '/v1/trust-domains/shop.example/bundle', headers: { authorization: 'Bearer nonsense' } });
  expect([answer.statusCode, answer.body, answer.headers['content-type'], answer.headers['cache-control']]).toEqual([200, '{"keys":[]}\n', 'application/json; charset=utf-8', 'no-cache']);
  expect(routesOf(server)).toContainEqual(expect.objectContaining({ method: 'GET', url: '/v1/trust-domains/:trustDomain/bundle', access: { rule: 'anyone', object: 'TrustDomain' } }));
});

test.each([
  ['other.example'],
  ['..%2f..%2fsecrets'],
])('of %s there is none', async (name) => {
  const server = await endpoint();
  const answer = await server.inject({ url: `/v1/trust-domains/${name}/bundle` });
  expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([404, 'FEDERATION_BUNDLE_UNKNOWN']);
  expect(answer.body).not.toContain('secrets');
});

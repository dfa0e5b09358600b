/** What a server of requests tells of itself: routes, statuses and codes, and nothing that its callers chose. */
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { apiMetrics } from '../../../src/app/api/metrics.ts';
import { apiServer, type RouteFamily } from '../../../src/server/index.ts';

const nothing = (): void => undefined;
const family: RouteFamily = (server) => {
  server.get('/v1/named/:name', { config: { access: { rule: 'anyone', object: 'Nothing' } } }, () => ({ open: true }));
  server.post('/v1/own', { config: { access: { rule: 'own', object: 'Nothing', touches: () => ({ kind: 'ExternalIdentity', entry: 'none' }) } } }, () => ({}));
};

test('requests are counted by route, method and status, and problems by their code', async () => {
  const registry = new Registry();
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  const callers = { identify: async () => ({ known: false, code: 'API_TOKEN_REFUSED', message: 'no' }) as const };
  const server = await apiServer({ callers, audit: { record: nothing }, log, figures: apiMetrics(registry), newRequestId: () => 'r', limits: { perAddress: 9 } }, [family]);
  for (const url of ['/v1/named/hunter2', '/v1/named/hunter3', '/hunter2', '/v1/named/%zz']) await server.inject(url);
  await server.inject({ method: 'DELETE', url: '/v1/own?hunter2' });
  await server.inject({ method: 'POST', url: '/v1/own' });
  for (let index = 0; index < 5; index += 1) await server.inject({ method: 'POST', url: '/v1/own', headers: { authorization: 'Bearer hunter2' } });
  const text = await registry.metrics();
  const counted = (name: string): readonly string[] => text.split('\n').filter((line) => line.startsWith(`${name}{`)).toSorted();
  expect(counted('mtlsd_api_requests_total')).toEqual([
    'mtlsd_api_requests_total{route="/v1/named/:name",method="GET",status="200"} 2',
    'mtlsd_api_requests_total{route="/v1/own",method="POST",status="401"} 5',
    'mtlsd_api_requests_total{route="/v1/own",method="POST",status="429"} 1',
    'mtlsd_api_requests_total{route="none",method="any",status="404"} 1',
    'mtlsd_api_requests_total{route="none",method="any",status="405"} 1',
  ]);
  expect(counted('mtlsd_api_refusals_total')).toEqual([
    'mtlsd_api_refusals_total{code="API_METHOD_UNKNOWN"} 1',
    'mtlsd_api_refusals_total{code="API_RATE_LIMITED"} 1',
    'mtlsd_api_refusals_total{code="API_REQUEST_INVALID"} 1',
    'mtlsd_api_refusals_total{code="API_ROUTE_UNKNOWN"} 1',
    'mtlsd_api_refusals_total{code="API_TOKEN_MISSING"} 1',
    'mtlsd_api_refusals_total{code="API_TOKEN_REFUSED"} 4',
  ]);
  expect(counted('mtlsd_api_request_duration_seconds_count')).toContain('mtlsd_api_request_duration_seconds_count{route="/v1/named/:name"} 2');
  expect(text).not.toMatch(/hunter/u);
});

import { expect, test } from 'vitest';
import { PrometheusMetrics } from '../../src/app/metrics/prometheus.ts';

const shown = async (metrics: PrometheusMetrics): Promise<readonly string[]> => (await metrics.registry.metrics()).split('\n').filter((line) => /^mtlsd_(tokens|jwt)\w*\{/u.test(line)).toSorted();

test('tokens are counted by kind and outcome, keys by state; what signs nothing has no end, and what is gone leaves nothing behind', async () => {
  const metrics = new PrometheusMetrics();
  metrics.tokens('request', 'issued');
  metrics.tokens('request', 'issued');
  metrics.tokens('file', 'failed');
  metrics.jwtKeys('shop.example', { keys: { Prepared: 1, Active: 1, Retiring: 0 }, activeEndMs: 90_000 });
  const counted = ['mtlsd_tokens_total{kind="file",outcome="failed"} 1', 'mtlsd_tokens_total{kind="request",outcome="issued"} 2'];
  const keys = (prepared: number, active: number, retiring: number) => [['Active', active], ['Prepared', prepared], ['Retiring', retiring]].map(([state, count]) => `mtlsd_jwt_keys{trust_domain="shop.example",state="${state}"} ${count}`);
  expect(await shown(metrics)).toEqual(['mtlsd_jwt_key_end_timestamp_seconds{trust_domain="shop.example"} 90', ...keys(1, 1, 0), ...counted]);
  metrics.jwtKeys('shop.example', { keys: { Prepared: 0, Active: 0, Retiring: 1 }, activeEndMs: undefined });
  expect(await shown(metrics)).toEqual([...keys(0, 0, 1), ...counted]);
  metrics.jwtKeys('shop.example', undefined);
  expect(await shown(metrics)).toEqual(counted);
});

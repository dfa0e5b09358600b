import { expect, test } from 'vitest';
import { PrometheusMetrics } from '../../src/app/metrics/prometheus.ts';

const fetched = async (metrics: PrometheusMetrics): Promise<readonly string[]> => (await metrics.registry.metrics()).split('\n').filter((line) => /^mtlsd_federation_\w+\{/u.test(line)).toSorted();

test('of each other trust domain it is told when its bundle was fetched last, and what hindered the next', async () => {
  const metrics = new PrometheusMetrics();
  metrics.federated('shop.example', 'never.example', { fetchedAtMs: undefined, failure: 'PeerUnreachable' });
  metrics.federated('shop.example', 'partner.example', { fetchedAtMs: 60_000, failure: 'PeerUnreachable' });
  metrics.federated('shop.example', 'partner.example', { fetchedAtMs: 120_000, failure: undefined });
  // What is kept says when its content was fetched first: the fetch that found it unchanged is the later one.
  metrics.federated('shop.example', 'partner.example', { fetchedAtMs: 60_000, failure: 'PeerUnreachable' });
  const failures = [
    'mtlsd_federation_failures_total{trust_domain="shop.example",federates_with="never.example",reason="PeerUnreachable"} 1',
    'mtlsd_federation_failures_total{trust_domain="shop.example",federates_with="partner.example",reason="PeerUnreachable"} 2',
  ];
  expect(await fetched(metrics)).toEqual([...failures, 'mtlsd_federation_fetched_timestamp_seconds{trust_domain="shop.example",federates_with="partner.example"} 120']);
  metrics.federated('shop.example', 'partner.example', undefined);
  expect(await fetched(metrics)).toEqual(failures);
});

import { expect, test } from 'vitest';
import { PrometheusMetrics } from '../../src/app/metrics/prometheus.ts';
import { unlikePage } from './metrics-page.ts';

test('what a process tells is held to the page: nothing is missing, nothing is more, and nobody stands in a label', async () => {
  const metrics = new PrometheusMetrics();
  metrics.queueDepth('TrustDomain', 1);
  metrics.reconciled('TrustDomain', 'done', 1);
  const answer = await metrics.registry.metrics();
  const api = ['mtlsd_api_refusals_total', 'mtlsd_api_request_duration_seconds', 'mtlsd_api_requests_total', 'mtlsd_audit_lines_total', 'mtlsd_audit_lost_total', 'mtlsd_audit_spool_bytes'];
  expect(unlikePage('controller', answer, ['shop'])).toEqual(api.map((name) => `${name} is missing`));
  const more = '# TYPE mtlsd_new_total counter\nmtlsd_queue_depth{kind="shop/cart",namespace="a"} 1\nmtlsd_reconcile_duration_seconds_bucket{le="1",kind="10.0.0.7"} 1\n';
  expect(unlikePage('controller', answer + more, ['shop']).slice(api.length)).toEqual(['mtlsd_new_total is not on the page', 'mtlsd_queue_depth has a label namespace', 'mtlsd_queue_depth: kind="shop/cart"', 'mtlsd_reconcile_duration_seconds: kind="10.0.0.7"']);
});

import { Registry } from 'prom-client';
import { apiMetrics } from '../../src/app/api/metrics.ts';
import { auditMetrics } from '../../src/app/audit/metrics.ts';
import { tokenDecisions } from '../../src/app/gateway/metrics.ts';
import { PrometheusMetrics } from '../../src/app/metrics/prometheus.ts';

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: unknown;
  readonly labelNames?: readonly string[];
}

/** Those of mtlsd's own, by name. */
function tableOf(registry: Registry): string {
  const metrics = (registry.getMetricsAsArray() as unknown as readonly Metric[]).filter(({ name }) => name.startsWith('mtlsd_'));
  const rows = metrics.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, help, type, labelNames = [] }) => `| \`${name}\` | ${String(type)} | ${labelNames.map((label) => `\`${label}\``).join(', ')} | ${help} |`);
  return ['| Metric | Kind | Labels | |', '|---|---|---|---|', ...rows].join('\n');
}

/** docs/reference/metrics.md: from the registries that the processes have. */
export function metricsPage(): string {
  const controller = new PrometheusMetrics().registry;
  auditMetrics(controller);
  apiMetrics(controller);
  const gateway = new Registry();
  auditMetrics(gateway);
  apiMetrics(gateway);
  tokenDecisions(gateway);
  return `<!-- Generated from src/app by \`npm run generate\`. Do not edit. -->
# Metrics

\`mtlsd controller\` and \`mtlsd gateway\` serve them at \`/metrics\` of \`--metrics-listen\`, in Prometheus' text format, with those that
every Node.js process has (\`process_…\`, \`nodejs_…\`). No label names who asked, a workload or a namespace: trust domains are the
only objects that stand in one. Names and labels are fixed within a version of the API.

## mtlsd controller

${tableOf(controller)}

Alert on \`mtlsd_trust_violations\` above 0, on any \`mtlsd_audit_lost_total\`, on a bundle of another trust domain that is older than you
can take (\`time() - mtlsd_federation_fetched_timestamp_seconds > 6 * 3600\`), and on a key for JWT-SVIDs that should have been replaced
(\`time() - mtlsd_jwt_key_end_timestamp_seconds > 600\`).

## mtlsd gateway

${tableOf(gateway)}
`;
}

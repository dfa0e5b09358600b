import { Counter, Histogram, type Registry } from 'prom-client';
import type { ApiFigures } from '../../server/index.ts';

/** What a server of requests tells of itself, as metrics of a registry: never who asked, nor which object. */
export function apiMetrics(registry: Registry): ApiFigures {
  const registers = [registry];
  const requests = new Counter({ name: 'mtlsd_api_requests_total', help: 'Answered requests by route, method and status; the route is none where there is no such route.', labelNames: ['route', 'method', 'status'], registers });
  const refusals = new Counter({ name: 'mtlsd_api_refusals_total', help: 'Requests that were answered with a problem, by its code (API_RATE_LIMITED: asked too often).', labelNames: ['code'], registers });
  const duration = new Histogram({
    name: 'mtlsd_api_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer, by route.',
    labelNames: ['route'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  });
  return {
    answered: ({ route, method, status, tookMs }) => {
      requests.inc({ route, method, status });
      duration.observe({ route }, tookMs / 1000);
    },
    refused: (code) => refusals.inc({ code }),
  };
}

import { Counter, type Registry } from 'prom-client';

/** Counts tokens that were judged for gateways, as a metric of a registry. @returns to be called with `accepted`, or why not */
export function tokenDecisions(registry: Registry): (outcome: string) => void {
  const decisions = new Counter({ name: 'mtlsd_token_decisions_total', help: 'Tokens judged for gateways, by outcome: accepted, or why not.', labelNames: ['outcome'], registers: [registry] });
  return (outcome) => decisions.inc({ outcome });
}

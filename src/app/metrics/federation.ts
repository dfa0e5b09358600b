import { Counter, Gauge, type Registry } from 'prom-client';
import type { FederationFigures } from '../../telemetry/index.ts';

/** How fresh the bundles of other trust domains are: their names stand in manifests, so there are few. */
export class FederationMetrics {
  readonly #fetched: Gauge<'trust_domain' | 'federates_with'>;
  readonly #failures: Counter<'trust_domain' | 'federates_with' | 'reason'>;
  readonly #fetchedMs = new Map<string, number>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.#fetched = new Gauge({ name: 'mtlsd_federation_fetched_timestamp_seconds', help: 'When the bundle of another trust domain was fetched last, or found unchanged, in seconds since 1970.', labelNames: ['trust_domain', 'federates_with'], registers });
    this.#failures = new Counter({ name: 'mtlsd_federation_failures_total', help: 'Fetches of bundles of other trust domains that did not succeed, by why.', labelNames: ['trust_domain', 'federates_with', 'reason'], registers });
  }

  tell(own: string, peer: string, { fetchedAtMs, failure }: FederationFigures): void {
    const labels = { trust_domain: own, federates_with: peer };
    const key = `${own} ${peer}`;
    // What was kept over a restart is older than what this process has seen itself.
    const knownMs = Math.max(fetchedAtMs ?? 0, this.#fetchedMs.get(key) ?? 0);
    if (knownMs > 0) {
      this.#fetchedMs.set(key, knownMs);
      this.#fetched.set(labels, knownMs / 1000);
    }
    if (failure !== undefined) this.#failures.inc({ ...labels, reason: failure });
  }

  /** A manifest names it no more: what is not looked at gets no older. */
  forget(own: string, peer: string): void {
    this.#fetchedMs.delete(`${own} ${peer}`);
    this.#fetched.remove({ trust_domain: own, federates_with: peer });
  }
}

import { Counter, Gauge, type Registry } from 'prom-client';
import type { JwtKeyFigures } from '../../telemetry/index.ts';

/** JWT-SVIDs that were signed, and the keys that sign them. Names of trust domains stand in manifests, so there are few. */
export class JwtMetrics {
  readonly #tokens: Counter<'kind' | 'outcome'>;
  readonly #keys: Gauge<'trust_domain' | 'state'>;
  readonly #end: Gauge<'trust_domain'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#tokens = new Counter({ name: 'mtlsd_tokens_total', help: 'JWT-SVIDs asked of the signer, by kind (request: by the API, file: in a Secret) and outcome.', labelNames: ['kind', 'outcome'], registers });
    this.#keys = new Gauge({ name: 'mtlsd_jwt_keys', help: 'Published keys for JWT-SVIDs, by trust domain and state.', labelNames: ['trust_domain', 'state'], registers });
    this.#end = new Gauge({ name: 'mtlsd_jwt_key_end_timestamp_seconds', help: 'When the key that signs JWT-SVIDs is to be replaced, in seconds since 1970; absent while none signs.', labelNames: ['trust_domain'], registers });
  }

  count(kind: string, outcome: string): void {
    this.#tokens.inc({ kind, outcome });
  }

  /** @param figures undefined: the trust domain is no more */
  tell(trustDomain: string, figures: JwtKeyFigures | undefined): void {
    for (const state of ['Prepared', 'Active', 'Retiring'] as const) {
      if (figures === undefined) this.#keys.remove({ trust_domain: trustDomain, state });
      else this.#keys.set({ trust_domain: trustDomain, state }, figures.keys[state]);
    }
    if (figures?.activeEndMs === undefined) this.#end.remove({ trust_domain: trustDomain });
    else this.#end.set({ trust_domain: trustDomain }, figures.activeEndMs / 1000);
  }
}

import { Gauge, type Registry } from 'prom-client';
import type { TrustFigures } from '../../telemetry/index.ts';

/** Gauges of where the trust of all trust domains stands. */
export class TrustGauges {
  readonly #generations: Gauge;
  readonly #behind: Gauge;
  readonly #leaves: Gauge<'authority'>;
  readonly #violations: Gauge;
  readonly #rootRemaining: Gauge;
  readonly #rotations: Gauge;

  constructor(registry: Registry) {
    const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers: [registry] });
    this.#generations = gauge('mtlsd_bundle_generations_in_use', 'Generations of trust bundles in use, of the trust domain with the most: 1 when every place carries the newest.');
    this.#behind = gauge('mtlsd_bundle_places_behind', 'Secrets, ConfigMaps and ClusterTrustBundles that do not carry the newest trust bundle.');
    this.#leaves = new Gauge({ name: 'mtlsd_live_certificates', help: 'Live certificates in Secrets, by the state of the authority that issued them; Unknown is in no record.', labelNames: ['authority'], registers: [registry] });
    this.#violations = gauge('mtlsd_trust_violations', 'Live certificates whose root is not in every bundle that may have to verify them. Anything but 0 is an outage.');
    this.#rootRemaining = gauge('mtlsd_root_remaining_seconds', 'The shortest life that an active root authority has left.');
    this.#rotations = gauge('mtlsd_rotations_under_way', 'CARotations that have not ended.');
  }

  set({ bundleGenerations, placesBehind, liveLeaves, violations, rootRemainingMs, rotations }: TrustFigures): void {
    this.#generations.set(bundleGenerations);
    this.#behind.set(placesBehind);
    for (const [authority, count] of Object.entries(liveLeaves)) this.#leaves.set({ authority }, count);
    this.#violations.set(violations);
    if (rootRemainingMs !== undefined) this.#rootRemaining.set(rootRemainingMs / 1000);
    this.#rotations.set(rotations);
  }
}

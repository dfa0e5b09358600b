import { readServedBundle, servedBundle, type ControllerContext, type Controllers } from '../../controllers/index.ts';
import { bundleRoutes, type RouteFamily } from '../../server/index.ts';
import { parseTrustDomainName, type TrustDomainName } from '../../spiffe/index.ts';
import type { Clock } from '../../telemetry/index.ts';

/** What bundles are served from. */
export interface BundleParts extends Pick<ControllerContext, 'store' | 'systemNamespace' | 'recordLocation'> {
  /** The running reconcilers; undefined in a replica that stands by. */
  readonly controllers: () => Controllers | undefined;
  readonly clock: Clock;
}

/** How long what was read from the store is served: strangers decide how often they ask. */
const readAgainMs = 2_000;
/** As many names are remembered: strangers choose them. */
const namesMax = 128;

/** Serves the bundles of all trust domains, in every replica: whoever fetches a bundle does not ask again elsewhere. */
export function bundleFamily(parts: BundleParts): RouteFamily {
  const standby = new StandbyBundles(parts);
  return bundleRoutes({
    bundle: async (name) => {
      const trustDomain = known(name);
      if (trustDomain === undefined) return undefined;
      const running = parts.controllers();
      if (running === undefined) return standby.read(trustDomain);
      const state = running.domains.get(trustDomain);
      return state === undefined ? undefined : servedBundle(state);
    },
  });
}

type Served = ReturnType<typeof readServedBundle>;

/** Bundles as the store has them, read once for many who ask. */
class StandbyBundles {
  readonly #parts: BundleParts;
  readonly #read = new Map<TrustDomainName, { readonly atMs: number; readonly served: Served }>();

  constructor(parts: BundleParts) {
    this.#parts = parts;
  }

  async read(trustDomain: TrustDomainName): Served {
    const nowMs = this.#parts.clock.nowMs();
    const before = this.#read.get(trustDomain);
    if (before !== undefined && nowMs - before.atMs < readAgainMs) return before.served;
    const served = readServedBundle(this.#parts, trustDomain);
    this.#read.delete(trustDomain);
    this.#read.set(trustDomain, { atMs: nowMs, served });
    const [oldest] = this.#read.keys();
    if (this.#read.size > namesMax && oldest !== undefined) this.#read.delete(oldest);
    return served;
  }
}

/** The name of a trust domain that a stranger asks for; undefined for what no object can be called. */
function known(name: string): TrustDomainName | undefined {
  return /^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/u.test(name) ? parseTrustDomainName(name) : undefined;
}

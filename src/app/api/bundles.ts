import { servedBundle, type BundleReads, type Controllers } from '../../controllers/index.ts';
import { bundleRoutes, type RouteFamily } from '../../server/index.ts';

/** Serves the bundles of the trust domains that the running reconcilers keep; `controllers` is undefined in a replica that stands by. */
export function bundleFamily(controllers: () => Controllers | undefined, reads: BundleReads): RouteFamily {
  return bundleRoutes({
    bundle: (trustDomain) => {
      const running = controllers();
      if (running === undefined) return 'standby';
      const state = running.domains.get(trustDomain);
      const served = state === undefined ? undefined : servedBundle(state);
      if (served !== undefined) reads.note(trustDomain);
      return served;
    },
  });
}

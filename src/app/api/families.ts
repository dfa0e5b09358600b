import type { Controllers } from '../../controllers/index.ts';
import { readRoutes, type RouteFamily } from '../../server/index.ts';
import { bundleFamily, type BundleParts } from './bundles.ts';
import { KnownReads } from './known-reads.ts';
import { oidcFamily } from './oidc.ts';
import { svidFamilies } from './svids.ts';

/** What the routes are made over. */
export interface FamilyParts extends BundleParts {
  /** The running reconcilers; undefined in a replica that stands by. */
  readonly controllers: () => Controllers | undefined;
}

/** Every route of the API: of a cluster, of standalone mode, and of the document that describes them. */
export function apiFamilies(parts: FamilyParts): readonly RouteFamily[] {
  return [...svidFamilies(parts.controllers), bundleFamily(parts), oidcFamily(parts), readFamily(parts.controllers)];
}

function readFamily(controllers: FamilyParts['controllers']): RouteFamily {
  return readRoutes(() => {
    const known = controllers()?.known;
    return known?.complete === true ? new KnownReads(known) : undefined;
  });
}

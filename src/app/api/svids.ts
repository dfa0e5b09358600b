import type { Controllers } from '../../controllers/index.ts';
import { jwtRoute, x509Route, type RouteFamily } from '../../server/index.ts';

/** The routes that sign. @param controllers undefined while this replica stands by */
export function svidFamilies(controllers: () => Controllers | undefined): readonly RouteFamily[] {
  return [x509Route(() => controllers()?.csr), jwtRoute(() => controllers()?.jwt)];
}

/** HTTP faces of the daemon, on fastify: one plugin a route family. Nothing in here holds a key or decides a policy. */
export { healthServer, type HealthSources } from './health.ts';
export { gatewayServer } from './gateway.ts';
export { PeerIdentities, type PeerTrust } from './peer-identity.ts';
export { routesOf } from './access.ts';
export { bundleRoutes, type BundleSource } from './bundle-endpoint.ts';
export type { ApiFigures } from './answers.ts';
export { apiServer, apiTlsVersionMin, type RouteFamily } from './api.ts';
export type { Caller, ServiceAccountCaller } from './caller.ts';
export type { CallerSource, Identification, RequestLimits } from './guard.ts';
export { x509Route } from './svid-x509.ts';
export { openapiDocument } from './openapi.ts';
export { readRoutes, type Page, type PageAsked, type ReadSource } from './read.ts';
export type { AuthorityView, IdentityView, RotationView } from './read-views.ts';
export type { RightSource, Sight, Wanted } from './sight.ts';
export { oidcRoutes, type JwtKeySource, type PublicJwk, type PublishedJwtKeys } from './oidc.ts';
export { jwtRoute } from './svid-jwt.ts';

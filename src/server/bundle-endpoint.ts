import type { RouteFamily } from './api.ts';
import { Refused } from './problem.ts';

const bundleParams = { type: 'object', properties: { trustDomain: { type: 'string', examples: ['shop.example'] } } } as const;
const bundleSchema = {
  type: 'object',
  required: ['keys'],
  properties: {
    keys: { type: 'array', items: { type: 'object' }, description: 'a JWK Set whose keys say what they are for (SPIFFE)' },
    spiffe_sequence: { type: 'integer' },
    spiffe_refresh_hint: { type: 'integer', description: 'in how many seconds to ask again' },
  },
} as const;

/** The bundles of the trust domains of this daemon. */
export interface BundleSource {
  /** The newest bundle document of a trust domain; undefined when there is none of this name. @throws STORE_… */
  bundle(trustDomain: string): Promise<{ readonly document: string } | undefined>;
}

/**
 * `GET /v1/trust-domains/{name}/bundle`: the SPIFFE bundle of a trust domain for those who federate with it, by either profile
 * (SPIFFE-33): how the server is recognised is a matter of the certificate that the API serves with. What it gives is public,
 * and nobody is asked for a certificate. Always the newest, of one trust domain alone.
 */
export function bundleRoutes(source: BundleSource): RouteFamily {
  return (server) => {
    server.get<{ Params: { trustDomain: string } }>('/v1/trust-domains/:trustDomain/bundle', { config: { access: { rule: 'anyone', object: 'TrustDomain' } }, schema: { summary: 'The SPIFFE bundle of a trust domain', params: bundleParams, response: { 200: bundleSchema } } }, async (request, reply) => {
      const found = await source.bundle(request.params.trustDomain);
      if (found === undefined) throw new Refused('FEDERATION_BUNDLE_UNKNOWN', 'there is no trust domain of this name here, or it has no authority yet');
      // Whoever keeps it longer than it is asked to would hold a rotation up, or be left behind.
      return reply.header('cache-control', 'no-cache').type('application/json').send(found.document);
    });
  };
}

import type { IdentityRow, Overview } from '../../src/app/overview/overview.ts';

/** An identity with half of its life left, unless said otherwise. */
export function row(name: string, parts: Partial<IdentityRow> = {}): IdentityRow {
  return {
    namespace: 'shop',
    name,
    ready: true,
    trustDomain: 'shop.example',
    spiffeId: `spiffe://shop.example/ns/shop/sa/${name}`,
    issuer: '0123456789abcdef0123456789abcdef01234567',
    notAfter: '2026-01-01T01:00:00Z',
    renewalTime: '2026-01-01T00:30:00Z',
    lifeLeft: 0.5,
    lifeLeftSeconds: 1800,
    renewals: 3,
    ...parts,
  };
}

/** An overview of one trust domain with these identities. */
export function overview(identities: readonly IdentityRow[], problems: Overview['problems'] = []): Overview {
  const authority = { keyIdentifier: 'fedcba9876543210', role: 'Root', state: 'Active', notAfter: '2027-01-01T00:00:00Z', lifeLeft: 0.5, lifeLeftSeconds: 31_536_000, liveLeaves: identities.length };
  const trustDomain = { name: 'shop.example', ready: true, signerEpoch: 2, bundleGeneration: 1, bundleSha256: 'ab', authorities: [authority], bundles: [{ generation: 1, identities: identities.length }], notOnNewest: 0, targets: undefined, violations: 0 };
  return { trustDomains: [trustDomain], rotations: [], identities, problems };
}

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import {
  dnsNameAllowed,
  resolvedIdentitySpec,
  resolvedTrustDomainSpec,
  type TrustDomain,
  validateManifest,
  type WorkloadIdentity,
} from '../../src/resources/index.ts';

const folder = join(import.meta.dirname, '../../examples/shop');
const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
const documents = (
  await Promise.all(
    names.map(async (name) =>
      parseAllDocuments(await readFile(join(folder, name), 'utf8')).map((document) => document.toJS() as unknown),
    ),
  )
).flat();
const objects = documents.map((document) => validateManifest(document));
const valid = objects.flatMap((result) => (result.ok ? [result.object] : []));
const trustDomains = valid.filter((object) => object.kind === 'TrustDomain').map((object) => object as unknown as TrustDomain);
const identities = valid
  .filter((object) => object.kind === 'WorkloadIdentity')
  .map((object) => object as unknown as WorkloadIdentity);

describe('examples/shop', () => {
  test('every document is valid', () => {
    expect(objects.filter((result) => !result.ok)).toEqual([]);
    expect(trustDomains.map(({ metadata }) => metadata.name)).toEqual(['shop.example']);
  });

  test('shows at least four identities with different kinds of key', () => {
    expect(new Set(identities.map((identity) => resolvedIdentitySpec(identity).keyAlgorithm)).size).toBeGreaterThanOrEqual(4);
  });

  test('has nothing that its trust domain would refuse, and times that a person can watch', () => {
    const [domain] = trustDomains.map(resolvedTrustDomainSpec);
    if (domain === undefined) throw new Error('no trust domain');
    expect(domain.issuingAuthority.lifetimeMs).toBeLessThanOrEqual(3_600_000);
    for (const identity of identities) {
      const { ttlMs = domain.svid.ttlMs, dnsNames } = resolvedIdentitySpec(identity);
      expect(ttlMs).toBeLessThanOrEqual(domain.svid.maxTtlMs);
      const namespace = identity.metadata.namespace ?? '';
      expect(dnsNames.filter((name) => !dnsNameAllowed(name, domain.allowedDnsPatterns, namespace))).toEqual([]);
    }
  });
});

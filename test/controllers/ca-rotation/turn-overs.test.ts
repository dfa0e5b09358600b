import { expect, test } from 'vitest';
import { minuteMs, startSite } from './site.ts';

const hourMs = 60 * minuteMs;

test('L1: over many turn-overs of issuing authorities and scheduled ones of roots, whatever a leaf is renewed to is taken by everybody at once, and no leaf stays behind', { timeout: 120_000 }, async () => {
  const spec = {
    rootAuthority: { lifetime: '96h' },
    issuingAuthority: { lifetime: '4h' },
    svid: { ttl: '30m', maxTTL: '1h' },
    rotation: { propagationBound: '20s', consumerReload: '40s', root: { every: '4h' } },
  };
  const site = await startSite({ spec, identities: 4 });
  const names = [0, 1, 2, 3].map((index) => `id-${index}`);
  const issuerOf = (name: string): string => site.secret(name).metadata.annotations?.['mtlsd.io/issuer'] ?? '';
  const issuers = new Set<string>();
  const roots = new Set<string>();
  const leaves = new Map(names.map((name) => [name, new Set<string>()]));
  /** Since when the issuing authority that signs now does. */
  let signer = { name: site.active('Issuing'), sinceMs: site.world.time.nowMs };
  const endMs = site.world.time.nowMs + 10 * hourMs;
  while (site.world.time.nowMs < endMs) {
    // A stride is less than any consumer takes that is late: the new one meets peers that have the old.
    await site.pass(15_000, 15_000);
    const name = site.active('Issuing');
    if (name !== signer.name) signer = { name, sinceMs: site.world.time.nowMs };
    issuers.add(name);
    roots.add(site.active('Root'));
    for (const each of names) {
      leaves.get(each)?.add(site.secret(each).data['tls.crt'] ?? '');
      if (site.world.time.nowMs > signer.sinceMs + 30 * minuteMs) expect(issuerOf(each), `${each} is of the issuing authority that signs`).toBe(signer.name);
    }
    expect(site.fleet.failures).toEqual([]);
  }
  expect(issuers.size).toBeGreaterThanOrEqual(6);
  expect(roots.size).toBe(3);
  // Each by its own clock, about every twenty minutes.
  for (const [name, own] of leaves) expect(own.size, name).toBeGreaterThanOrEqual(10 * 2);
  expect(site.store.all('CARotation').map(({ status }) => status?.phase)).toEqual(['Complete', 'Complete']);
});

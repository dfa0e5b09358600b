import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide, type IdentityRequest, type IssuancePolicy } from '../../src/issuance/index.ts';
import { parseTrustDomainName } from '../../src/spiffe/index.ts';

const hourMs = 3_600_000;
const policy: IssuancePolicy = {
  trustDomain: parseTrustDomainName('a.example'),
  pathTemplate: '/ns/{namespace}/sa/{serviceAccount}',
  allowedDnsPatterns: ['*.{namespace}.svc'],
  defaultTtlMs: hourMs,
  maxTtlMs: 24 * hourMs,
  minTtlMs: 60_000,
  minTtlReason: 'the shortest that can be kept fresh',
};
const request: IdentityRequest = { namespace: 'shop', serviceAccountName: 'cart', dnsNames: [], commonName: undefined, ttlMs: undefined };

const names = fc.constantFrom('cart.shop.svc', 'till.shop.svc', 'x.bank.svc', 'evil.example.com', '*.shop.svc', 'UP.shop.svc', '10.0.0.1', 'a..b', 'a_b.shop.svc', 'cart.shop.svc.');
const requests = fc.record({
  namespace: fc.constantFrom('shop', 'bank'),
  serviceAccountName: fc.constantFrom('cart', '..', 'a/b', ''),
  dnsNames: fc.array(names, { maxLength: 4 }),
  commonName: fc.constant(undefined),
  ttlMs: fc.option(fc.integer({ min: 1, max: 48 * hourMs }), { nil: undefined }),
});
const policies = fc.record({
  patterns: fc.subarray(['*.{namespace}.svc', '*.example.com', 'x.bank.svc', '*.*.svc']),
  maxTtlMs: fc.integer({ min: 60_000, max: 24 * hourMs }),
  minTtlMs: fc.integer({ min: 1, max: hourMs }),
});

test('tightening a policy never allows more', () => {
  fc.assert(
    fc.property(requests, policies, fc.array(fc.nat(3)), fc.nat(hourMs), fc.nat(hourMs), (asked, wide, kept, lessMs, moreMs) => {
      const loose = { ...policy, allowedDnsPatterns: wide.patterns, maxTtlMs: wide.maxTtlMs, minTtlMs: wide.minTtlMs };
      const tight = { ...loose, allowedDnsPatterns: wide.patterns.filter((_, index) => kept.includes(index)), maxTtlMs: loose.maxTtlMs - lessMs, minTtlMs: loose.minTtlMs + moreMs };
      if (decide(asked, tight).granted) expect(decide(asked, loose).granted).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('what is granted is exactly what was asked for, and stays within the policy', () => {
  fc.assert(
    fc.property(requests, (asked) => {
      const decision = decide(asked, policy);
      if (!decision.granted) {
        expect(decision.denials.length).toBeGreaterThan(0);
        return;
      }
      expect(decision.grant.spiffeId.toString()).toBe(`spiffe://a.example/ns/${asked.namespace}/sa/${asked.serviceAccountName}`);
      expect(decision.grant.dnsNames).toEqual([...new Set(asked.dnsNames)]);
      for (const name of decision.grant.dnsNames) expect(name).toMatch(new RegExp(`^[a-z0-9-]+\\.${asked.namespace}\\.svc$`, 'u'));
      expect(decision.grant.ttlMs).toBe(asked.ttlMs ?? hourMs);
      expect(decision.grant.ttlMs).toBeLessThanOrEqual(24 * hourMs);
    }),
    { numRuns: 500 },
  );
});

test('every reason of a denial is told, each with its field', () => {
  const decision = decide({ ...request, serviceAccountName: 'a/b', dnsNames: ['cart.shop.svc', 'evil.example.com', '*.shop.svc'], ttlMs: 25 * hourMs }, policy);
  expect(decision.granted ? [] : decision.denials.map(({ field }) => field)).toEqual(['spec.serviceAccountName', 'spec.dnsNames[1]', 'spec.dnsNames[2]', 'spec.ttl']);
});

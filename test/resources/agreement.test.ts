/** The rules at `kubectl apply` and the checks when something is issued must not contradict each other. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { validateManifest } from '../../src/resources/index.ts';
import { parseDnsName } from '../../src/spiffe/dns-name.ts';
import { expandPathTemplate } from '../../src/spiffe/path-template.ts';
import { identity, manifestCases, trustDomain } from './manifest-cases.ts';

function accepts(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

const label = fc.stringMatching(/^[a-zA-Z0-9_*-]{0,6}$/u);
const dnsName = fc.oneof(
  { weight: 3, arbitrary: fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.')) },
  { weight: 1, arbitrary: fc.string({ maxLength: 12, unit: 'binary' }) },
  { weight: 1, arbitrary: fc.ipV4() },
  { weight: 1, arbitrary: fc.ipV6() },
);

test('a DNS name is taken in a manifest exactly when it can stand in a certificate', () => {
  fc.assert(
    fc.property(dnsName, (name) => {
      // A label that only looks like punycode passes the manifest and is named when the identity is issued.
      fc.pre(!/(?:^|\.)xn--/u.test(name));
      expect(validateManifest(identity({ dnsNames: [name] })).ok).toBe(accepts(() => parseDnsName(name)));
    }),
    { numRuns: 1000 },
  );
});

const segment = fc.oneof(fc.constantFrom('{namespace}', '{serviceAccount}', 'ns', 'v1', '.', '..', '', 'a-{namespace}', '{x}'), fc.stringMatching(/^[a-zA-Z%._-]{0,4}$/u));

test('a path template that a manifest may hold gives every workload a SPIFFE ID', () => {
  fc.assert(
    fc.property(segment, segment, segment, (first, second, third) => {
      const pathTemplate = `/${first}/{namespace}/${second}/{serviceAccount}/${third}`;
      fc.pre(validateManifest(trustDomain({ pathTemplate })).ok);
      expect(expandPathTemplate(pathTemplate, { namespace: 'shop', serviceAccount: 'cart.v2' })).toMatch(/^\/.*shop/u);
    }),
    { numRuns: 200 },
  );
});

test('any JSON is judged, and never throws', () => {
  const field = fc.constantFrom('spec', 'metadata', 'kind', 'apiVersion', 'status', 'other');
  const inside = fc.constantFrom('ttl', 'svid', 'dnsNames', 'secretTemplate', 'labels', 'commonName', 'rootAuthority', 'name', '__proto__', 'constructor');
  const value = fc.oneof(fc.jsonValue(), fc.dictionary(inside, fc.jsonValue()));
  fc.assert(
    fc.property(fc.constantFrom(...manifestCases), field, value, (each, name, replacement) => {
      const result = validateManifest({ ...each.good, [name]: replacement });
      if (!result.ok) for (const { message } of result.problems) expect(message).not.toMatch(/evaluating rule|undefined|\[object/u);
    }),
    { numRuns: 500 },
  );
});

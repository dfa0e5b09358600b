/** The invariant that must hold at all times: the root of every live leaf is in every bundle that was delivered. */
import { describe, expect, test } from 'vitest';
import { acceptRestored, dropPrepared, prepareRoot, prepareSuccessors, retireFrom, switchTo, type AuthorityRecord } from '../../src/authority/index.ts';
import { countViolations, trustInRecord, trustInStatus } from '../../src/rotation/index.ts';
import { trustDomainStatus } from '../../src/controllers/trust-domain/status.ts';
import { hourMs, makeRecord, startMs, tools } from '../authority/record-bench.ts';

const names = { uid: 'u1', name: 'r1' };
const spec = { keyAlgorithm: 'ECDSAP256', lifetimeMs: 48 * hourMs } as const;
const issuerOf = (record: AuthorityRecord): string => record.authorities.find(({ role, state }) => role === 'Issuing' && state === 'Active')?.keyIdentifier ?? '';
const leaf = (issuer: string, notAfterMs = startMs + hourMs) => ({ issuer, notAfterMs });

/** Records on the way from one root to another. */
async function rotated() {
  const before = await makeRecord(48, 8);
  const prepared = prepareRoot(before, names, await prepareSuccessors(before, 'Root', { root: spec, issuing: { ...spec, lifetimeMs: 8 * hourMs } }, startMs, tools), startMs);
  const switched = switchTo(prepared, names, startMs + hourMs, startMs);
  return { before, prepared, switched, retired: retireFrom(switched, names, [], startMs) };
}

const count = (record: AuthorityRecord, generations: readonly number[], ...issuers: readonly string[]): number =>
  countViolations(trustInRecord(record), generations, issuers.map((issuer) => leaf(issuer)), startMs);

test('through a rotation nothing violates it, as long as bundles are first', async () => {
  const { before, prepared, switched, retired } = await rotated();
  const [a, b] = [issuerOf(before), issuerOf(switched)];
  expect(count(before, [1], a)).toBe(0);
  // One place has the new root, the other has not: nothing is signed below it yet.
  expect(count(prepared, [1, 2], a, a)).toBe(0);
  expect(count(switched, [2, 2], a, b)).toBe(0);
  expect(count(retired, [2, 3], b, b)).toBe(0);
});

test('each leaf of a new root counts while one place lacks it: during the rotation, and after it for a place that was left behind', async () => {
  const { before, switched, retired } = await rotated();
  const [a, b] = [issuerOf(before), issuerOf(switched)];
  expect(count(switched, [1, 2], a, b, b)).toBe(2);
  expect(count(retired, [1, 3, 3], b, b)).toBe(2);
});

test('a leaf of a root that was retired counts, and one that has ended does not', async () => {
  const { before, retired } = await rotated();
  expect(count(retired, [3], issuerOf(before))).toBe(1);
  expect(countViolations(trustInRecord(retired), [3], [leaf(issuerOf(before), startMs)], startMs)).toBe(0);
});

test('nothing was delivered to a place without a bundle', async () => {
  const { switched } = await rotated();
  expect(count(switched, [0, 2], issuerOf(switched))).toBe(0);
});

test('after an abort the old root is in every bundle, as ever', async () => {
  const { before, prepared } = await rotated();
  expect(count(dropPrepared(prepared, names, startMs), [1, 2, 3], issuerOf(before))).toBe(0);
});

describe('a restored older record', () => {
  test('vouches, once it is accepted, for nobody who has a bundle from before that', async () => {
    const { before, switched } = await rotated();
    const accepted = acceptRestored(before, { signerEpoch: 2, bundleGeneration: 3 });
    // One place has it already; the other has the bundle of the newer root, and refuses leaves of the older.
    expect(count(accepted, [4, 3], issuerOf(before), issuerOf(switched))).toBe(2);
    expect(count(accepted, [4, 4], issuerOf(before))).toBe(0);
  });

  test('vouches for nothing as long as a bundle is out that is newer than its own', async () => {
    const { before } = await rotated();
    expect(count(before, [1, 3], issuerOf(before))).toBe(1);
  });
});

describe('without a record in force', () => {
  test('what status remembers counts, which says the same', async () => {
    const { before, switched, retired } = await rotated();
    const object = { apiVersion: 'mtlsd.io/v1alpha1' as const, kind: 'TrustDomain' as const, metadata: { name: 'a.example', uid: 'u', resourceVersion: '1', creationTimestamp: '' }, spec: {} };
    const projected = (record: AuthorityRecord) => trustDomainStatus({ object, record, problem: undefined, targets: undefined, violations: 0, inUse: true, federation: undefined }, startMs);
    for (const record of [before, switched, retired]) expect(trustInStatus(projected(record))).toEqual(trustInRecord(record));
    expect(trustInStatus(undefined)).toBeUndefined();
  });

  test('a status that does not say which root an authority chains to means the active one', () => {
    const authority = (keyIdentifier: string, role: 'Root' | 'Issuing') => ({ keyIdentifier, role, state: 'Active' as const, notBefore: '', notAfter: '' });
    const trust = trustInStatus({ bundle: { generation: 1, sha256: '' }, authorities: [authority('root', 'Root'), authority('issuing', 'Issuing')] });
    expect(trust?.authorities.map(({ root }) => root)).toEqual(['root', 'root']);
  });
});

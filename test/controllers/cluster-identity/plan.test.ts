import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { childNameMax, ownerOfChild, renderChild } from '../../../src/controllers/cluster-identity/child.ts';
import { planAccount, type ObservedAccount } from '../../../src/controllers/cluster-identity/plan.ts';
import { byRank, matching } from '../../../src/controllers/cluster-identity/selection.ts';
import type { ClusterWorkloadIdentity, ClusterWorkloadIdentitySpec, WorkloadIdentity } from '../../../src/resources/index.ts';

const place = { namespace: 'shop', serviceAccount: 'cart' };
const allowed = { allowed: true, nextAtMs: 0 };

const fleet = (name: string, spec: Partial<ClusterWorkloadIdentitySpec> = {}, createdSecond = 0): ClusterWorkloadIdentity => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'ClusterWorkloadIdentity',
  metadata: { name, uid: `uid-${name}`, resourceVersion: '1', generation: 1, creationTimestamp: `2026-01-05T00:00:${String(createdSecond).padStart(2, '0')}Z` },
  spec: { namespaceSelector: {}, ...spec },
});

/** What the API server would have stored. */
const stored = (draft: Pick<WorkloadIdentity, 'apiVersion' | 'kind' | 'spec'> & { readonly metadata: object }, uid: string): WorkloadIdentity =>
  ({ ...draft, metadata: { ...draft.metadata, uid, resourceVersion: '1', creationTimestamp: '2026-01-05T00:00:00Z' } }) as WorkloadIdentity;

const byHand = (name: string, spec: WorkloadIdentity['spec'] = {}): WorkloadIdentity =>
  stored({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { name, namespace: 'shop' }, spec }, `hand-${name}`);

const fleets = fc
  .uniqueArray(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      priority: fc.integer({ min: -1, max: 1 }),
      second: fc.integer({ min: 0, max: 2 }),
      secretName: fc.constantFrom('{serviceAccount}-mtls', 'x-{serviceAccount}'),
      ttl: fc.constantFrom('1h', '2h'),
      pods: fc.boolean(),
    }),
    { selector: ({ name }) => name, maxLength: 4 },
  )
  .map((drawn) => drawn.map(({ name, second, pods, ...spec }) => fleet(name, { ...spec, ...(pods ? { deliveries: ['PodCertificate'] as const } : {}) }, second)));

interface Drawn {
  readonly observed: ObservedAccount;
}

const observations: fc.Arbitrary<Drawn> = fc
  .record({
    all: fleets,
    child: fc.option(fc.record({ of: fc.constantFrom('a', 'b', 'gone'), secretName: fc.constantFrom('cart-mtls', 'x-cart'), edited: fc.boolean() }), { nil: undefined }),
    taken: fc.boolean(),
    own: fc.boolean(),
    leaving: fc.boolean(),
    mayWrite: fc.boolean(),
  })
  .map(({ all, child, taken, own, leaving, mayWrite }) => {
    const made = child === undefined ? undefined : stored(renderChild(fleet(child.of, { secretName: child.secretName === 'cart-mtls' ? '{serviceAccount}-mtls' : 'x-{serviceAccount}', ...(child.edited ? { ttl: '9h' } : {}) }), place, undefined), 'child');
    const occupant = made ?? (taken ? byHand('cart', { serviceAccountName: 'other' }) : undefined);
    const matches = leaving ? [] : matching(all, { namespaceLabels: {}, name: 'cart', labels: {} });
    return { observed: { ...place, leaving, matches, own: own ? byHand('mine', { serviceAccountName: 'cart' }) : undefined, occupant, repair: mayWrite ? allowed : { allowed: false, nextAtMs: 60_000 } } };
  });

/** The world after a step. */
function after(observed: ObservedAccount): ObservedAccount {
  const { step } = planAccount(observed);
  if (step === undefined) return observed;
  return { ...observed, occupant: step.do === 'delete' ? undefined : stored(step.draft, step.do === 'create' ? 'made' : (step.child.metadata.uid)) };
}

describe('the plan of one service account', () => {
  test('never touches what somebody else made, and never makes what is there', () => {
    fc.assert(
      fc.property(observations, ({ observed }) => {
        const { step } = planAccount(observed);
        if (step === undefined) return;
        expect(observed.leaving).toBe(false);
        if (step.do === 'create') expect(observed.occupant).toBeUndefined();
        else expect(ownerOfChild(step.child)).toBeDefined();
        if (step.do !== 'delete') expect([observed.own, observed.repair.allowed]).toEqual([undefined, true]);
      }),
    );
  });

  test('comes to rest after two writes, with the object that counts or with none', () => {
    fc.assert(
      fc.property(observations, ({ observed }) => {
        const rest = after(after(observed));
        const plan = planAccount(rest);
        expect(plan.step).toBeUndefined();
        const winner = observed.own === undefined ? observed.matches.find(({ spec }) => spec.deliveries === undefined) : undefined;
        const owner = rest.occupant === undefined ? undefined : ownerOfChild(rest.occupant);
        const isOther = rest.occupant !== undefined && owner === undefined;
        if (!observed.leaving && observed.repair.allowed && !isOther) expect(owner).toBe(winner?.metadata.uid);
        if (owner !== undefined && owner === winner?.metadata.uid && observed.repair.allowed) expect(plan.standings.get(owner)?.kind).toBe('identity');
      }),
    );
  });

  test('tells each object that matches how it stands, and nobody else', () => {
    fc.assert(
      fc.property(observations, ({ observed }) => {
        const { standings } = planAccount(observed);
        const expected = observed.leaving ? [] : observed.matches.map(({ metadata }) => metadata.uid);
        expect([...standings.keys()]).toEqual(expected);
        const counts = [...standings.values()].filter(({ kind }) => kind !== 'overridden' && kind !== 'without-secret');
        expect(counts.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('does not depend on the order in which the objects come', () => {
    fc.assert(
      fc.property(fleets, fc.array(fc.integer(), { minLength: 4, maxLength: 4 }), (all, keys) => {
        const keyed = all.map((each, index) => ({ each, key: keys[index] ?? 0 }));
        const shuffled = keyed.toSorted((a, b) => a.key - b.key).map(({ each }) => each);
        const names = (list: readonly ClusterWorkloadIdentity[]) => matching(list, { namespaceLabels: {}, name: 'cart', labels: {} }).map(({ metadata }) => metadata.name);
        expect(names(shuffled)).toEqual(names(all));
      }),
    );
  });

  test('ranks by priority, then by age, then by name', () => {
    const ranked = [fleet('z', { priority: 5 }, 9), fleet('b', {}, 1), fleet('a', {}, 2), fleet('c', {}, 2), fleet('y', { priority: -1 }, 0)];
    expect(ranked.toReversed().toSorted(byRank).map(({ metadata }) => metadata.name)).toEqual(['z', 'b', 'a', 'c', 'y']);
  });

  test('says of a service account whose name is too long that it gets none', () => {
    const serviceAccount = 'a'.repeat(childNameMax + 1);
    const { step, standings } = planAccount({ ...place, serviceAccount, leaving: false, matches: [fleet('all')], own: undefined, occupant: undefined, repair: allowed });
    expect(step).toBeUndefined();
    expect(standings.get('uid-all')).toMatchObject({ kind: 'conflict', reason: 'NameTooLong' });
  });

  test('a copy that somebody made of a child is theirs', () => {
    const child = stored(renderChild(fleet('all'), place, undefined), 'child');
    expect(ownerOfChild(child)).toBe('uid-all');
    expect(ownerOfChild({ ...child, metadata: { ...child.metadata, name: 'copy' } })).toBeUndefined();
    expect(ownerOfChild({ ...child, metadata: { ...child.metadata, namespace: 'bank' } })).toBeUndefined();
  });

  test('labels of others on a child stay', () => {
    const child = stored(renderChild(fleet('all'), place, undefined), 'child');
    const labelled = { ...child, metadata: { ...child.metadata, labels: { ...child.metadata.labels, team: 'red' } } };
    expect(planAccount({ ...place, leaving: false, matches: [fleet('all')], own: undefined, occupant: labelled, repair: allowed }).step).toBeUndefined();
    expect(renderChild(fleet('all', { ttl: '2h' }), place, labelled).metadata.labels).toMatchObject({ team: 'red' });
  });
});

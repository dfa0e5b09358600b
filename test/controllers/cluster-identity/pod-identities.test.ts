import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderChild } from '../../../src/controllers/cluster-identity/child.ts';
import { identityForPod, type PodSurroundings } from '../../../src/controllers/cluster-identity/pod-identities.ts';
import type { WantedIdentity } from '../../../src/controllers/pod-certificate/match.ts';
import type { ClusterWorkloadIdentity, ClusterWorkloadIdentitySpec, Service, WorkloadIdentity, WorkloadIdentitySpec } from '../../../src/resources/index.ts';

const pod = { namespace: 'shop', name: 'cart-1', serviceAccountName: 'cart', labels: { app: 'cart', tier: 'web' } };
const asked: WantedIdentity = { identity: undefined, trustDomain: undefined };
const created = (second: number) => ({ resourceVersion: '1', creationTimestamp: `2026-01-05T00:00:0${second}Z` });

const fleet = (name: string, spec: Partial<ClusterWorkloadIdentitySpec> = {}, second = 0): ClusterWorkloadIdentity => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'ClusterWorkloadIdentity',
  metadata: { name, uid: `uid-${name}`, ...created(second) },
  spec: { namespaceSelector: {}, ...spec },
});
const identity = (name: string, spec: WorkloadIdentitySpec = {}, second = 0): WorkloadIdentity => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'WorkloadIdentity',
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, ...created(second) },
  spec,
});
const service = (name: string, spec: Service['spec']): Service => ({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'shop', uid: name, ...created(0) }, spec });
const around = (given: Partial<PodSurroundings>): PodSurroundings => ({
  namespaceLabels: { team: 'shop' },
  accountLabels: { account: 'yes' },
  services: [],
  identities: [],
  clusterIdentities: [],
  domains: { get: () => undefined, all: () => [] },
  ...given,
});
const reasons = (given: Partial<PodSurroundings>, wanted = asked): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(identityForPod(pod, wanted, around(given)).candidates.map(({ source, why }) => [source, why]));

describe('which identity a pod gets', () => {
  test('its own before any other, and each that does not count says why', () => {
    const given = {
      identities: [identity('late', { serviceAccountName: 'cart' }, 2), identity('cart', {}, 1), identity('till')],
      clusterIdentities: [
        fleet('all'),
        fleet('elsewhere', { namespaceSelector: { matchLabels: { team: 'bank' } } }),
        fleet('named', { serviceAccountNames: ['till'] }),
        fleet('labelled', { serviceAccountSelector: { matchLabels: { account: 'no' } } }),
        fleet('of-pods', { podSelector: { matchLabels: { app: 'till' } }, deliveries: ['PodCertificate'] }),
        fleet('of-secrets', { deliveries: ['Secret'] }),
      ],
    };
    expect(reasons(given)).toEqual({
      'WorkloadIdentity shop/cart': undefined,
      'WorkloadIdentity shop/late': 'WorkloadIdentity shop/cart counts before it',
      'WorkloadIdentity shop/till': 'it is for service account till',
      'ClusterWorkloadIdentity all': 'WorkloadIdentity shop/cart counts before it',
      'ClusterWorkloadIdentity elsewhere': 'its namespaceSelector does not select the namespace',
      'ClusterWorkloadIdentity named': 'its serviceAccountNames do not list cart',
      'ClusterWorkloadIdentity labelled': 'its serviceAccountSelector does not select the service account cart',
      'ClusterWorkloadIdentity of-pods': 'its podSelector does not select the pod',
      'ClusterWorkloadIdentity of-secrets': 'its deliveries do not list PodCertificate',
    });
  });

  test('the ClusterWorkloadIdentity of the highest priority, for the pods that it selects', () => {
    const pods = { podSelector: { matchLabels: { app: 'cart' } }, deliveries: ['PodCertificate'] as const };
    expect(reasons({ clusterIdentities: [fleet('all'), fleet('pods', { ...pods, priority: 1 }, 5)] })).toEqual({
      'ClusterWorkloadIdentity pods': undefined,
      'ClusterWorkloadIdentity all': 'ClusterWorkloadIdentity pods counts before it',
    });
  });

  test('with the names of the services that select it, sorted', () => {
    const services = [
      service('web', { selector: { tier: 'web' } }),
      service('api', { selector: { app: 'cart', tier: 'web' } }),
      service('other', { selector: { app: 'till' } }),
      service('by-hand', {}),
      service('outside', { type: 'ExternalName', selector: { app: 'cart' } }),
    ];
    const { match } = identityForPod(pod, asked, around({ services, clusterIdentities: [fleet('all', { dnsNames: ['{service}.{namespace}.svc', '{serviceAccount}.{namespace}'], ttl: '2h' })] }));
    expect(match).toMatchObject({ kind: 'matched', identity: { name: 'cart', serviceAccountName: 'cart', dnsNames: ['api.shop.svc', 'web.shop.svc', 'cart.shop'], ttlMs: 7_200_000 } });
  });

  test('what mtlsd made speaks through the object that it was made for, and by itself once that went with its kind', () => {
    const owner = fleet('all', { dnsNames: ['{serviceAccount}.{namespace}'] });
    const draft = renderChild(owner, { namespace: 'shop', serviceAccount: 'cart' }, undefined);
    const child: WorkloadIdentity = { ...draft, metadata: { ...draft.metadata, uid: 'child', ...created(0) }, status: { trustDomain: 'a.example' } };
    const { match, candidates } = identityForPod(pod, asked, around({ identities: [child], clusterIdentities: [owner] }));
    expect(candidates).toEqual([{ source: 'ClusterWorkloadIdentity all' }]);
    // What was chosen for the Secret stays, though there is no such trust domain now.
    expect(match).toMatchObject({ kind: 'matched', identity: { domain: { kind: 'unresolved', name: 'a.example' } } });
    expect(reasons({ identities: [child] })).toEqual({ 'WorkloadIdentity shop/cart': undefined });
    expect(reasons({ identities: [child], clusterIdentities: undefined })).toEqual({});
  });

  test('one of those that it asks for by name or trust domain', () => {
    const given = { identities: [identity('cart', { trustDomain: 'a.example' }, 1), identity('second', { serviceAccountName: 'cart', trustDomain: 'b.example' }, 2)] };
    expect(reasons(given, { ...asked, trustDomain: 'b.example' })).toEqual({
      'WorkloadIdentity shop/cart': 'the pod asks for trust domain b.example, and this is of a.example',
      'WorkloadIdentity shop/second': undefined,
    });
    expect(reasons(given, { ...asked, identity: 'second' })['WorkloadIdentity shop/cart']).toBe('the pod asks for identity second');
    expect(identityForPod(pod, { ...asked, identity: 'third' }, around(given)).match).toMatchObject({ kind: 'none', reason: 'IdentityMissing' });
  });

  test('none without its service account', () => {
    expect(identityForPod(pod, asked, around({ accountLabels: undefined, clusterIdentities: [fleet('all')] }))).toMatchObject({ match: { kind: 'none' }, candidates: [] });
  });

  test('does not depend on the order of anything, and exactly one candidate is without a reason', () => {
    const drawn = fc.record({
      ids: fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c'), own: fc.boolean(), second: fc.integer({ min: 0, max: 2 }) }), { selector: ({ name }) => name }),
      fleets: fc.uniqueArray(fc.record({ name: fc.constantFrom('x', 'y', 'z'), priority: fc.integer({ min: 0, max: 1 }), team: fc.constantFrom('shop', 'bank'), second: fc.integer({ min: 0, max: 1 }) }), { selector: ({ name }) => name }),
    });
    fc.assert(
      fc.property(drawn, ({ ids, fleets }) => {
        const identities = ids.map(({ name, own, second }) => identity(name, { serviceAccountName: own ? 'cart' : 'till' }, second));
        const clusterIdentities = fleets.map(({ name, priority, team, second }) => fleet(name, { priority, namespaceSelector: { matchLabels: { team } } }, second));
        const one = identityForPod(pod, asked, around({ identities, clusterIdentities }));
        const other = identityForPod(pod, asked, around({ identities: identities.toReversed(), clusterIdentities: clusterIdentities.toReversed() }));
        expect(one.match).toEqual(other.match);
        const may = ids.some(({ own }) => own) || fleets.some(({ team }) => team === 'shop');
        expect(one.candidates.filter(({ why }) => why === undefined)).toHaveLength(may ? 1 : 0);
        expect(one.candidates).toHaveLength(ids.length + fleets.length);
        if (one.match.kind === 'matched' && ids.some(({ own }) => own)) expect(one.match.identity.source).toMatch(/^WorkloadIdentity /u);
      }),
    );
  });
});

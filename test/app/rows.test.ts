import { describe, expect, test } from 'vitest';
import { overviewOf } from '../../src/app/overview/overview.ts';
import { trustDomainRow } from '../../src/app/overview/trust-domain-row.ts';
import type { CARotation, TrustDomain, WorkloadIdentity } from '../../src/resources/index.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const meta = (name: string, namespace?: string) => ({ name, ...(namespace === undefined ? {} : { namespace }), uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' });
const authority = (keyIdentifier: string, role: 'Root' | 'Issuing', state: 'Active' | 'Retiring') => ({ keyIdentifier, role, state, notBefore: '2025-12-31T00:00:00Z', notAfter: '2026-01-04T00:00:00Z' });
const domain: TrustDomain = {
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'TrustDomain',
  metadata: meta('shop.example'),
  spec: {},
  status: {
    authorities: [authority('aa', 'Root', 'Active'), authority('bb', 'Issuing', 'Retiring'), authority('cc', 'Issuing', 'Active')],
    bundle: { generation: 3, sha256: 'ab' },
    targets: { written: 2, stale: 1, failing: ['ConfigMap x/y'] },
  },
};
const identity = (name: string, status: WorkloadIdentity['status']): WorkloadIdentity => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'WorkloadIdentity',
  metadata: meta(name, 'shop'),
  spec: {},
  status: { trustDomain: 'shop.example', notAfter: '2026-01-01T01:00:00Z', bundleGeneration: 3, issuer: 'cc', ...status },
});
const rotation = (name: string, status: CARotation['status']): CARotation => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'CARotation',
  metadata: meta(name),
  spec: { trustDomain: 'shop.example', what: 'Root', fromAuthority: 'aa' },
  ...(status === undefined ? {} : { status }),
});

describe('a trust domain', () => {
  test('counts bundles by generation, live certificates by authority, and places that lag', () => {
    const identities = [identity('a', {}), identity('b', { issuer: 'bb', bundleGeneration: 2 }), identity('ended', { notAfter: '2025-12-31T23:00:00Z', issuer: 'bb' }), identity('elsewhere', { trustDomain: 'bank.example', bundleGeneration: 1, issuer: 'zz' })];
    const row = trustDomainRow(domain, identities, nowMs);
    expect(row.bundles).toEqual([{ generation: 3, identities: 2 }, { generation: 2, identities: 1 }]);
    expect(row.notOnNewest).toBe(3);
    expect(row.authorities.map(({ keyIdentifier, liveLeaves, lifeLeft }) => [keyIdentifier, liveLeaves, lifeLeft])).toEqual([['aa', 0, 0.75], ['bb', 1, 0.75], ['cc', 1, 0.75]]);
    expect(row.violations).toBe(0);
  });

  test('tells certificates in use that no authority of the record vouches for, and only while that is known', () => {
    const strayed = [identity('a', { issuer: 'gone' }), identity('ended', { issuer: 'gone', notAfter: '2025-12-31T23:00:00Z' })];
    expect(trustDomainRow(domain, strayed, nowMs).violations).toBe(1);
    expect(overviewOf({ trustDomains: [domain], identities: strayed, rotations: [] }, [], nowMs).problems.map(({ object, reason }) => `${object} ${reason}`)).toContain('TrustDomain shop.example RootMissing');
    const { status: _gone, ...bare } = domain;
    expect(trustDomainRow(bare, strayed, nowMs)).toMatchObject({ violations: 0, authorities: [], bundleGeneration: undefined });
  });

  test('tells what its tokens are signed with, why none are, and nothing where there never were any', () => {
    const jwtReady = (status: 'True' | 'False', reason: string) => ({ conditions: [{ type: 'JWTReady', status, reason, message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' }] });
    const jwt = { sequence: 2, issuer: 'https://tokens.example', turnsOverAt: '2026-01-08T00:00:00Z', keys: [{ keyIdentifier: 'k1', algorithm: 'ES256', state: 'Active', activatedAt: '2026-01-01T00:00:00Z' }] } as const;
    const keys = [{ keyIdentifier: 'k1', algorithm: 'ES256', state: 'Active' }];
    const rowOf = (status: TrustDomain['status']) => trustDomainRow({ ...domain, ...(status === undefined ? {} : { status }) }, [], nowMs).jwt;
    expect(rowOf({ jwt, ...jwtReady('True', 'KeyActive') })).toEqual({ issuer: 'https://tokens.example', reason: undefined, turnsOverAt: '2026-01-08T00:00:00Z', keys });
    expect(rowOf(jwtReady('False', 'IssuerTaken'))).toEqual({ issuer: undefined, reason: 'IssuerTaken', turnsOverAt: undefined, keys: [] });
    expect(rowOf({ jwt: { sequence: 3, keys: jwt.keys } })).toMatchObject({ reason: 'JWTOff', keys });
    expect(rowOf({ jwt: { sequence: 4, keys: [] } })).toBeUndefined();
    const tokens = { conditions: [{ type: 'Tokens', status: 'False', reason: 'Expired', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' }] } as const;
    const overview = overviewOf({ trustDomains: [], identities: [identity('a', tokens), identity('b', {})], rotations: [] }, [], nowMs);
    expect(overview.identities.map((row) => row.tokens)).toEqual(['Expired', undefined]);
    expect(overview.problems.map(({ reason }) => reason)).toEqual(['Expired']);
  });
});

describe('rotations', () => {
  test('come with those under way first, and are a problem while they stand still', () => {
    const condition = (status: 'True' | 'False', reason: string) => [{ type: 'Progressing', status, reason, message: 'why', lastTransitionTime: '2026-01-01T00:00:00Z' }];
    const rotations = [
      rotation('a-ended', { phase: 'Complete', conditions: condition('False', 'Complete') }),
      rotation('b-held', { phase: 'Confirm', gate: 'Loaded', stragglers: 3, conditions: condition('False', 'Paused') }),
      rotation('c-goes-on', { phase: 'Drain', conditions: condition('True', 'Draining') }),
      rotation('d-new', undefined),
      { ...rotation('e-asks', { phase: 'Canary', gates: [{ name: 'Canary', phase: 'Canary', state: 'Waiting', done: 1, total: 1 }] }), spec: { trustDomain: 'shop.example', what: 'Root', fromAuthority: 'aa', approvals: ['Canary'] } } as const,
      rotation('f-notes', { phase: 'Drain', gate: '', progress: '', conditions: condition('False', 'PastTheSwitch') }),
    ];
    const overview = overviewOf({ trustDomains: [], identities: [], rotations }, [], nowMs);
    expect(overview.rotations.map(({ name, ended }) => [name, ended])).toEqual([['b-held', false], ['c-goes-on', false], ['d-new', false], ['e-asks', false], ['f-notes', false], ['a-ended', true]]);
    expect(overview.rotations[0]).toMatchObject({ phase: 'Confirm', gate: 'Loaded', stragglers: 3, mode: 'Graceful', direction: 'Forward' });
    expect(overview.rotations.find(({ name }) => name === 'f-notes')).toMatchObject({ gate: undefined, progress: undefined });
    expect(overview.problems).toEqual([
      { object: 'CARotation b-held', reason: 'Paused', message: 'why' },
      { object: 'CARotation e-asks', reason: 'AwaitingApproval', message: 'gate Canary has all its evidence, and waits for a person to approve it' },
    ]);
  });
});

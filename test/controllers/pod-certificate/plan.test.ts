import fc from 'fast-check';
import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { activeAuthority, type AuthorityRecord } from '../../../src/authority/index.ts';
import { matchPod, type PodIdentity, type PodMatch } from '../../../src/controllers/pod-certificate/match.ts';
import { planRequest, type ObservedRequest, type RequestPlan } from '../../../src/controllers/pod-certificate/plan.ts';
import { beginRefreshAtMs } from '../../../src/controllers/pod-certificate/refresh-time.ts';
import { requestedKey } from '../../../src/controllers/pod-certificate/requested-key.ts';
import { Issuer } from '../../../src/issuance/index.ts';
import type { Pod, PodCertificateRequest, ServiceAccount } from '../../../src/resources/index.ts';
import { podKey, provenKey, stubRequest } from '../../cluster/pod-requests.ts';
import { domain, hourMs, makeRecord, startMs } from '../../authority/record-bench.ts';

const metadata = (name: string, uid: string) => ({ name, namespace: 'shop', uid, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' });
const key = podKey('ECDSAP256');
const stubPKCS10Request = stubRequest(key, 'ECDSAP256');
const podUID = 'pod-uid';

const request = (more: Partial<PodCertificateRequest['spec']> = {}): PodCertificateRequest => ({
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'PodCertificateRequest',
  metadata: metadata('r', 'request-uid'),
  spec: { signerName: 'mtlsd.io/x509-svid', podName: 'web-0', podUID, serviceAccountName: 'web', serviceAccountUID: 'sa-uid', nodeName: 'node-a', nodeUID: 'node-uid', maxExpirationSeconds: 86_400, stubPKCS10Request, ...more },
});
const pod = (spec: Partial<Pod['spec']> = {}, uid = podUID): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: metadata('web-0', uid), spec: { serviceAccountName: 'web', nodeName: 'node-a', containers: [], ...spec } });
const account = (uid = 'sa-uid'): ServiceAccount => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata('web', uid) });

let record: AuthorityRecord;
let issuer: Issuer;
beforeAll(async () => {
  record = await makeRecord();
  issuer = await Issuer.open(activeAuthority(record, 'Issuing'), record.signerEpoch);
});

function identity(more: Partial<PodIdentity> = {}): PodIdentity {
  const policy = { trustDomain: domain, pathTemplate: '/ns/{namespace}/sa/{serviceAccount}', allowedDnsPatterns: ['*.{namespace}.svc'], defaultTtlMs: hourMs, maxTtlMs: 24 * hourMs, minTtlMs: 375_000, minTtlReason: 'x' };
  const object = { apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: metadata('a.example', 'td'), spec: {} } as const;
  const state = { object, isDefault: false, policy, record, issuer, bundle: undefined, problem: undefined };
  return { source: 'WorkloadIdentity shop/web', name: 'web', domain: { kind: 'resolved', name: 'a.example', state }, serviceAccountName: 'web', dnsNames: ['web.shop.svc'], commonName: undefined, ttlMs: undefined, ...more };
}
const matched = (more: Partial<PodIdentity> = {}): PodMatch => ({ kind: 'matched', identity: identity(more), others: [] });

function plan(more: Partial<ObservedRequest> = {}): RequestPlan {
  const asked = more.request ?? request();
  return planRequest({ request: asked, key: requestedKey(asked.spec), pod: pod(), serviceAccount: account(), match: matched(), namespaceAllowed: true, ...more });
}

describe('a request is granted', () => {
  test('for the identity’s names, and for the shorter of its TTL and what the pod takes', () => {
    fc.assert(
      fc.property(fc.option(fc.integer({ min: 3600, max: 86_400 }), { nil: undefined }), fc.option(fc.integer({ min: 3600, max: 7_862_400 }), { nil: undefined }), (ttlSeconds, maxSeconds) => {
        const asked = request(maxSeconds === undefined ? {} : { maxExpirationSeconds: maxSeconds });
        const outcome = plan({ request: asked, match: matched({ ttlMs: ttlSeconds === undefined ? undefined : ttlSeconds * 1000 }) });
        if (outcome.do !== 'issue') throw new Error(JSON.stringify(outcome));
        expect(outcome.grant.wholeLifeMs).toBe(Math.min(ttlSeconds ?? 3600, maxSeconds ?? 86_400) * 1000);
        expect([outcome.grant.spiffeId.toString(), outcome.grant.dnsNames]).toEqual(['spiffe://a.example/ns/shop/sa/web', ['web.shop.svc']]);
      }),
    );
  });
});

describe('denied is final, so it is said of nothing that could become right', () => {
  const finalReasons = ['InvalidUnverifiedUserAnnotations', 'UnsupportedKeyType', 'IdentityMismatch'];
  const x448 = { kind: 'unsupported', algorithm: 'X448' } as const;

  test.each<[string, Partial<ObservedRequest>, string]>([
    ['an unknown user annotation', { request: request({ unverifiedUserAnnotations: { 'mtlsd.io/trust-domain': 'a.example', 'example.com/x': '' } }) }, 'InvalidUnverifiedUserAnnotations'],
    ['a kind of key that is not certified', { key: x448 }, 'UnsupportedKeyType'],
    ['another pod', { pod: pod({}, 'other') }, 'IdentityMismatch'],
    ['another service account', { serviceAccount: account('other') }, 'IdentityMismatch'],
    ['a service account that the pod does not run as', { pod: pod({ serviceAccountName: 'cart' }) }, 'IdentityMismatch'],
    ['another node', { pod: pod({ nodeName: 'node-b' }) }, 'IdentityMismatch'],
  ])('%s', (_, observed, reason) => {
    expect(plan(observed)).toMatchObject({ do: 'deny', reason });
    // Nothing of it counts for a pod that is gone.
    expect(plan({ ...observed, pod: undefined })).toEqual({ do: 'nothing' });
  });

  test('whatever is observed besides, only those three reasons deny, and each where it is true alone', () => {
    const odd = {
      said: fc.constantFrom<Record<string, string> | undefined>(undefined, {}, { 'mtlsd.io/identity': 'web' }, { 'example.com/x': 'y' }),
      key: fc.constantFrom<ObservedRequest['key'] | undefined>(undefined, x448, { kind: 'refused', why: 'weak.' }),
      pod: fc.constantFrom<Pod | undefined>(undefined, pod(), pod({}, 'other'), pod({ nodeName: 'node-b' }), pod({ nodeName: '' })),
      serviceAccount: fc.constantFrom<ServiceAccount | undefined>(undefined, account(), account('other')),
      allowed: fc.boolean(),
      match: fc.constantFrom<'match' | 'none' | 'short' | 'unresolved' | 'problem' | 'not-ready'>('match', 'none', 'short', 'unresolved', 'problem', 'not-ready'),
    };
    const matches = (kind: string): PodMatch => {
      const { domain: resolved } = identity();
      if (resolved.kind !== 'resolved') throw new Error('unresolved');
      switch (kind) {
        case 'none':
          return { kind: 'none', reason: 'IdentityMissing', message: 'none' };
        case 'short':
          return matched({ ttlMs: 600_000 });
        case 'unresolved':
          return matched({ domain: { kind: 'unresolved', name: undefined, reason: 'TrustDomainMissing', message: 'none' } });
        case 'problem':
          return matched({ domain: { ...resolved, state: { ...resolved.state, issuer: undefined, problem: { reason: 'RootExpired', message: 'ended' } } } });
        case 'not-ready':
          return matched({ domain: { ...resolved, state: { ...resolved.state, issuer: undefined, record: undefined } } });
        default:
          return matched();
      }
    };
    fc.assert(
      fc.property(fc.record(odd), (drawn) => {
        const asked = request(drawn.said === undefined ? {} : { unverifiedUserAnnotations: drawn.said });
        const outcome = plan({ request: asked, ...(drawn.key === undefined ? {} : { key: drawn.key }), pod: drawn.pod, serviceAccount: drawn.serviceAccount, namespaceAllowed: drawn.allowed, match: matches(drawn.match) });
        const mismatch = drawn.pod !== undefined && (drawn.pod.metadata.uid !== podUID || drawn.pod.spec.nodeName === 'node-b');
        const wrong = drawn.said?.['example.com/x'] !== undefined || drawn.key?.kind === 'unsupported' || mismatch || drawn.serviceAccount?.metadata.uid === 'other';
        expect(outcome.do === 'deny').toBe(drawn.pod !== undefined && wrong);
        if (outcome.do === 'deny') expect(finalReasons).toContain(outcome.reason);
        const sound = !wrong && drawn.key === undefined && drawn.pod?.spec.nodeName === 'node-a' && drawn.serviceAccount !== undefined;
        expect(outcome.do === 'issue').toBe(sound && drawn.allowed && drawn.match === 'match');
      }),
      { numRuns: 500 },
    );
  });
});

describe('which identity a pod gets', () => {
  const facts = { namespace: 'shop', name: 'web-0', serviceAccountName: 'web', labels: {} };
  const anything = { identity: undefined, trustDomain: undefined };
  const of = (name: string, trustDomain: string): PodIdentity => identity({ name, source: `WorkloadIdentity shop/${name}`, domain: { kind: 'unresolved', name: trustDomain, reason: 'x', message: 'x' } });
  const both = [of('first', 'a.example'), of('second', 'b.example')];

  test.each([
    [anything, 'first'],
    [{ ...anything, trustDomain: 'b.example' }, 'second'],
    [{ ...anything, identity: 'second' }, 'second'],
    [{ identity: 'first', trustDomain: 'a.example' }, 'first'],
  ])('%o: %s', (wanted, name) => {
    expect(matchPod(facts, wanted, both)).toMatchObject({ kind: 'matched', identity: { name } });
  });

  test.each([
    [{ identity: 'first', trustDomain: 'b.example' }, 'TrustDomainMismatch', /WorkloadIdentity shop\/first is of a\.example/],
    [{ ...anything, trustDomain: 'c.example' }, 'TrustDomainMismatch', /spec\.trustDomain: c\.example/],
    [{ ...anything, identity: 'third' }, 'IdentityMissing', /there is WorkloadIdentity shop\/first, WorkloadIdentity shop\/second: create WorkloadIdentity shop\/third/],
  ])('none for %o', (wanted, reason, message) => {
    expect(matchPod(facts, wanted, both)).toMatchObject({ kind: 'none', reason, message: expect.stringMatching(message) as string });
  });

  test('wanting something never gives more than wanting nothing', () => {
    const names = fc.option(fc.constantFrom('first', 'second', 'third'), { nil: undefined });
    const domains = fc.option(fc.constantFrom('a.example', 'b.example', 'c.example'), { nil: undefined });
    fc.assert(
      fc.property(names, domains, fc.subarray(both), (name, trustDomain, identities) => {
        const match = matchPod(facts, { identity: name, trustDomain }, identities);
        if (match.kind === 'matched') for (const each of [match.identity, ...match.others]) expect(identities).toContain(each);
        else expect(identities.some((each) => (name ?? each.name) === each.name && (trustDomain ?? each.domain.name) === each.domain.name)).toBe(false);
      }),
    );
  });
});

test('a refresh begins within the API server’s bounds: about half-way, at its earliest in a rotation, spread by pod', () => {
  const minutes = 60_000;
  fc.assert(
    fc.property(fc.integer({ min: 3600, max: 86_400 }), fc.uuid(), fc.boolean(), (lifeSeconds, uid, early) => {
      const life = { notBeforeMs: startMs - minutes, issuedAtMs: startMs, notAfterMs: startMs - minutes + lifeSeconds * 1000 };
      const refreshMs = beginRefreshAtMs(life, uid, early);
      expect(refreshMs).toBeGreaterThanOrEqual(life.notBeforeMs + 10 * minutes);
      expect(refreshMs).toBeLessThanOrEqual(life.notAfterMs - 10 * minutes);
      if (early) expect(refreshMs).toBe(life.notBeforeMs + 10 * minutes);
      else expect(Math.abs(refreshMs - (life.issuedAtMs + life.notAfterMs) / 2)).toBeLessThanOrEqual(0.1 * lifeSeconds * 1000 + 1000);
    }),
  );
});

describe('the key of a request', () => {
  const spec = request().spec;
  const without = { ...spec, stubPKCS10Request: '' };

  test('comes from the stub, or from a public key that is proven over the pod’s UID', () => {
    expect(requestedKey(spec)).toMatchObject({ kind: 'sound', publicKey: { algorithm: 'ECDSAP256' } });
    expect(requestedKey({ ...without, ...provenKey(key, 'ECDSAP256', podUID) })).toMatchObject({ kind: 'sound' });
    expect(requestedKey({ ...without, ...provenKey(key, 'ECDSAP256', 'another pod') })).toMatchObject({ kind: 'refused' });
  });

  test('of a kind that is never certified is told apart from one that is broken', () => {
    const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ type: 'spki', format: 'der' });
    expect(requestedKey({ ...without, pkixPublicKey: secp256k1.toString('base64'), proofOfPossession: 'AA==' })).toEqual({ kind: 'unsupported', algorithm: 'EC secp256k1' });
    const rsa1024 = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'der' });
    expect(requestedKey({ ...without, pkixPublicKey: rsa1024.toString('base64'), proofOfPossession: 'AA==' })).toEqual({ kind: 'unsupported', algorithm: 'RSA1024' });
    const other = Buffer.from(stubRequest(podKey('ECDSAP256'), 'ECDSAP256'), 'base64');
    const forged = Buffer.concat([Buffer.from(stubPKCS10Request, 'base64').subarray(0, -8), other.subarray(-8)]);
    for (const broken of [forged.toString('base64'), 'AAAA', '']) expect(requestedKey({ ...spec, stubPKCS10Request: broken })).toMatchObject({ kind: 'refused' });
    expect(plan({ request: request({ stubPKCS10Request: 'AAAA' }) })).toMatchObject({ do: 'wait', reason: 'KeyRefused' });
  });
});

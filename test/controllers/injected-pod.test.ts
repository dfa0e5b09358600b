/** What pods that ask for their identity are told: each thing that can keep them from it, and nothing when nothing does. */
import { describe, expect, test } from 'vitest';
import { judgeInjectedPod, type IdentityLookup } from '../../src/controllers/injected-pod/judge.ts';
import type { Pod, WorkloadIdentity } from '../../src/resources/index.ts';

const times = { uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };

function pod({ annotations = {}, volume = { secret: { secretName: 'cart-mtls' } }, phase = 'Pending', deleted = false }: { annotations?: Record<string, string>; volume?: object | undefined; phase?: string; deleted?: boolean } = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...times, namespace: 'shop', name: 'cart-1', labels: { 'mtlsd.io/inject': 'secret' }, annotations, ...(deleted ? { deletionTimestamp: times.creationTimestamp } : {}) },
    spec: { serviceAccountName: 'cart', containers: [{ name: 'main' }], volumes: [{ name: 'mtlsd', ...volume }] },
    status: { phase },
  } as Pod;
}

function identity(name: string, ready: 'True' | 'False' | undefined, spec: object = {}): WorkloadIdentity {
  const conditions = ready === undefined ? [] : [{ type: 'Ready', status: ready, reason: 'R', message: 'because of this', lastTransitionTime: times.creationTimestamp }];
  return { apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { ...times, namespace: 'shop', name }, spec, status: { trustDomain: 'shop.example', conditions } };
}

function among(...all: readonly WorkloadIdentity[]): IdentityLookup {
  return {
    named: (_namespace, name) => all.find(({ metadata }) => metadata.name === name),
    claiming: (_namespace, secret) => all.filter(({ metadata, spec }) => (spec.secretName ?? `${metadata.name}-mtls`) === secret),
  };
}

describe('a pod that asks for its identity is told', () => {
  test.each([
    ['that it is not there', pod(), among(), 'IdentityMissing', 'it waits for Secret shop/cart-mtls, because no identity is delivered to it: create WorkloadIdentity shop/cart, or'],
    ['that nobody renews what it runs with', pod({ phase: 'Running' }), among(), 'IdentityMissing', 'nobody renews Secret shop/cart-mtls'],
    ['which Secret a missing identity would have', pod({ volume: { secret: { secretName: 'tls' } } }), among(), 'IdentityMissing', 'create WorkloadIdentity shop/cart with spec.secretName: tls'],
    ['that its identity goes to another Secret', pod(), among(identity('cart', 'True', { secretName: 'tls' })), 'SecretMismatch', 'annotate the pod template with mtlsd.io/secret: tls'],
    ['why its identity is not ready', pod(), among(identity('cart', 'False')), 'IdentityNotReady', 'it waits for WorkloadIdentity shop/cart: because of this'],
    ['that its identity is of another trust domain', pod({ annotations: { 'mtlsd.io/trust-domain': 'bank.example' } }), among(identity('cart', 'True')), 'TrustDomainMismatch', 'it asks for trust domain bank.example, and WorkloadIdentity shop/cart is of shop.example'],
    ['that nothing gave it a volume', { ...pod(), spec: { containers: [{ name: 'main' }] } }, among(identity('cart', 'True')), 'NotInjected', 'pass its manifest through mtlsd inject'],
  ])('%s', (_what, asking, identities, reason, words) => {
    expect(judgeInjectedPod(asking, identities)).toMatchObject({ reason, message: expect.stringContaining(words) as string });
  });

  test.each([
    ['when its identity is ready', pod(), among(identity('cart', 'True'))],
    ['when its identity is new', pod(), among(identity('cart', undefined))],
    ['when it runs while its identity has trouble: that is told by the identity', pod({ phase: 'Running' }), among(identity('cart', 'False'))],
    ['when it names an identity and gets it', pod({ annotations: { 'mtlsd.io/identity': 'b', 'mtlsd.io/trust-domain': 'shop.example' }, volume: { secret: { secretName: 'b-mtls' } } }), among(identity('b', 'True'))],
    ['when one of several that claim the Secret has it', pod(), among(identity('a', 'False', { secretName: 'cart-mtls' }), identity('cart', 'True'))],
    ['about a pod certificate: the signer tells it', pod({ volume: { projected: { sources: [] } } }), among()],
    ['when it goes', pod({ deleted: true }), among()],
    ['when it has ended', pod({ phase: 'Succeeded' }), among()],
    ['when it has failed', pod({ phase: 'Failed' }), among()],
  ])('nothing %s', (_what, asking, identities) => {
    expect(judgeInjectedPod(asking, identities)).toBeUndefined();
  });
});

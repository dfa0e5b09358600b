import { describe, expect, test } from 'vitest';
import { explainPod, type PodScene } from '../../src/app/pods/explanation.ts';
import { podInManifest } from '../../src/app/pods/manifest.ts';
import { explanationText } from '../../src/cli/explain.ts';
import { Domains } from '../../src/controllers/domains.ts';
import type { ClusterWorkloadIdentity, Pod, TrustDomain, WorkloadIdentity, WorkloadIdentitySpec } from '../../src/resources/index.ts';

const made = { resourceVersion: '1', creationTimestamp: '2026-01-05T00:00:00Z' };
const apiVersion = 'mtlsd.io/v1alpha1';

const trustDomain: TrustDomain = { apiVersion, kind: 'TrustDomain', metadata: { name: 'a.example', uid: 'a', ...made }, spec: {} };
const fleet: ClusterWorkloadIdentity = { apiVersion, kind: 'ClusterWorkloadIdentity', metadata: { name: 'all', uid: 'all', ...made }, spec: { namespaceSelector: {}, ttl: '2h' } };
const identity = (name: string, spec: WorkloadIdentitySpec = {}, ready = true): WorkloadIdentity => ({
  apiVersion,
  kind: 'WorkloadIdentity',
  metadata: { name, namespace: 'shop', uid: name, ...made },
  spec,
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', reason: 'X', message: 'not issued yet', lastTransitionTime: made.creationTimestamp }] },
});

const pod = (spec: Partial<Pod['spec']> = {}, labels: Readonly<Record<string, string>> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'cart-1', namespace: 'shop', uid: 'p', labels, ...made },
  spec: { serviceAccountName: 'cart', containers: [{ name: 'main' }], ...spec },
});

function scene(given: Partial<Omit<PodScene, 'around'>> & { readonly around?: Partial<PodScene['around']> }): PodScene {
  const domains = new Domains();
  domains.declare(trustDomain);
  const around = { namespaceLabels: {}, accountLabels: {}, services: [], identities: [], clusterIdentities: [], domains, ...given.around };
  return { pod: pod(), servesPodCertificates: true, exists: true, ...given, around };
}

const secretVolume = (secretName: string) => ({ volumes: [{ name: 'tls', secret: { secretName } }] });
const certificateVolume = { volumes: [{ name: 'mtlsd', projected: { sources: [{ podCertificate: { signerName: 'mtlsd.io/x509-svid', keyType: 'ECDSAP256' } }] } }] };

describe('the explanation of a pod', () => {
  test('with the Secret of its identity', () => {
    const explained = explainPod(scene({ pod: pod(secretVolume('cart-mtls')), around: { identities: [identity('cart', { dnsNames: ['cart.shop.svc'] })], clusterIdentities: [fleet] } }));
    expect(explained).toEqual({
      pod: 'shop/cart-1',
      serviceAccount: 'cart',
      identity: { from: 'WorkloadIdentity shop/cart', spiffeID: 'spiffe://a.example/ns/shop/sa/cart', trustDomain: 'a.example', dnsNames: ['cart.shop.svc'], ttl: '1h' },
      delivery: { kind: 'Secret', by: 'volume tls', secret: 'cart-mtls' },
      candidates: [
        { from: 'WorkloadIdentity shop/cart', chosen: true },
        { from: 'ClusterWorkloadIdentity all', chosen: false, why: 'WorkloadIdentity shop/cart counts before it' },
      ],
      missing: [],
    });
    expect(explanationText(explained, (_tone, text) => text)).toBe(`Pod shop/cart-1, service account cart

spiffe://a.example/ns/shop/sa/cart
  from: WorkloadIdentity shop/cart
  DNS names: cart.shop.svc
  TTL: 1h
  delivery: Secret cart-mtls, by volume tls

Not from:
  ClusterWorkloadIdentity all: WorkloadIdentity shop/cart counts before it

Nothing is missing.
`);
  });

  test('with a pod certificate from a fleet', () => {
    const explained = explainPod(scene({ pod: pod(certificateVolume), around: { clusterIdentities: [fleet] } }));
    expect(explained).toMatchObject({ identity: { from: 'ClusterWorkloadIdentity all', ttl: '2h' }, delivery: { kind: 'PodCertificate', by: 'volume mtlsd' }, missing: [] });
  });

  test.each<[string, Parameters<typeof scene>[0], string]>([
    ['nothing brings an identity', { around: { identities: [identity('cart')] } }, 'nothing brings an identity to it: label the pod template mtlsd.io/inject: secret (or pod-certificate), or mount the Secret cart-mtls'],
    ['the label came late', { pod: pod({}, { 'mtlsd.io/inject': 'secret' }), around: { identities: [identity('cart')] } }, 'it carries the label mtlsd.io/inject: secret and has no volume of mtlsd'],
    ['no identity', { pod: pod(certificateVolume) }, 'no identity is for service account shop/cart: create a WorkloadIdentity'],
    ['no service account', { pod: pod(certificateVolume), around: { accountLabels: undefined } }, 'service account shop/cart does not exist: create it'],
    ['no pod certificates', { pod: pod(certificateVolume), servesPodCertificates: false, around: { clusterIdentities: [fleet] } }, 'the API server does not serve pod certificates'],
    ['an identity that is not ready', { pod: pod(secretVolume('cart-mtls')), around: { identities: [identity('cart', {}, false)] } }, 'WorkloadIdentity shop/cart is not ready: not issued yet'],
    ['no such trust domain', { pod: pod(secretVolume('cart-mtls')), around: { identities: [identity('cart', { trustDomain: 'b.example' })] } }, 'trust domain b.example (named in spec.trustDomain) does not exist'],
    ['the identity of another', { pod: pod(secretVolume('till-mtls')), around: { identities: [identity('till'), identity('cart')] } }, 'Secret till-mtls holds the identity of service account till, and the pod runs as cart: peers will take it for till'],
    ['a Secret that nobody writes', { pod: pod({ volumes: [{ name: 'mtlsd', secret: { secretName: 'x-mtls' } }] }), around: { identities: [identity('cart')] } }, 'no identity is delivered to Secret shop/x-mtls: a pod that mounts it waits'],
  ])('says what is missing: %s', (_, given, sentence) => {
    expect(explainPod(scene(given)).missing.join('\n')).toContain(sentence);
  });

  test('of a manifest takes what its label asks for as there', () => {
    const explained = explainPod(scene({ exists: false, pod: pod({}, { 'mtlsd.io/inject': 'secret' }), around: { identities: [identity('cart')] } }));
    expect(explained).toMatchObject({ delivery: { kind: 'Secret', by: 'label mtlsd.io/inject: secret', secret: 'cart-mtls' }, missing: [] });
    const certificate = explainPod(scene({ exists: false, pod: pod({}, { 'mtlsd.io/inject': 'pod-certificate' }), around: { identities: [identity('cart')] } }));
    expect(certificate).toMatchObject({ delivery: { kind: 'PodCertificate' }, missing: [] });
  });
});

describe('the pod of a manifest', () => {
  test('is that of a Deployment, with its namespace and labels', () => {
    const text = `apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  template:
    metadata: {labels: {app: cart}}
    spec: {serviceAccountName: cart, containers: [{name: main, image: x}]}
`;
    expect(podInManifest(text, 'cart.yaml', undefined)).toMatchObject({ kind: 'Pod', metadata: { name: 'cart', namespace: 'shop', labels: { app: 'cart' } }, spec: { serviceAccountName: 'cart' } });
    expect(podInManifest(text, 'cart.yaml', 'bank').metadata.namespace).toBe('bank');
    expect(() => podInManifest(`${text}---\n${text}`, 'cart.yaml', undefined)).toThrow('describes several pods');
  });

  test.each([
    ['kind: ConfigMap\napiVersion: v1\n', 'holds no Pod'],
    ['a: [', 'is no YAML or JSON'],
    ['apiVersion: v1\nkind: Pod\nspec: {containers: 1}\n', 'is not a list'],
  ])('%j is refused', (text, sentence) => {
    expect(() => podInManifest(text, 'x.yaml', undefined)).toThrow(sentence);
  });
});

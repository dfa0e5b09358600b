import { describe, expect, test } from 'vitest';
import {
  dnsNameAllowed,
  resolvedIdentitySpec,
  resolvedTrustDomainSpec,
  type TrustDomain,
  type WorkloadIdentity,
} from '../../src/resources/index.ts';

const metadata = { uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
const domain = (spec: TrustDomain['spec']): TrustDomain => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'TrustDomain',
  metadata: { ...metadata, name: 'shop.example' },
  spec,
});
const identity = (spec: WorkloadIdentity['spec']): WorkloadIdentity => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'WorkloadIdentity',
  metadata: { ...metadata, name: 'cart', namespace: 'shop' },
  spec,
});

describe('what an empty spec means', () => {
  test('of a TrustDomain', () => {
    expect(resolvedTrustDomainSpec(domain({}))).toEqual({
      rootAuthority: { keyAlgorithm: 'ECDSAP256', lifetimeMs: 8760 * 3_600_000 },
      issuingAuthority: { keyAlgorithm: 'ECDSAP256', lifetimeMs: 14 * 24 * 3_600_000 },
      svid: { ttlMs: 3_600_000, maxTtlMs: 24 * 3_600_000, backdateMs: 60_000 },
      pathTemplate: '/ns/{namespace}/sa/{serviceAccount}',
      allowedDnsPatterns: ['*.{namespace}', '*.{namespace}.svc', '*.{namespace}.svc.cluster.local'],
      isDefault: false,
    });
  });

  test('of a WorkloadIdentity', () => {
    expect(resolvedIdentitySpec(identity({}))).toEqual({
      serviceAccountName: 'cart',
      dnsNames: [],
      federatesWith: [],
      tokens: [],
      commonName: undefined,
      ttlMs: undefined,
      keyAlgorithm: 'ECDSAP256',
      secretName: 'cart-mtls',
      der: false,
      keystore: undefined,
      secretLabels: {},
      secretAnnotations: {},
      deletionPolicy: 'Delete',
    });
  });
});

test('tokens have their defaults once they are asked for', () => {
  expect(resolvedTrustDomainSpec(domain({ jwt: {} })).jwt).toEqual({ issuer: undefined, algorithm: 'ES256', ttlMs: 300_000, keyLifetimeMs: 168 * 3_600_000 });
  const [b, a] = [{ name: 'b', audience: 'x' }, { name: 'a', audience: 'y' }];
  expect(resolvedIdentitySpec(identity({ jwt: { audiences: [b, a] } })).tokens).toEqual([a, b]);
});

test('what is written stands, beside the defaults of its neighbours', () => {
  const resolved = resolvedTrustDomainSpec(domain({ rootAuthority: { lifetime: '48h' }, dnsNames: { allowedPatterns: [] }, default: true }));
  expect(resolved.rootAuthority).toEqual({ keyAlgorithm: 'ECDSAP256', lifetimeMs: 172_800_000 });
  expect(resolved).toMatchObject({ allowedDnsPatterns: [], isDefault: true });
  expect(
    resolvedIdentitySpec(identity({ serviceAccountName: 'sa', secretName: 'tls', ttl: '90s', secretTemplate: { labels: { a: 'b' } } })),
  ).toMatchObject({ serviceAccountName: 'sa', secretName: 'tls', ttlMs: 90_000, secretLabels: { a: 'b' }, secretAnnotations: {} });
});

test('a keystore has the name of its identity as alias, unless it is given one', () => {
  const keystore = (pkcs12: NonNullable<NonNullable<WorkloadIdentity['spec']['formats']>['pkcs12']>) => resolvedIdentitySpec(identity({ formats: { pkcs12 } })).keystore;
  expect(keystore({ passwordSecretRef: { name: 'store' } })).toEqual({ password: { secret: 'store', key: 'password' }, profile: 'Modern', alias: 'cart', trustAlias: 'root' });
  expect(keystore({ passwordFile: 'cart.password', profile: 'Compatible', alias: 'tls', trustAlias: 'ca' })).toEqual({ password: { file: 'cart.password' }, profile: 'Compatible', alias: 'tls', trustAlias: 'ca' });
});

test('L23: a DNS name that is listed twice counts once, and the order of the manifest stays', () => {
  expect(resolvedIdentitySpec(identity({ dnsNames: ['b.shop', 'a.shop', 'b.shop'] })).dnsNames).toEqual(['b.shop', 'a.shop']);
});

describe('DNS patterns', () => {
  test.each([
    ['*.{namespace}.svc', 'cart.shop.svc', true],
    ['*.{namespace}.svc', 'cart.other.svc', false],
    ['*.{namespace}.svc', 'a.cart.shop.svc', false],
    ['*.{namespace}.svc', 'shop.svc', false],
    ['*.{namespace}.svc', 'cart.shop.svc.evil', false],
    ['{namespace}.*', 'shop.example', true],
    ['cart.example', 'cart.example', true],
    ['cart.example', 'cartXexample', false],
    ['*', 'cart', true],
    ['*', 'cart.shop', false],
  ])('%s and %s: %s', (pattern, name, allowed) => {
    expect(dnsNameAllowed(name, [pattern], 'shop')).toBe(allowed);
  });

  test('no pattern grants nothing, one of several is enough', () => {
    expect(dnsNameAllowed('cart.shop', [], 'shop')).toBe(false);
    expect(dnsNameAllowed('cart.shop', ['x.y', '*.{namespace}'], 'shop')).toBe(true);
  });
});

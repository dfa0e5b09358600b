/** A part of the tests of all policies: which trust domain and which service account an identity may name, and who may write one. */
import { describe, expect, test, vi } from 'vitest';
import { dry, type PolicySite, users } from './policy-site.ts';

const { root, jane } = users;

/** Which trust domain and which service account an identity may name, and who may write one. */
export function describeIdentityPolicies(site: PolicySite): void {
  describe('an identity', () => {
    const namespacePath = '/apis/mtlsd.io/v1alpha1/namespaces';
    const applied = (trustDomain?: string) => ({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { name: 'another' }, spec: { trustDomain } });

    test.each([
      ['matchLabels', { matchLabels: { tier: 'gold' } }, { tier: 'gold' }, { tier: 'silver' }],
      ['In', { matchExpressions: [{ key: 'tier', operator: 'In', values: ['gold', 'silver'] }] }, { tier: 'silver' }, {}],
      ['NotIn', { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['gold'] }] }, {}, { tier: 'gold' }],
      ['Exists', { matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, { tier: 'any' }, {}],
      ['DoesNotExist', { matchExpressions: [{ key: 'tier', operator: 'DoesNotExist' }] }, {}, { tier: 'any' }],
      ['both', { matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'Exists' }] }, { a: '1', b: '' }, { a: '1' }],
    ] as const)('names a trust domain only from a namespace that it takes: %s', async (kind, allowedNamespaces, good, bad) => {
      const domain = `${kind.toLowerCase()}.example`;
      const namespace = (name: string, labels: Readonly<Record<string, string>>) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
      const [taken, refused] = [`good-${kind.toLowerCase()}`, `bad-${kind.toLowerCase()}`];
      await site.expectAdmitted(site.api().send('POST', '/api/v1/namespaces', namespace(taken, good)));
      await site.expectAdmitted(site.api().send('POST', '/api/v1/namespaces', namespace(refused, bad)));
      await site.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: domain }, spec: { allowedNamespaces } }));
      const why = new RegExp(`trust domain ${domain} takes no identities of namespace ${refused}: set spec.trustDomain`);
      await site.expectRefused(why, () => site.api().send('POST', `${namespacePath}/${refused}/workloadidentities${dry}`, applied(domain), root));
      await site.expectAdmitted(site.api().send('POST', `${namespacePath}/${taken}/workloadidentities${dry}`, applied(domain), root));
      await site.expectAdmitted(site.api().send('POST', `${namespacePath}/${refused}/workloadidentities${dry}`, applied('shop.example'), root));
    });

    test('that names no trust domain is held to the default one, and stays editable when that changes its mind', async () => {
      const path = `${namespacePath}/shop/workloadidentities`;
      const before = (await site.expectAdmitted(site.api().send('POST', path, applied(), jane))).body as Record<string, unknown>;
      const domain = { apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'default.example' }, spec: { default: true, allowedNamespaces: { matchLabels: { tier: 'gold' } } } };
      await site.kubectl(['apply', '-f', '-'], JSON.stringify(domain));
      await site.expectRefused(/trust domain default\.example takes no identities of namespace shop/, () => site.api().send('POST', path + dry, { ...applied(), metadata: { name: 'third' } }, jane));
      await site.expectAdmitted(site.api().send('PUT', `${path}/another${dry}`, { ...before, spec: { ttl: '2h' } }, jane));
      await site.kubectl(['delete', 'trustdomain', 'default.example']);
      await vi.waitFor(async () => site.expectAdmitted(site.api().send('POST', path + dry, { ...applied(), metadata: { name: 'third' } }, jane)), { timeout: 15_000 });
    });

    test('has no way to name a service account of another namespace', async () => {
      const identity = (spec: unknown) => ({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { name: 'cross' }, spec });
      const path = '/apis/mtlsd.io/v1alpha1/namespaces/shop/workloadidentities?dryRun=All&fieldValidation=Strict';
      const field = await site.api().send('POST', path, identity({ serviceAccountName: 'web', serviceAccountNamespace: 'bank' }), jane);
      expect(field).toMatchObject({ code: 400, message: expect.stringContaining('unknown field "spec.serviceAccountNamespace"') as string });
      for (const name of ['bank/web', 'system:serviceaccount:bank:web', '../bank/sa/web']) {
        expect(await site.api().send('POST', path, identity({ serviceAccountName: name }), jane)).toMatchObject({ code: 422 });
      }
      await site.expectAdmitted(site.api().send('POST', path, identity({ serviceAccountName: 'web' }), jane));
    });

    test('is managed by who has the role edit in its namespace, and nowhere else', async () => {
      const identity = { apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { name: 'janes' } };
      expect(await site.api().send('POST', `/apis/mtlsd.io/v1alpha1/namespaces/default/workloadidentities${dry}`, identity, jane)).toMatchObject({ code: 403 });
    });
  });
}

/** A part of the tests of all policies: who asks mtlsd's signer, and who writes its trust bundles, those of others among them. */
import { beforeAll, describe, test, vi } from 'vitest';
import type { Identity } from './chart-api.ts';
import { systemNamespace } from './chart.ts';
import { PodNode } from './pod-node.ts';
import { podKey, stubRequest } from './pod-requests.ts';
import { dry, metadataOf, type PolicySite, secretsOf, users } from './policy-site.ts';

/** May write every ClusterTrustBundle, and attest every signer. */
const bundler: Identity = { user: 'bundler' };
const { mtlsd, root, jane } = users;
const group = 'rbac.authorization.k8s.io';
const bundlerRules = [
  { apiGroups: ['certificates.k8s.io'], resources: ['clustertrustbundles'], verbs: ['*'] },
  { apiGroups: ['certificates.k8s.io'], resources: ['signers'], verbs: ['attest'] },
];

/** Who asks mtlsd's signer, and who writes its trust bundles, those of others among them. */
export function describePodPolicies(site: PolicySite): void {
  test('bundles of other trust domains: mtlsd keeps them at home and removes them, and nobody else writes any', async () => {
    const name = 'mtlsd-federated-partner-example-0';
    const secret = { apiVersion: 'v1', kind: 'Secret', type: 'mtlsd.io/federated-bundle', metadata: { name, labels: { 'app.kubernetes.io/managed-by': 'mtlsd', 'mtlsd.io/federated-by': 'shop.example' } }, data: {} };
    const path = `${secretsOf(systemNamespace)}/${name}${dry}`;
    await site.expectAdmitted(site.api().send('POST', secretsOf(systemNamespace), secret, mtlsd));
    await site.expectRefused(/mtlsd writes Secrets of type/, () => site.api().send('POST', secretsOf('shop') + dry, secret, mtlsd));
    await site.expectRefused(/bundles of other trust domains say whom workloads trust/, () => site.api().send('DELETE', path, undefined, jane));
    await site.expectAdmitted(site.api().send('DELETE', path, undefined, mtlsd));
  });

  describe('pod certificates', () => {
    const nodeA: Identity = { user: 'system:node:node-a', groups: ['system:nodes', 'system:authenticated'] };

    test('are asked of mtlsd by a node alone, for pods of its own', async () => {
      const node = await PodNode.register(site.api(), 'node-a');
      await site.kubectl(['create', 'serviceaccount', 'web', '-n', 'shop']);
      const pod = await node.pod('shop', 'web-0', 'web');
      const request = await node.requestFor(pod, { stubPKCS10Request: stubRequest(podKey('ECDSAP256'), 'ECDSAP256') });
      const path = node.path('shop') + dry;
      const why = /only a node asks the signer mtlsd\.io\/x509-svid for certificates, and only for its own pods/;
      for (const who of [undefined, root, { user: 'system:node:node-b', groups: ['system:masters'] }, { user: 'system:node:node-a', groups: ['system:masters'] }]) {
        await site.expectRefused(why, () => site.api().send('POST', path, request, who));
      }
      await vi.waitFor(async () => site.expectAdmitted(site.api().send('POST', path, request, nodeA)), { timeout: 15_000 });
      const { spec, ...rest } = request as { readonly spec: object };
      await site.expectAdmitted(site.api().send('POST', path, { ...rest, spec: { ...spec, signerName: 'example.com/other' } }));
    });
  });

  describe('trust bundles of mtlsd’s signer', () => {
    beforeAll(async () => {
      await site.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: `${group}/v1`, kind: 'ClusterRole', metadata: { name: 'bundler' }, rules: bundlerRules }));
      await site.kubectl(['create', 'clusterrolebinding', 'bundler', '--clusterrole=bundler', '--user=bundler']);
    });

    test('are written and deleted by mtlsd alone, whatever label they carry, and by who may restore', async () => {
      const bundles = '/apis/certificates.k8s.io/v1/clustertrustbundles';
      const trustBundle = await site.roots();
      const bundle = (name: string, signerName?: string) => ({ apiVersion: 'certificates.k8s.io/v1', kind: 'ClusterTrustBundle', metadata: { name }, spec: { ...(signerName === undefined ? {} : { signerName }), trustBundle } });
      const ours = bundle('mtlsd.io:x509-svid:forged.example', 'mtlsd.io/x509-svid');
      const why = /trust bundles of the signer mtlsd\.io\/x509-svid say whom pods trust: mtlsd alone writes them/;
      await site.expectRefused(why, () => site.api().send('POST', bundles + dry, ours, bundler));
      await site.expectAdmitted(site.api().send('POST', bundles + dry, bundle('others'), bundler));
      await site.expectAdmitted(site.api().send('POST', bundles + dry, bundle('example.com:other:x', 'example.com/other'), bundler));
      const stored = await site.expectAdmitted(site.api().send('POST', bundles, { ...ours, metadata: { ...ours.metadata, labels: { 'app.kubernetes.io/managed-by': 'mtlsd' } } }, mtlsd));
      const path = `${bundles}/${ours.metadata.name}${dry}`;
      await site.expectRefused(why, () => site.api().send('PUT', path, { ...ours, metadata: { ...ours.metadata, ...metadataOf(stored) } }, bundler));
      await site.expectRefused(why, () => site.api().send('DELETE', path, undefined, bundler));
      await site.expectAdmitted(site.api().send('DELETE', path, undefined, root));
    });
  });
}

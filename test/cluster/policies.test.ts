/** The chart's admission policies on a real API server: each refuses what it is there for, as the user who would do it, and admits the rest. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ApiAnswer, ApiClient } from './chart-api.ts';
import { apiClient } from './chart-api.ts';
import { env, installChart, mtlsdUser, systemNamespace } from './chart.ts';
import type { Cluster } from './cluster.ts';
import { startCluster } from './cluster.ts';
import { describeIdentityPolicies } from './identity-policies.ts';
import { describePodPolicies } from './pod-policies.ts';
import { dry, managed, metadataOf, type PolicySite, recordLabels, secret, secretsOf, users } from './policy-site.ts';
import { describeRecordPolicies } from './record-policies.ts';

const { mtlsd, root, jane, velero } = users;

describe('the policies of the chart', () => {
  let cluster: Cluster;
  let api: ApiClient;

  /** A new policy takes effect some time after its creation: what is refused is asked again until it is. */
  async function expectRefused(why: RegExp, ask: () => Promise<ApiAnswer>): Promise<void> {
    await vi.waitFor(async () => {
      const answer = await ask();
      expect(answer.message).toMatch(why);
      expect(answer.code).toBe(403);
      expect(answer.message).toContain('ValidatingAdmissionPolicy');
    }, { timeout: 15_000 });
  }

  async function expectAdmitted(answer: Promise<ApiAnswer>): Promise<ApiAnswer> {
    const { code, message } = await answer;
    expect(message).toBe('');
    expect(code).toBeLessThan(300);
    return answer;
  }

  async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
    const { code, stdout, stderr } = await cluster.kubectl(args, stdin);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return stdout;
  }

  const site: PolicySite = { api: () => api, kubectl, expectRefused, expectAdmitted, roots: async () => readFile(cluster.caFile, 'utf8') };

  beforeAll(async () => {
    // The controller manager fills the aggregated roles admin and edit, and checks the types in policies.
    cluster = await startCluster({ env, controllerManager: true });
    api = await apiClient(cluster);
    const subject = '{"kind":"ServiceAccount","name":"velero","namespace":"velero"}';
    await installChart(cluster, ['--set-json', `restore.subjects=[${subject}]`]);
    await kubectl(['create', 'namespace', 'shop']);
    for (const [namespace, role] of [['shop', 'admin'], [systemNamespace, 'edit']] as const) {
      await kubectl(['create', 'rolebinding', 'jane', '-n', namespace, `--clusterrole=${role}`, '--user=jane']);
    }
    await kubectl(['create', 'clusterrolebinding', 'root', '--clusterrole=cluster-admin', '--user=root']);
    await kubectl(['create', 'clusterrolebinding', 'velero', '--clusterrole=edit', '--serviceaccount=velero:velero']);
    await kubectl(['wait', '--for=condition=Established', 'crd/trustdomains.mtlsd.io', 'crd/workloadidentities.mtlsd.io']);
    await kubectl(['apply', '-f', '-'], 'apiVersion: mtlsd.io/v1alpha1\nkind: TrustDomain\nmetadata: {name: shop.example}');
    await kubectl(['apply', '-f', '-'], 'apiVersion: mtlsd.io/v1alpha1\nkind: WorkloadIdentity\nmetadata: {name: web, namespace: shop}');
  });
  afterAll(() => cluster.stop());

  test('are understood by the API server without a warning', async () => {
    interface Checked {
      readonly metadata: { readonly name: string };
      readonly status?: { readonly observedGeneration?: number; readonly typeChecking?: { readonly expressionWarnings?: unknown } };
    }
    const policies = await vi.waitFor(async () => {
      const { items } = JSON.parse(await kubectl(['get', 'validatingadmissionpolicies', '-l', 'app.kubernetes.io/part-of=mtlsd', '-o', 'json'])) as { items: Checked[] };
      expect(items.length).toBeGreaterThan(5);
      expect(items.filter(({ status }) => status?.observedGeneration !== 1)).toEqual([]);
      return items;
    }, { timeout: 30_000 });
    expect(policies.flatMap(({ metadata, status }) => (status?.typeChecking?.expressionWarnings === undefined ? [] : [metadata.name, status.typeChecking]))).toEqual([]);
  });

  describe('status', () => {
    const kinds = [
      ['trustdomains', '/apis/mtlsd.io/v1alpha1/trustdomains/shop.example'],
      ['workloadidentities', '/apis/mtlsd.io/v1alpha1/namespaces/shop/workloadidentities/web'],
    ] as const;

    test.each(kinds)('of %s is written by mtlsd, and by no administrator', async (plural, path) => {
      const current = (await api.send('GET', path)).body as Record<string, unknown>;
      const changed = { ...current, status: { observedGeneration: 1 } };
      await expectRefused(new RegExp(`the status of ${plural} is written by ${mtlsdUser} alone`), () => api.send('PUT', `${path}/status${dry}`, changed, root));
      await expectAdmitted(api.send('PUT', `${path}/status${dry}`, changed, mtlsd));
    });

    test('the spec stays the business of those who may write it', async () => {
      const path = '/apis/mtlsd.io/v1alpha1/namespaces/shop/workloadidentities/web';
      const current = (await api.send('GET', path)).body as Record<string, unknown>;
      await expectAdmitted(api.send('PUT', `${path}${dry}`, { ...current, spec: { ttl: '2h' } }, jane));
    });
  });

  describe('what mtlsd itself may write', () => {
    const label = /mtlsd writes only what carries its label/;
    const foreign = /mtlsd neither changes nor deletes what does not carry its label/;

    test('creates Secrets with its label only', async () => {
      await expectRefused(label, () => api.send('POST', secretsOf('shop') + dry, secret('a', { labels: {} }), mtlsd));
      await expectRefused(label, () => api.send('POST', secretsOf('shop') + dry, secret('a', { labels: { 'app.kubernetes.io/managed-by': 'Helm' } }), mtlsd));
      await expectAdmitted(api.send('POST', secretsOf('shop') + dry, secret('a'), mtlsd));
    });

    test('neither adopts, changes nor deletes the Secret of somebody else', async () => {
      const made = metadataOf(await expectAdmitted(api.send('POST', secretsOf('shop'), secret('foreign', { labels: {} }))));
      const path = `${secretsOf('shop')}/foreign${dry}`;
      const mine = secret('foreign');
      await expectRefused(foreign, () => api.send('PUT', path, { ...mine, metadata: { ...mine.metadata, ...made } }, mtlsd));
      await expectRefused(foreign, () => api.send('DELETE', path, undefined, mtlsd));
    });

    test('changes and deletes its own, and does not lose the label', async () => {
      const made = metadataOf(await expectAdmitted(api.send('POST', secretsOf('shop'), secret('own'), mtlsd)));
      const path = `${secretsOf('shop')}/own${dry}`;
      const stripped = secret('own', { labels: {} });
      await expectRefused(label, () => api.send('PUT', path, { ...stripped, metadata: { ...stripped.metadata, ...made } }, mtlsd));
      const kept = secret('own', { annotations: { 'mtlsd.io/issuances': '2' } });
      await expectAdmitted(api.send('PUT', path, { ...kept, metadata: { ...kept.metadata, ...made } }, mtlsd));
      await expectAdmitted(api.send('DELETE', path, undefined, mtlsd));
    });

    test('makes no token of another service account, nor any other type of Secret', async () => {
      const types = /mtlsd writes Secrets of type kubernetes\.io\/tls, authority records of type mtlsd\.io\/authorities/;
      const token = secret('token', { type: 'kubernetes.io/service-account-token', annotations: { 'kubernetes.io/service-account.name': 'default' } });
      await expectRefused(types, () => api.send('POST', secretsOf('shop') + dry, token, mtlsd));
      await expectRefused(types, () => api.send('POST', secretsOf('shop') + dry, secret('opaque', { type: 'Opaque' }), mtlsd));
      await expectRefused(types, () => api.send('POST', secretsOf(systemNamespace) + dry, secret('opaque', { type: 'Opaque' }), mtlsd));
    });

    test('keeps authority records at home, under their names', async () => {
      const authorities = { type: 'mtlsd.io/authorities', labels: recordLabels };
      await expectRefused(/authority records live in namespace mtlsd-system alone/, () => api.send('POST', secretsOf('shop') + dry, secret('mtlsd-authorities-x.example', authorities), mtlsd));
      await expectRefused(/the names of authority records/, () => api.send('POST', secretsOf(systemNamespace) + dry, secret('elsewhere', authorities), mtlsd));
      await expectRefused(/the names of authority records/, () => api.send('POST', secretsOf('shop') + dry, secret('mtlsd-authorities-x.example'), mtlsd));
      await expectAdmitted(api.send('POST', secretsOf(systemNamespace) + dry, secret('mtlsd-authorities-x.example', authorities), mtlsd));
      await expectAdmitted(api.send('POST', secretsOf(systemNamespace) + dry, secret('dashboard-mtls'), mtlsd));
      const auditKey = secret('mtlsd-audit-key', { type: 'mtlsd.io/audit-key' });
      await expectAdmitted(api.send('POST', secretsOf(systemNamespace) + dry, auditKey, mtlsd));
      await expectRefused(/mtlsd writes Secrets of type/, () => api.send('POST', secretsOf('shop') + dry, auditKey, mtlsd));
      await expectRefused(/authority records hold the keys/, () => api.send('POST', secretsOf(systemNamespace) + dry, secret('mtlsd-audit-key', { type: 'Opaque', labels: {} }), jane));
    });

    test('writes only the ConfigMaps and ClusterTrustBundles of trust domains', async () => {
      const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: managed }, data: { 'ca.crt': '' } });
      const path = `/api/v1/namespaces/shop/configmaps${dry}`;
      await expectRefused(/only ConfigMaps whose name starts with mtlsd-bundle-/, () => api.send('POST', path, configMap('coredns'), mtlsd));
      await expectAdmitted(api.send('POST', path, configMap('mtlsd-bundle-shop.example'), mtlsd));
      await expectRefused(/only ConfigMaps whose name starts with mtlsd-bundle-/, () => api.send('POST', path, configMap('mtlsd-receipts-shop.example'), mtlsd));
      const receipts = `/api/v1/namespaces/${systemNamespace}/configmaps`;
      for (const name of ['mtlsd-receipts-shop.example', 'mtlsd-audit-heads']) await expectAdmitted(api.send('POST', receipts, configMap(name), mtlsd));
      await expectRefused(/mtlsd-receipts-/, () => api.send('DELETE', `${receipts}/mtlsd-receipts-shop.example${dry}`, undefined, mtlsd));

      const trustBundle = { kind: 'ClusterTrustBundle', apiVersion: 'certificates.k8s.io/v1', metadata: { name: 'everybody', labels: managed }, spec: { trustBundle: await site.roots() } };
      const bundles = `/apis/certificates.k8s.io/v1/clustertrustbundles${dry}`;
      await expectRefused(/only ClusterTrustBundles of its own signer/, () => api.send('POST', bundles, trustBundle, mtlsd));
      const ours = { ...trustBundle, metadata: { ...trustBundle.metadata, name: 'mtlsd.io:x509-svid:shop.example' }, spec: { ...trustBundle.spec, signerName: 'mtlsd.io/x509-svid' } };
      await expectAdmitted(api.send('POST', bundles, ours, mtlsd));
    });
  });

  describeRecordPolicies(site);

  describe('the label by which mtlsd knows its own', () => {
    const refusal = /only mtlsd says so/;

    test('is not put on by others: a forged Secret would count as a trace of a trust domain and be taken for an identity', async () => {
      const forged = secret('forged', { labels: { ...managed, 'mtlsd.io/trust-domain': 'victim.example' }, annotations: { 'mtlsd.io/identity': 'web' } });
      await expectRefused(refusal, () => api.send('POST', secretsOf('shop') + dry, forged, jane));
      await expectAdmitted(api.send('POST', secretsOf('shop') + dry, secret('plain', { labels: { 'app.kubernetes.io/managed-by': 'Helm' } }), jane));
      await expectAdmitted(api.send('POST', secretsOf('shop') + dry, forged, velero));
    });

    test('is not put on what exists, nor moved to another trust domain or identity', async () => {
      const plain = metadataOf(await expectAdmitted(api.send('POST', secretsOf('shop'), secret('janes', { labels: {} }), jane)));
      const labelled = secret('janes');
      await expectRefused(refusal, () => api.send('PUT', `${secretsOf('shop')}/janes${dry}`, { ...labelled, metadata: { ...labelled.metadata, ...plain } }, jane));

      const ours = metadataOf(await expectAdmitted(api.send('POST', secretsOf('shop'), secret('web-mtls'), mtlsd)));
      const moved = secret('web-mtls', { labels: { ...managed, 'mtlsd.io/trust-domain': 'victim.example' } });
      await expectRefused(refusal, () => api.send('PUT', `${secretsOf('shop')}/web-mtls${dry}`, { ...moved, metadata: { ...moved.metadata, ...ours } }, jane));
    });

    test('keeps nobody from editing or deleting a Secret in their own namespace', async () => {
      const ours = metadataOf(await expectAdmitted(api.send('POST', secretsOf('shop'), secret('cart-mtls'), mtlsd)));
      const path = `${secretsOf('shop')}/cart-mtls${dry}`;
      const edited = secret('cart-mtls', { labels: { ...managed, team: 'cart' }, annotations: { note: 'edited' } });
      const released = secret('cart-mtls', { labels: {} });
      for (const draft of [edited, released]) await expectAdmitted(api.send('PUT', path, { ...draft, metadata: { ...draft.metadata, ...ours } }, jane));
      await expectAdmitted(api.send('DELETE', path, undefined, jane));
    });

    test('is not put on ConfigMaps by others either', async () => {
      const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'mtlsd-bundle-shop.example', labels: managed }, data: { 'ca.crt': 'forged' } };
      await expectRefused(refusal, () => api.send('POST', `/api/v1/namespaces/shop/configmaps${dry}`, configMap, jane));
    });
  });

  describePodPolicies(site);

  describe('what is not deleted by a slip', () => {
    const path = '/apis/mtlsd.io/v1alpha1/trustdomains/shop.example';

    test('a TrustDomain that identities need', async () => {
      await expectAdmitted(api.send('DELETE', path + dry, undefined, root));
      const current = (await api.send('GET', path)).body as Record<string, unknown>;
      const condition = { type: 'InUse', status: 'True', reason: 'Identities', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
      await expectAdmitted(api.send('PUT', `${path}/status`, { ...current, status: { conditions: [condition] } }, mtlsd));
      await expectRefused(/identities need trust domain shop\.example: delete them first/, () => api.send('DELETE', path + dry, undefined, root));
      await expectRefused(/identities need trust domain/, () => api.send('DELETE', `/apis/mtlsd.io/v1alpha1/trustdomains${dry}`, undefined, root));
      await kubectl(['annotate', 'trustdomain', 'shop.example', 'mtlsd.io/allow-deletion=shop.example']);
      await expectAdmitted(api.send('DELETE', path + dry, undefined, root));
    });

    test('the namespace that holds the root keys; any other goes as before', async () => {
      const namespace = `/api/v1/namespaces/${systemNamespace}${dry}`;
      await expectRefused(/holds the root keys of mtlsd/, () => api.send('DELETE', namespace));
      await expectAdmitted(api.send('DELETE', `/api/v1/namespaces/shop${dry}`));
      await kubectl(['annotate', 'namespace', systemNamespace, `mtlsd.io/allow-deletion=${systemNamespace}`]);
      await expectAdmitted(api.send('DELETE', namespace));
    });
  });

  describeIdentityPolicies(site);

  test('a namespace whose deletion was allowed goes, with the authority records in it', async () => {
    const present = await api.send('GET', `${secretsOf(systemNamespace)}/mtlsd-authorities-shop.example`);
    expect(present.code).toBe(200);
    await kubectl(['annotate', '--overwrite', 'namespace', systemNamespace, `mtlsd.io/allow-deletion=${systemNamespace}`]);
    await kubectl(['delete', 'namespace', systemNamespace, '--timeout=60s']);
    expect(await api.send('GET', `/api/v1/namespaces/${systemNamespace}`)).toMatchObject({ code: 404 });
  });
});

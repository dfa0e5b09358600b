/**
 * The chart with pod certificates only, on an API server that has them at v1beta1 alone, as one of Kubernetes 1.36 that was told to
 * serve them: mtlsd has no right to any Secret outside its own namespace. Requests are made as their node.
 */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { apiClient, type ApiClient } from './chart-api.ts';
import { env, installChart, mtlsdUser, systemNamespace } from './chart.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { identity, namespace, serviceAccount, trustDomain, type Live } from './controller-site.ts';
import { PodNode } from './pod-node.ts';
import { podKey, podKeyTypes, provenKey, stubRequest } from './pod-requests.ts';
import { forbiddenRequests, requestsOf } from './rights-audit.ts';
import { startController, type RunningController } from './rights-controller.ts';

/**
 * As 1.36 was. The authorizer of nodes in the program of 1.37 watches v1, which is not there: RBAC alone knows nodes by their group
 * then, as the role says that Kubernetes keeps for that. NodeRestriction goes on to compare what they ask for with their pods.
 */
const older = {
  apiServerFlags: ['--emulated-version=kube=1.36'],
  featureGates: ['PodCertificateRequest', 'ClusterTrustBundle', 'ClusterTrustBundleProjection'].map((gate) => `kube:${gate}=true`).join(','),
  runtimeConfig: 'certificates.k8s.io/v1beta1=true',
  authorizationMode: 'RBAC',
};
const group = 'rbac.authorization.k8s.io';
const nodesByRole = { apiVersion: `${group}/v1`, kind: 'ClusterRoleBinding', metadata: { name: 'nodes' }, roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'system:node' }, subjects: [{ apiGroup: group, kind: 'Group', name: 'system:nodes' }] };
/** Somebody who may write every ClusterTrustBundle, and attest every signer. */
const bundler = [
  { apiVersion: `${group}/v1`, kind: 'ClusterRole', metadata: { name: 'bundler' }, rules: [{ apiGroups: ['certificates.k8s.io'], resources: ['clustertrustbundles', 'signers'], verbs: ['create', 'attest'] }] },
  { apiVersion: `${group}/v1`, kind: 'ClusterRoleBinding', metadata: { name: 'bundler' }, roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'bundler' }, subjects: [{ apiGroup: group, kind: 'User', name: 'bundler' }] },
];
const patience = { timeout: 60_000, interval: 50 };
const bundlePath = '/apis/certificates.k8s.io/v1beta1/clustertrustbundles/mtlsd.io:x509-svid:shop.example';

let cluster: Cluster;
let api: ApiClient;
let node: PodNode;
let controller: RunningController;

beforeAll(async () => {
  cluster = await startCluster({ env, audit: true, ...older });
  await installChart(cluster, ['--set', 'delivery.secrets.enabled=false,injection.trustDomain=shop.example']);
  await apply(namespace('shop'), serviceAccount('shop', 'web'), nodesByRole, ...bundler);
  controller = await startController(cluster);
  api = await apiClient(cluster);
  node = await PodNode.register(api, 'node-a', 'v1beta1');
  await kubectl(['wait', '--for=condition=Established', 'crd/trustdomains.mtlsd.io', 'crd/workloadidentities.mtlsd.io']);
  await apply(trustDomain('shop.example'), identity('shop', 'web', { secretName: 'web-files' }));
  await see(bundlePath, () => true);
});
afterAll(async () => {
  await controller[Symbol.asyncDispose]();
  await cluster.stop();
});

async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args, stdin);
  expect(code, `kubectl ${args.join(' ')}: ${stderr}`).toBe(0);
  return stdout;
}

async function apply(...items: readonly object[]): Promise<void> {
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

async function see(path: string, wanted: (object: Live) => boolean): Promise<Live> {
  return vi.waitFor(async () => {
    const { code, body, message } = await api.send('GET', path);
    if (code !== 200 || !wanted(body as Live)) throw new Error(`${path}: ${message} ${JSON.stringify(body)}`);
    return body as Live;
  }, patience);
}

test('requests and trust bundles are there at v1beta1, and not at v1', async () => {
  const resourcesOf = async (version: string): Promise<string> => kubectl(['get', '--raw', `/apis/certificates.k8s.io/${version}`]);
  for (const resource of ['podcertificaterequests', 'clustertrustbundles']) {
    expect(await resourcesOf('v1beta1')).toContain(`"${resource}"`);
    expect(await resourcesOf('v1')).not.toContain(`"${resource}"`);
  }
});

test.each(podKeyTypes)('a key of type %s with its proof of possession is certified, below the root that pods are given', async (keyType) => {
  const pod = await node.pod('shop', `proven-${keyType.toLowerCase()}`, 'web');
  const key = podKey(keyType);
  const { status } = await node.answered(await node.ask(await node.requestFor(pod, provenKey(key, keyType, pod.metadata.uid))));
  const [leaf, issuing] = (status?.certificateChain ?? '').split(/(?=-----BEGIN)/u).map((pem) => new X509Certificate(pem));
  expect(leaf?.subjectAltName).toBe('URI:spiffe://shop.example/ns/shop/sa/web');
  expect(leaf?.publicKey.equals(createPublicKey(key))).toBe(true);
  const { spec } = await see(bundlePath, () => true);
  const root = new X509Certificate(String(spec?.['trustBundle']));
  expect([leaf?.verify((issuing ?? root).publicKey), issuing?.verify(root.publicKey)]).toEqual([true, true]);
});

test('so is one in a stub request', async () => {
  const pod = await node.pod('shop', 'stub', 'web');
  const request = await node.requestFor(pod, { stubPKCS10Request: stubRequest(podKey('ECDSAP256'), 'ECDSAP256') });
  expect((await node.answered(await node.ask(request))).status?.conditions).toMatchObject([{ type: 'Issued' }]);
});

test('the policies hold at v1beta1: nobody but a node asks, and nobody but mtlsd writes its trust bundles', async () => {
  const root = { user: 'root', groups: ['system:masters', 'system:authenticated'] };
  const pod = await node.pod('shop', 'asked', 'web');
  const request = await node.requestFor(pod, { stubPKCS10Request: stubRequest(podKey('ED25519'), 'ED25519') });
  const trustBundle = (await see(bundlePath, () => true)).spec?.['trustBundle'];
  const forged = { apiVersion: 'certificates.k8s.io/v1beta1', kind: 'ClusterTrustBundle', metadata: { name: 'mtlsd.io:x509-svid:forged' }, spec: { signerName: 'mtlsd.io/x509-svid', trustBundle } };
  await vi.waitFor(async () => {
    expect(await api.send('POST', node.path('shop') + '?dryRun=All', request, root)).toMatchObject({ code: 403, message: expect.stringContaining('only a node asks the signer mtlsd.io/x509-svid') as string });
    expect(await api.send('POST', '/apis/certificates.k8s.io/v1beta1/clustertrustbundles?dryRun=All', forged, { user: 'bundler' })).toMatchObject({ code: 403, message: expect.stringContaining('mtlsd alone writes them') as string });
  }, patience);
});

test('whoever counts on a Secret is told that there is none: the identity by its condition, a pod that asks for one by a refusal', async () => {
  const { status } = await see('/apis/mtlsd.io/v1alpha1/namespaces/shop/workloadidentities/web', (object) => object.status?.conditions?.some(({ type }) => type === 'Ready') === true);
  // After a while there is a second one: in these pods every user can read the key.
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  expect(ready).toMatchObject({ status: 'True', reason: 'PodCertificates', message: expect.stringContaining('Secrets are not delivered in this installation') as string });
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'asks', labels: { 'mtlsd.io/inject': 'secret' } }, spec: { serviceAccountName: 'web', containers: [{ name: 'main', image: 'none' }] } };
  await vi.waitFor(async () => {
    const { code, message } = await api.send('POST', '/api/v1/namespaces/shop/pods?dryRun=All', pod);
    expect({ code, message }).toEqual({ code: 422, message: expect.stringContaining('this installation writes no Secrets of identities: write mtlsd.io/inject: pod-certificate') as string });
  }, patience);
});

test('no Secret outside mtlsd’s own namespace was read or written, or could have been; and no right was missing', async () => {
  expect(await kubectl(['get', 'secrets', '--namespace', 'shop', '--output', 'name'])).toBe('');
  for (const [verb, place, allowed] of [['get', 'shop', 'no'], ['list', 'shop', 'no'], ['create', 'shop', 'no'], ['get', systemNamespace, 'yes']] as const) {
    const { stdout } = await cluster.kubectl(['auth', 'can-i', verb, 'secrets', '--namespace', place, '--as', mtlsdUser]);
    expect(`${verb} in ${place}: ${stdout.trim()}`).toBe(`${verb} in ${place}: ${allowed}`);
  }
  await controller.stop();
  const requests = await vi.waitFor(async () => {
    const all = requestsOf(mtlsdUser, await readFile(cluster.auditLogPath ?? '', 'utf8'));
    // Watches are written down when they end: with the process.
    expect(all.filter(({ verb }) => verb === 'watch').length).toBeGreaterThan(5);
    return all;
  }, patience);
  expect(forbiddenRequests(requests)).toEqual([]);
  expect(requests.filter(({ resource }) => resource === 'secrets').map(({ namespace: place }) => place)).toContain(systemNamespace);
  expect(requests.filter(({ resource, namespace: place }) => resource === 'secrets' && place !== systemNamespace)).toEqual([]);
});

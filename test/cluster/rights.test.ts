/**
 * The real controller with exactly the chart's rights on a real API server: everything that it does once is done here, and
 * the audit log says that no right was missing and none was granted in vain.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ApiAnswer, ApiClient } from './chart-api.ts';
import { apiClient } from './chart-api.ts';
import type { Manifest } from './chart.ts';
import { env, installChart, mtlsdUser, systemNamespace } from './chart.ts';
import type { Cluster } from './cluster.ts';
import { startCluster } from './cluster.ts';
import type { ClusterOptions } from './flags.ts';
import { PodNode } from './pod-node.ts';
import { podKey, stubRequest } from './pod-requests.ts';
import type { AuditedRequest } from './rights-audit.ts';
import { describeRight, forbiddenRequests, requestsOf, unusedRights } from './rights-audit.ts';
import type { RunningController } from './rights-controller.ts';
import { startController } from './rights-controller.ts';
import { makeWorkloads, newRoots, restarted, restartedFor, restartedSpec, withOtherImage, workloadPath } from './restarted-workloads.ts';
import { rightsOf } from './rights-of.ts';

const patience = { timeout: 60_000, interval: 200 };

interface Live {
  readonly metadata: { readonly uid: string; readonly resourceVersion: string; readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  readonly data?: Record<string, string>;
  readonly spec?: Record<string, unknown>;
  readonly status?: {
    readonly activeIssuer?: string;
    readonly switchedAt?: string;
    readonly authorities?: readonly { readonly keyIdentifier: string; readonly role: string; readonly state: string }[];
    readonly reload?: { readonly onBundle?: { readonly bundleGeneration: number } };
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  };
}

const domainPath = '/apis/mtlsd.io/v1alpha1/trustdomains';
const identityPath = '/apis/mtlsd.io/v1alpha1/namespaces/shop/workloadidentities';
const secretPath = '/api/v1/namespaces/shop/secrets';
const bundlePath = (trustDomain: string) => `/api/v1/namespaces/shop/configmaps/mtlsd-bundle-${trustDomain}`;
const trustBundlePath = (trustDomain: string) => `/apis/certificates.k8s.io/v1/clustertrustbundles/mtlsd.io:x509-svid:${trustDomain}`;

/** One cluster with the chart, and what a person does there as its administrator. */
class Shop {
  readonly cluster: Cluster;
  readonly api: ApiClient;

  private constructor(cluster: Cluster, api: ApiClient) {
    this.cluster = cluster;
    this.api = api;
  }

  /** @param values helm's, for the chart */
  static async open(values: readonly string[] = [], options: ClusterOptions = {}): Promise<Shop> {
    const cluster = await startCluster({ env, audit: true, ...options });
    await cluster.kubectl(['create', 'namespace', 'shop']);
    await installChart(cluster, values);
    const shop = new Shop(cluster, await apiClient(cluster));
    await shop.kubectl(['wait', '--for=condition=Established', 'crd/trustdomains.mtlsd.io', 'crd/workloadidentities.mtlsd.io']);
    await shop.kubectl(['label', 'namespace', 'shop', 'bundle=yes']);
    for (const name of ['web', 'cart', 'pay']) await shop.kubectl(['create', 'serviceaccount', name, '--namespace', 'shop']);
    return shop;
  }

  async kubectl(args: readonly string[], stdin?: string): Promise<string> {
    const { code, stdout, stderr } = await this.cluster.kubectl(args, stdin);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async apply(...objects: readonly object[]): Promise<void> {
    await this.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  }

  async get(path: string): Promise<Live | undefined> {
    const { code, body } = await this.api.send('GET', path);
    return code === 200 ? (body as Live) : undefined;
  }

  /** Waits until an object is there and as wanted. */
  async see(path: string, wanted: (object: Live) => boolean = () => true): Promise<Live> {
    return vi.waitFor(async () => {
      const object = await this.get(path);
      if (object === undefined || !wanted(object)) throw new Error(`${path} is not as wanted: ${JSON.stringify(object)}`);
      return object;
    }, patience);
  }

  async miss(path: string): Promise<void> {
    await vi.waitFor(async () => expect(await this.get(path)).toBeUndefined(), patience);
  }

  /** What the API server has recorded of mtlsd. It writes a request down soon after it has answered it. */
  async requests(): Promise<AuditedRequest[]> {
    return requestsOf(mtlsdUser, await readFile(this.cluster.auditLogPath ?? '', 'utf8'));
  }

  /** Every Role, ClusterRole and binding that is there. */
  async roles(): Promise<Manifest[]> {
    const kinds = 'clusterroles,clusterrolebindings,roles,rolebindings';
    return (JSON.parse(await this.kubectl(['get', kinds, '--all-namespaces', '-o', 'json'])) as { items: Manifest[] }).items;
  }
}

const trustDomain = (name: string) => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'TrustDomain',
  metadata: { name },
  spec: { default: name === 'shop.example', bundle: { namespaceSelector: { matchLabels: { bundle: 'yes' } } } },
});

const identity = (name: string, spec: object = {}) => ({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { name, namespace: 'shop' }, spec });

const says = (type: string, reason: string) => (object: Live) => object.status?.conditions?.some((condition) => condition.type === type && condition.reason === reason) === true;
const isReady = (object: Live) => object.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

describe('the rights of the chart', () => {
  let shop: Shop;
  let controller: RunningController;
  let stopped = false;
  beforeAll(async () => {
    shop = await Shop.open(['--set', 'reload.rolloutRestart.enabled=true']);
    controller = await startController(shop.cluster);
  });
  afterAll(async () => {
    await controller.stop();
    await shop.cluster.stop();
  });

  // Says why, where all else would say only that nothing happened.
  afterEach(() => expect(stopped ? undefined : controller.ended).toBeUndefined());

  test('suffice to issue, and to write bundles', async () => {
    await shop.apply(trustDomain('shop.example'), identity('web', { dnsNames: ['web.shop'] }));
    await shop.see(`${domainPath}/shop.example`, isReady);
    await shop.see(`${identityPath}/web`, isReady);
    await shop.see(`${secretPath}/web-mtls`, ({ data }) => (data?.['tls.crt'] ?? '') !== '');
    await shop.see(`/api/v1/namespaces/${systemNamespace}/secrets/mtlsd-authorities-shop.example`);
    await shop.see(bundlePath('shop.example'), ({ data }) => (data?.['ca.crt'] ?? '').includes('BEGIN CERTIFICATE'));
    await shop.see(trustBundlePath('shop.example'), ({ spec }) => String(spec?.['trustBundle']).includes('BEGIN CERTIFICATE'));
  });

  test('suffice for an edited identity', async () => {
    const before = await shop.see(`${secretPath}/web-mtls`);
    await shop.apply(identity('web', { dnsNames: ['web.shop', 'web.shop.svc'] }));
    await shop.see(`${secretPath}/web-mtls`, ({ data, metadata }) => metadata.uid === before.metadata.uid && data?.['tls.crt'] !== before.data?.['tls.crt']);
  });

  test('suffice to repair what somebody edited or deleted', async () => {
    const before = await shop.see(`${secretPath}/web-mtls`);
    await shop.kubectl(['patch', 'secret', 'web-mtls', '--namespace', 'shop', '--type=merge', '-p', '{"data":{"tls.crt":"LQ=="}}']);
    await shop.see(`${secretPath}/web-mtls`, ({ data }) => (data?.['tls.crt']?.length ?? 0) > 100);
    await shop.kubectl(['delete', 'secret', 'web-mtls', '--namespace', 'shop']);
    await shop.see(`${secretPath}/web-mtls`, ({ metadata }) => metadata.uid !== before.metadata.uid);

    const bundle = await shop.see(bundlePath('shop.example'));
    await shop.kubectl(['patch', 'configmap', 'mtlsd-bundle-shop.example', '--namespace', 'shop', '--type=merge', '-p', '{"data":{"ca.crt":""}}']);
    await shop.see(bundlePath('shop.example'), ({ data }) => data?.['ca.crt'] === bundle.data?.['ca.crt']);
    await shop.kubectl(['annotate', 'clustertrustbundle', 'mtlsd.io:x509-svid:shop.example', '--overwrite', 'mtlsd.io/bundle-generation=0']);
    await shop.see(trustBundlePath('shop.example'), ({ metadata }) => metadata.annotations?.['mtlsd.io/bundle-generation'] === '1');
  });

  test('suffice to find what is somebody else’s, and to leave it alone', async () => {
    const empty = Buffer.from('-').toString('base64');
    const foreign = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name: 'pay-mtls', namespace: 'shop' }, data: { 'tls.crt': empty, 'tls.key': empty } };
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'mtlsd-bundle-other.example', namespace: 'shop' }, data: { 'ca.crt': 'mine' } };
    const roots = await readFile(shop.cluster.caFile, 'utf8');
    const trustBundle = { apiVersion: 'certificates.k8s.io/v1', kind: 'ClusterTrustBundle', metadata: { name: 'mtlsd.io:x509-svid:other.example' }, spec: { signerName: 'mtlsd.io/x509-svid', trustBundle: roots } };
    await shop.apply(foreign, configMap, trustBundle);
    await shop.apply(trustDomain('other.example'), identity('pay'));
    await shop.see(`${identityPath}/pay`, says('Issued', 'SecretNotOurs'));
    await shop.see(`${domainPath}/other.example`, isReady);
    await vi.waitFor(async () => {
      const met = (await shop.requests()).filter(({ verb, name }) => verb === 'get' && name.endsWith('other.example'));
      expect(met.map(({ resource }) => resource)).toEqual(expect.arrayContaining(['configmaps', 'clustertrustbundles']));
    }, patience);
    expect((await shop.get(`${secretPath}/pay-mtls`))?.data?.['tls.crt']).toBe(empty);
    expect((await shop.get(bundlePath('other.example')))?.data?.['ca.crt']).toBe('mine');
    expect((await shop.get(trustBundlePath('other.example')))?.spec?.['trustBundle']).toBe(roots);
  });

  test('suffice to sign pod certificates', async () => {
    const node = await PodNode.register(shop.api, 'node-a');
    const pod = await node.pod('shop', 'web-0', 'web');
    const request = await node.ask(await node.requestFor(pod, { stubPKCS10Request: stubRequest(podKey('ECDSAP256'), 'ECDSAP256') }));
    expect((await node.answered(request)).status?.conditions).toMatchObject([{ type: 'Issued' }]);
  });

  test('suffice to make, change and remove the identities of a fleet', async () => {
    const fleet = (spec: object = {}) => ({
      apiVersion: 'mtlsd.io/v1alpha1',
      kind: 'ClusterWorkloadIdentity',
      metadata: { name: 'fleet' },
      spec: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } }, serviceAccountNames: ['till'], ...spec },
    });
    await shop.kubectl(['create', 'serviceaccount', 'till', '--namespace', 'shop']);
    await shop.apply(fleet());
    await shop.see(`${identityPath}/till`, isReady);
    await shop.apply(fleet({ ttl: '2h' }));
    await shop.see(`${identityPath}/till`, ({ spec }) => spec?.['ttl'] === '2h');
    await shop.see('/apis/mtlsd.io/v1alpha1/clusterworkloadidentities/fleet', says('Ready', 'Reconciled'));
    await shop.kubectl(['delete', 'cwid', 'fleet']);
    await shop.miss(`${identityPath}/till`);
  });

  test('suffice to write down which roots there are, before workloads are restarted for others', async () => {
    await shop.apply({ ...trustDomain(restarted), spec: { rotation: { propagationBound: '1s' } } }, identity('restarted', restartedSpec));
    await shop.see(`${identityPath}/restarted`, ({ status }) => status?.reload?.onBundle?.bundleGeneration === 1);
    await makeWorkloads(shop.api);
    await shop.apply(newRoots(await shop.see(`${domainPath}/${restarted}`, isReady)));
  });

  test('suffice to rotate an authority, and to go on when the CARotation is deleted half-way', async () => {
    const { status } = await shop.see(`${domainPath}/shop.example`, isReady);
    const rotation = { trustDomain: 'shop.example', what: 'Issuing', fromAuthority: status?.activeIssuer, approvals: ['Drained'] };
    await shop.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: 'issuing' }, spec: rotation });
    const path = '/apis/mtlsd.io/v1alpha1/carotations/issuing';
    const { metadata } = await shop.see(path, (object) => object.status?.switchedAt !== undefined);
    await shop.kubectl(['delete', 'carotation', 'issuing']);
    await shop.see(path, (object) => object.metadata.uid !== metadata.uid && object.status?.switchedAt !== undefined);
  });

  test('reach no identity that somebody else made: a policy says so', async () => {
    const mtlsd = { user: mtlsdUser };
    const made = { ...identity('till'), metadata: { name: 'till', namespace: 'shop', labels: { 'app.kubernetes.io/managed-by': 'mtlsd' } } };
    const refused = async (ask: () => Promise<ApiAnswer>, why: RegExp): Promise<void> => vi.waitFor(async () => expect(await ask()).toMatchObject({ code: 403, message: expect.stringMatching(why) as string }), patience);
    await refused(() => shop.api.send('POST', `${identityPath}?dryRun=All`, identity('till'), mtlsd), /mtlsd writes only what carries its label/u);
    expect((await shop.api.send('POST', `${identityPath}?dryRun=All`, made, mtlsd)).code).toBe(201);
    const web = await shop.see(`${identityPath}/web`);
    await refused(() => shop.api.send('PUT', `${identityPath}/web?dryRun=All`, { ...web, spec: { ttl: '3h' } }, mtlsd), /mtlsd writes only what carries its label/u);
    await refused(() => shop.api.send('DELETE', `${identityPath}/web?dryRun=All`, undefined, mtlsd), /mtlsd neither changes nor deletes what does not carry its label/u);
  });

  test('suffice to say of two identities which one keeps the Secret', async () => {
    await shop.apply(identity('cart', { secretName: 'web-mtls' }));
    await shop.see(`${identityPath}/cart`, says('Issued', 'Conflict'));
  });

  test('suffice to clean up after a deletion and a changed selection', async () => {
    await shop.kubectl(['delete', 'workloadidentity', 'cart', 'web', '--namespace', 'shop']);
    await shop.miss(`${secretPath}/web-mtls`);
    await shop.kubectl(['label', 'namespace', 'shop', 'bundle-']);
    await shop.miss(bundlePath('shop.example'));
    expect(await shop.get(bundlePath('other.example'))).toBeDefined();
  });

  test('suffice where Secrets are bound in one namespace, on an API server without streaming lists', async () => {
    const older = await Shop.open(['--set', 'delivery.secrets.namespaces={shop},reload.rolloutRestart.enabled=true'], { featureGates: 'WatchList=false' });
    try {
      await using running = await startController(older.cluster);
      await older.apply(trustDomain('shop.example'), identity('web'));
      await older.see(`${identityPath}/web`, isReady);
      const { status } = await older.see(`${domainPath}/shop.example`, isReady);
      await older.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: 'issuing' }, spec: { trustDomain: 'shop.example', what: 'Issuing', fromAuthority: status?.activeIssuer } });
      await older.see('/apis/mtlsd.io/v1alpha1/carotations/issuing', (object) => object.status?.switchedAt !== undefined);
      const requests = await older.requests();
      expect(forbiddenRequests(requests)).toEqual([]);
      olderRequests.push(...requests);

      await older.kubectl(['create', 'serviceaccount', 'web', '--namespace', 'default']);
      await older.apply({ ...identity('web'), metadata: { name: 'web', namespace: 'default' } });
      const unbound = await older.see('/apis/mtlsd.io/v1alpha1/namespaces/default/workloadidentities/web', says('Issued', 'SecretsOutOfReach'));
      expect(JSON.stringify(unbound.status)).toContain('nothing is issued into namespace default, because mtlsd cannot see its Secrets');
      // Found out without a request for a Secret there, and so without a signature in vain.
      expect((await older.requests()).filter(({ resource, namespace }) => resource === 'secrets' && namespace === 'default')).toEqual([]);
      expect(await running.stop()).toBe(0);
    } finally {
      await older.cluster.stop();
    }
  });

  test('suffice to restart workloads whose roots have changed, and for no other change of them', async () => {
    for (const kind of ['DaemonSet', 'Deployment', 'StatefulSet'] as const) {
      const workload = await shop.see(workloadPath(kind), (object) => restartedFor(object) === `${restarted}/2`);
      const other = withOtherImage(workload);
      const answer = async (): Promise<ApiAnswer> => shop.api.send('PUT', `${workloadPath(kind)}?dryRun=All`, other, { user: mtlsdUser });
      await vi.waitFor(async () => expect(await answer()).toMatchObject({ code: 403, message: expect.stringContaining('mtlsd restarts workloads by annotations of their template') as string }), patience);
    }
  });

  const olderRequests: AuditedRequest[] = [];

  test('none was missing and none was granted in vain, from start to a clean end', async () => {
    stopped = true;
    expect(await controller.stop()).toBe(0);
    const requests = await vi.waitFor(async () => {
      const all = await shop.requests();
      // Watches are written down when they end: with the process.
      expect(all.filter(({ verb }) => verb === 'watch').length).toBeGreaterThan(5);
      return all;
    }, patience);
    expect(forbiddenRequests(requests)).toEqual([]);
    const rights = rightsOf({ name: 'mtlsd', namespace: systemNamespace }, await shop.roles());
    expect(rights.length).toBeGreaterThan(20);
    expect(unusedRights(rights, [...requests, ...olderRequests]).map(describeRight)).toEqual([]);
  });
});

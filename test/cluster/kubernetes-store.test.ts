/** The Kubernetes store on a real API server: the contract of all stores, and what only an API server can refuse. */
import { once } from 'node:events';
import { chmod, copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Draft } from '../../src/resources/object.ts';
import type { ClusterTrustBundle, ConfigMap, Lease, Secret, WorkloadIdentity } from '../../src/resources/index.ts';
import { createEventRecorder, openKubernetesStore, type KubernetesOptions, type KubernetesStore } from '../../src/store/kubernetes/index.ts';
import type { SecretMetadata } from '../../src/store/port.ts';
import { storeContract } from '../contract/store-contract.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { createCredentials, credentialsIn } from './credentials.ts';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let cluster: Cluster;
let scratch: string;

function open(kubeconfig: string, options: Partial<KubernetesOptions> = {}): KubernetesStore {
  return openKubernetesStore({ kubeconfig, fieldManager: 'mtlsd', log: quiet, random: Math.random, nowMs: Date.now, ...options });
}

/** Fails with kubectl's own words. */
async function kubectl(args: readonly string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args, stdin);
  expect(code, `kubectl ${args.join(' ')}: ${stderr}`).toBe(0);
  return stdout;
}

async function applyDefinitions(): Promise<void> {
  await kubectl(['apply', '-f', join(import.meta.dirname, '../../crds')]);
  await kubectl(['wait', '--for=condition=Established', 'crd/trustdomains.mtlsd.io', 'crd/workloadidentities.mtlsd.io']);
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'mtlsd-store-'));
  cluster = await startCluster();
  await kubectl(['create', 'namespace', 'shop']);
  await kubectl(['create', 'namespace', 'mtlsd-system']);
  await applyDefinitions();
});
afterAll(async () => {
  await cluster.stop();
  await rm(scratch, { recursive: true });
});

storeContract('kubernetes', async () => {
  const store = open(cluster.kubeconfigPath);
  return {
    store,
    namespace: 'shop',
    systemNamespace: 'mtlsd-system',
    apply: async (object) => void (await kubectl(['apply', '-f', '-'], JSON.stringify(object))),
    remove: async ({ kind, namespace, name }) => void (await kubectl(['delete', kind, name, ...(namespace === undefined ? [] : ['-n', namespace])])),
    close: () => store.close(),
  };
});

const secret = (name: string, namespace = 'shop'): Draft<Secret> & { kind: 'Secret' } => ({ apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { name, namespace }, data: { 'tls.key': 'c2VjcmV0IGtleQ==' } });
const configMap = (name: string, namespace = 'shop'): Draft<ConfigMap> & { kind: 'ConfigMap' } => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: {} });
const identity = (name: string, spec: object): Draft<WorkloadIdentity> & { kind: 'WorkloadIdentity' } => ({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { name, namespace: 'shop' }, spec });

describe('what the API server says', () => {
  let store: KubernetesStore;
  beforeAll(() => {
    store = open(cluster.kubeconfigPath);
  });
  afterAll(() => store.close());

  test('an identity that breaks a rule is refused with the sentence of the rule', async () => {
    await expect(store.write<'WorkloadIdentity'>(identity('too-long', { ttl: '100h' }), 'absent')).rejects.toMatchObject({ code: 'STORE_INVALID', message: expect.stringMatching(/^WorkloadIdentity shop\/too-long was refused: .*spec\.ttl.*24h/u) as string });
  });

  test('a namespace that does not exist is named', async () => {
    await expect(store.write<'Secret'>(secret('a', 'nowhere'), 'absent')).rejects.toMatchObject({ code: 'STORE_NOT_FOUND', message: 'Secret nowhere/a cannot be written: namespace nowhere does not exist.' });
  });

  test('a namespace that is going away is told apart from a missing right', async () => {
    const leaving = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'leaving' } } as const;
    const created = await store.write<'Namespace'>(leaving, 'absent');
    // Something in it that nothing removes keeps it from being gone at once.
    await store.write<'ConfigMap'>({ ...configMap('held', 'leaving'), metadata: { name: 'held', namespace: 'leaving', finalizers: ['mtlsd.io/test'] } }, 'absent');
    await store.delete({ kind: 'Namespace', name: 'leaving' }, created.metadata);
    await expect(store.write<'Secret'>(secret('late', 'leaving'), 'absent')).rejects.toMatchObject({ code: 'STORE_TERMINATING', message: 'Secret leaving/late cannot be written: namespace leaving is being deleted.' });
  });

  test('a replacement keeps what the port does not know of: ownerReferences that came with the metadata', async () => {
    const owner = await store.write<'ConfigMap'>(configMap('owner'), 'absent');
    const owned = { ...configMap('owned'), metadata: { name: 'owned', namespace: 'shop', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }] } };
    const first = await store.write<'ConfigMap'>(owned, 'absent');
    const second = await store.write<'ConfigMap'>({ ...first, data: { a: 'b' } }, first.metadata);
    expect(second.metadata).toHaveProperty('ownerReferences', owned.metadata.ownerReferences);
  });

  test('fields are owned under the name that was given', async () => {
    await store.write<'ConfigMap'>({ ...configMap('managed'), data: { a: 'b' } }, 'absent');
    const { metadata } = JSON.parse(await kubectl(['get', 'configmap', 'managed', '-n', 'shop', '-o', 'json', '--show-managed-fields'])) as { metadata: { managedFields: readonly { manager: string }[] } };
    expect(metadata.managedFields.map(({ manager }) => manager)).toEqual(['mtlsd']);
  });

  test('a field that the installed definition lacks is warned of, once', async () => {
    const warnings: unknown[] = [];
    await using own = open(cluster.kubeconfigPath, { log: { ...quiet, warn: (_message, fields) => void warnings.push(fields) } });
    for (const name of ['newer-1', 'newer-2']) await own.write<'WorkloadIdentity'>(identity(name, { ofTomorrow: 1 }), 'absent');
    expect(warnings).toEqual([{ kind: 'WorkloadIdentity', verb: 'create', warning: 'unknown field "spec.ofTomorrow"' }]);
  });

  test('a Lease is created and renewed by compare-and-swap', async () => {
    const lease: Draft<Lease> & { kind: 'Lease' } = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'leader', namespace: 'shop' }, spec: { holderIdentity: 'one', leaseDurationSeconds: 15, renewTime: '2026-01-31T12:00:00.000000Z' } };
    const first = await store.write<'Lease'>(lease, 'absent');
    const second = await store.write<'Lease'>({ ...lease, spec: { ...lease.spec, holderIdentity: 'two', leaseTransitions: 1 } }, first.metadata);
    expect(second.spec).toEqual({ ...lease.spec, holderIdentity: 'two', leaseTransitions: 1 });
    await expect(store.write<'Lease'>(lease, first.metadata)).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
    await store.delete({ kind: 'Lease', namespace: 'shop', name: 'leader' }, second.metadata);
    await expect(store.write<'Lease'>(lease, second.metadata)).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
  });

  test('a watch of Secrets never carries contents, not even what kubectl apply left in an annotation', async () => {
    await kubectl(['apply', '-f', '-'], JSON.stringify({ ...secret('applied'), metadata: { name: 'applied', namespace: 'shop', labels: { test: 'contents' } } }));
    const seen: SecretMetadata[] = [];
    const stop = new AbortController();
    store.watch('Secret', { labels: { test: 'contents' } }, { snapshot: (all) => void seen.push(...all), upsert: (object) => void seen.push(object), remove: () => undefined }, stop.signal);
    await vi.waitFor(() => expect(seen).toHaveLength(1), { timeout: 10_000 });
    stop.abort();
    expect(seen[0]?.metadata.annotations).toBeUndefined();
    expect(JSON.stringify(seen)).not.toContain('c2VjcmV0');
  });
});

test('an Event is seen by who looks at the object, and told once', async () => {
  await using store = open(cluster.kubeconfigPath);
  const target = await store.write<'WorkloadIdentity'>(identity('told', {}), 'absent');
  await using events = createEventRecorder({ api: store.api, instance: 'mtlsd-0', log: quiet, random: Math.random, nowMs: Date.now });
  for (let n = 0; n < 5; n++) events.record(target, { type: 'Warning', reason: 'Conflict', message: 'the Secret told-mtls belongs to another identity' });
  events.record({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'a.example', uid: 'u' } }, { type: 'Normal', reason: 'Ready', message: 'é'.repeat(2000) });
  await events.drained();
  const list = JSON.parse(await kubectl(['get', 'events', '-A', '-o', 'json'])) as { items: readonly { type: string; reason: string; message: string; metadata: { namespace: string }; involvedObject: { uid: string } }[] };
  const told = list.items.filter(({ reason }) => reason === 'Conflict' || reason === 'Ready');
  expect(told).toHaveLength(2);
  expect(told).toContainEqual(expect.objectContaining({ type: 'Warning', reason: 'Conflict', message: 'the Secret told-mtls belongs to another identity', involvedObject: expect.objectContaining({ uid: target.metadata.uid }) as unknown }));
  expect(told).toContainEqual(expect.objectContaining({ reason: 'Ready', message: `${'é'.repeat(510)}…` }));
  expect(await kubectl(['describe', 'workloadidentity', 'told', '-n', 'shop'])).toContain('belongs to another identity');
});

test('a CustomResourceDefinition that is missing or going away is told, and used when it is back', async () => {
  await using store = open(cluster.kubeconfigPath, { watch: { notServedMaxMs: 100 } });
  const stop = new AbortController();
  const news: string[] = [];
  let names: readonly string[] | undefined;
  await kubectl(['delete', 'crd', 'workloadidentities.mtlsd.io']);
  expect(await store.serves('WorkloadIdentity')).toBe(false);
  expect(await store.serves('Secret')).toBe(true);
  const missing = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('Install it: kubectl apply -f crds/') as string };
  await expect(store.get({ kind: 'WorkloadIdentity', namespace: 'shop', name: 'a' })).rejects.toMatchObject(missing);
  await expect(store.write<'WorkloadIdentity'>(identity('a', {}), 'absent')).rejects.toMatchObject(missing);
  const handler = {
    snapshot: (all: readonly WorkloadIdentity[]) => void (names = all.map(({ metadata }) => metadata.name)),
    upsert: () => undefined,
    remove: () => undefined,
    interrupted: (error: Error | undefined) => void news.push(error?.message ?? 'goes on'),
  };
  store.watch('WorkloadIdentity', {}, handler, stop.signal);
  await vi.waitFor(() => expect(news[0]).toContain('kubectl apply -f crds/'), { timeout: 10_000 });
  expect(names).toBeUndefined();
  await applyDefinitions();
  await vi.waitFor(() => expect(names).toEqual([]), { timeout: 20_000 });
  expect(news.at(-1)).toBe('goes on');
  expect(await store.serves('WorkloadIdentity')).toBe(true);
  // A finalizer of someone else keeps it from going at once.
  await kubectl(['patch', 'crd', 'workloadidentities.mtlsd.io', '--type=merge', '-p', '{"metadata":{"finalizers":["mtlsd.io/test"]}}']);
  await kubectl(['delete', 'crd', 'workloadidentities.mtlsd.io', '--wait=false']);
  expect(await store.serves('WorkloadIdentity')).toBe(false);
  await kubectl(['patch', 'crd', 'workloadidentities.mtlsd.io', '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
  stop.abort();
  await vi.waitFor(applyDefinitions, { timeout: 20_000 });
});

describe('credentials', () => {
  async function kubeconfig(name: string, user: object, clusterPart: object = {}): Promise<string> {
    const path = join(scratch, name);
    const config = {
      clusters: [{ name: 'c', cluster: { server: cluster.server, 'certificate-authority': cluster.caFile, ...clusterPart } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    await writeFile(path, JSON.stringify(config));
    return path;
  }

  async function serviceAccountToken(name: string): Promise<string> {
    await cluster.kubectl(['create', 'serviceaccount', name, '-n', 'shop']);
    return (await kubectl(['create', 'token', name, '-n', 'shop'])).trim();
  }

  /** As kubelet does it: whoever reads sees the old file or the new one. */
  async function replaceFile(path: string, text: string): Promise<void> {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  }

  const key = { kind: 'Secret', namespace: 'shop', name: 'by-token' } as const;

  test('a missing right is one line with user, verb, resource and namespace', async () => {
    await using store = open(await kubeconfig('weak', { token: await serviceAccountToken('weak') }));
    const refusal = {
      code: 'STORE_FORBIDDEN',
      message:
        'Secret shop/by-token is out of reach: secrets "by-token" is forbidden: User "system:serviceaccount:shop:weak" cannot get resource "secrets" in API group "" in the namespace "shop". Grant "get" on secrets in namespace shop.',
    };
    await expect(store.get(key)).rejects.toMatchObject(refusal);
    const news: string[] = [];
    const stop = new AbortController();
    store.watch('Secret', {}, { snapshot: () => undefined, upsert: () => undefined, remove: () => undefined, interrupted: (error) => void news.push(error?.message ?? 'goes on') }, stop.signal);
    await vi.waitFor(() => expect(news[0]).toMatch(/cannot (?:watch|list) resource "secrets" in API group "" at the cluster scope\. Grant "(?:watch|list)" on secrets\.$/u), { timeout: 10_000 });
    stop.abort();
  });

  test('a token file that is rotated is in use with the next call, and while it is bad the refusal says so', async () => {
    const tokenFile = join(scratch, 'token');
    await writeFile(tokenFile, 'never-valid\n');
    await using store = open(await kubeconfig('rotated', { tokenFile: 'token' }));
    await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_FORBIDDEN', message: expect.stringContaining('(401)') as string });
    await replaceFile(tokenFile, `${cluster.adminToken}\n`);
    expect(await store.get(key)).toBeUndefined();
    await replaceFile(tokenFile, await serviceAccountToken('next'));
    await vi.waitFor(async () => expect(store.get(key)).rejects.toMatchObject({ message: expect.stringContaining('serviceaccount:shop:next') as string }), { timeout: 5000 });
  });

  test('a watch takes up a token that becomes valid', async () => {
    const tokenFile = join(scratch, 'watch-token');
    await writeFile(tokenFile, 'never-valid');
    await using store = open(await kubeconfig('watching', { tokenFile }), { watch: { backoff: { firstMs: 50, maxMs: 200 } } });
    const stop = new AbortController();
    const news: string[] = [];
    store.watch('ConfigMap', {}, { snapshot: () => void news.push('snapshot'), upsert: () => undefined, remove: () => undefined, interrupted: (error) => void news.push(error?.message ?? 'goes on') }, stop.signal);
    await vi.waitFor(() => expect(news[0]).toContain('(401)'), { timeout: 10_000 });
    await replaceFile(tokenFile, cluster.adminToken);
    await vi.waitFor(() => expect(news.slice(-2)).toEqual(['goes on', 'snapshot']), { timeout: 10_000 });
    stop.abort();
  });

  test('a certificate authority that is wrong is told, and its replacement is in use with the next call', async () => {
    const caFile = join(scratch, 'ca.crt');
    // Sound, and of somebody else.
    await createCredentials(join(scratch, 'foreign'));
    await copyFile(credentialsIn(join(scratch, 'foreign')).caFile, caFile);
    await using store = open(await kubeconfig('authority', { token: cluster.adminToken }, { 'certificate-authority': caFile }));
    await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringMatching(/certificate of the API server at https:\/\/127\.0\.0\.1:\d+ is not accepted/u) as string });
    await replaceFile(caFile, await readFile(cluster.caFile, 'utf8'));
    expect(await store.get(key)).toBeUndefined();
  });

  test('a plugin is asked again when its token is refused', async () => {
    const plugin = join(scratch, 'credential-plugin');
    const answer = (token: string): string => JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } });
    // Valid from its second answer on.
    await writeFile(plugin, `#!/bin/sh\nif [ -e "${plugin}.asked" ]; then echo '${answer(cluster.adminToken)}'; else touch "${plugin}.asked"; echo '${answer('never-valid')}'; fi\n`);
    await chmod(plugin, 0o755);
    await using store = open(await kubeconfig('plugin', { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' } }));
    expect(await store.get(key)).toBeUndefined();
  });

  test("an HTTP proxy that the kubeconfig names carries calls and watches", async () => {
    let tunnels = 0;
    const sockets = new Set<Duplex>();
    const tunnel = createServer().on('connect', (request: IncomingMessage, client: Duplex) => {
      tunnels += 1;
      const [host = '', port = ''] = (request.url ?? '').split(':');
      const upstream = connect(Number(port), host, () => client.write('HTTP/1.1 200 Connection Established\r\n\r\n'));
      for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
        sockets.add(from);
        from.on('error', () => to.destroy()).pipe(to);
      }
    });
    tunnel.listen(0, '127.0.0.1');
    await once(tunnel, 'listening');
    const { port } = tunnel.address() as AddressInfo;
    const store = open(await kubeconfig('proxied', { token: cluster.adminToken }, { 'proxy-url': `http://127.0.0.1:${port}` }));
    let synced = false;
    store.watch('ConfigMap', {}, { snapshot: () => void (synced = true), upsert: () => undefined, remove: () => undefined }, new AbortController().signal);
    expect(await store.get(key)).toBeUndefined();
    await vi.waitFor(() => expect(synced).toBe(true), { timeout: 10_000 });
    expect(tunnels).toBeGreaterThanOrEqual(2);
    await store.close();
    for (const socket of sockets) socket.destroy();
    tunnel.close();
  });

  test.each([
    ['a file that is not there', async () => join(scratch, 'absent'), /absent cannot be used: there is no such file: check the path/u],
    ['a context that it lacks', () => kubeconfig('contexts', {}), /it has no context "other"; it has "x"\.$/u],
  ])('%s is refused at once', async (_what, path, words) => {
    const file = await path();
    expect(() => open(file, { context: 'other' })).toThrow(words);
  });

  test('a server that is not there is named', async () => {
    await using store = open(await kubeconfig('nobody', { token: 'x' }, { server: 'https://127.0.0.1:1' }));
    await expect(store.get(key)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: 'Secret shop/by-token could not be reached: nothing listens at https://127.0.0.1:1. Is the API server running?' });
  });
});

const bundle = (name: string, pem: string): Draft<ClusterTrustBundle> & { kind: 'ClusterTrustBundle' } => ({ apiVersion: 'certificates.k8s.io/v1', kind: 'ClusterTrustBundle', metadata: { name, labels: { 'mtlsd.io/trust-domain': 'a.example' } }, spec: { trustBundle: pem } });

async function writesAndWatchesBundles(store: KubernetesStore, pem: string): Promise<void> {
  const first = await store.write<'ClusterTrustBundle'>(bundle('roots', pem), 'absent');
  expect(first).toMatchObject(bundle('roots', pem));
  let seen: readonly ClusterTrustBundle[] = [];
  const stop = new AbortController();
  store.watch('ClusterTrustBundle', { labels: { 'mtlsd.io/trust-domain': 'a.example' } }, { snapshot: (all) => void (seen = all), upsert: (object) => void (seen = [object]), remove: () => void (seen = []) }, stop.signal);
  await vi.waitFor(() => expect(seen).toEqual([first]), { timeout: 10_000 });
  await store.delete({ kind: 'ClusterTrustBundle', name: 'roots' }, first.metadata);
  await vi.waitFor(() => expect(seen).toEqual([]), { timeout: 10_000 });
  stop.abort();
}

test('a ClusterTrustBundle is written and watched', async () => {
  await using store = open(cluster.kubeconfigPath);
  expect(await store.serves('ClusterTrustBundle')).toBe(true);
  await writesAndWatchesBundles(store, await readFile(cluster.caFile, 'utf8'));
});

test('on an older kind of API server: ClusterTrustBundles at v1beta1, watches without initial events', async ({ skip }) => {
  if (!cluster.owned) skip();
  await using older = await startCluster({ runtimeConfig: 'certificates.k8s.io/v1=false,certificates.k8s.io/v1beta1=true', featureGates: 'WatchList=false,PodCertificateRequest=false' });
  await using store = open(older.kubeconfigPath);
  expect(await store.serves('ClusterTrustBundle')).toBe(true);
  await writesAndWatchesBundles(store, await readFile(older.caFile, 'utf8'));
});

test('on an API server without ClusterTrustBundles they are said not to be served', async ({ skip }) => {
  if (!cluster.owned) skip();
  await using without = await startCluster({ runtimeConfig: 'certificates.k8s.io/v1=false', featureGates: 'PodCertificateRequest=false' });
  await using store = open(without.kubeconfigPath);
  expect(await store.serves('ClusterTrustBundle')).toBe(false);
  await expect(store.get({ kind: 'ClusterTrustBundle', name: 'a' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('clustertrustbundles.certificates.k8s.io is not enabled there (v1 or v1beta1)') as string });
});

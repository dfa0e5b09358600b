/** `mtlsd status` on a cluster, and `npm start -- --cluster`, as a newcomer runs them. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type Cluster } from './cluster.ts';
import { statusOf } from './named-cluster.ts';

const root = join(import.meta.dirname, '..', '..');

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of the checkout to its end. */
async function run(script: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(root, script), ...args], { cwd: root, timeout: 120_000 }, (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }));
  });
}

const mtlsd = async (...args: readonly string[]): Promise<Ran> => run('src/cli/main.ts', args);

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(async () => cluster.stop());

test('without the definitions it says what to apply', async () => {
  const { code, stderr } = await mtlsd('status', '--kubeconfig', cluster.kubeconfigPath);
  expect(code).not.toBe(0);
  expect(stderr).toContain('kubectl apply -f crds/');
});

test('it shows trust domains, identities, and what is wrong, as text and as JSON', async () => {
  expect((await cluster.kubectl(['apply', '-f', join(root, 'crds')])).code).toBe(0);
  await cluster.kubectl(['wait', '--for=condition=Established', 'crd/trustdomains.mtlsd.io', 'crd/workloadidentities.mtlsd.io']);
  await cluster.kubectl(['create', 'namespace', 'shown']);
  const manifests = [
    { apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name: 'shown.example' }, spec: {} },
    { apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: { name: 'waiting', namespace: 'shown' }, spec: {} },
  ];
  expect((await cluster.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }))).code).toBe(0);
  // As the controller writes it: what `status` shows comes from the objects, whoever wrote them.
  const condition = { type: 'Ready', status: 'False', reason: 'ServiceAccountMissing', message: 'ServiceAccount shown/waiting does not exist: create it', lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 1 };
  await cluster.kubectl(['patch', 'wid', 'waiting', '--namespace', 'shown', '--subresource=status', '--type=merge', '--patch', JSON.stringify({ status: { conditions: [condition] } })]);

  const text = await mtlsd('status', '--kubeconfig', cluster.kubeconfigPath);
  expect(text.code).toBe(1);
  expect(text.stdout).toContain('shown.example');
  expect(text.stdout).toContain('ServiceAccount shown/waiting does not exist: create it');
  const json = await mtlsd('status', '--kubeconfig', cluster.kubeconfigPath, '--output', 'json');
  const overview = JSON.parse(json.stdout) as { identities: readonly unknown[]; problems: readonly unknown[] };
  expect(overview.identities).toMatchObject([{ namespace: 'shown', name: 'waiting', ready: false }]);
  expect(overview.problems).toContainEqual(expect.objectContaining({ object: 'WorkloadIdentity shown/waiting', reason: 'ServiceAccountMissing' }));
});

test.each([
  ['a kubeconfig that is not there', ['--kubeconfig', '/nowhere/kubeconfig'], 'The kubeconfig /nowhere/kubeconfig cannot be used'],
  ['a folder and a cluster at once', ['--out', 'x', '--kubeconfig', '/nowhere'], 'name one of the two'],
])('%s is told', async (_what, args, sentence) => {
  const { code, stderr } = await mtlsd('status', ...args);
  expect(code).toBe(2);
  expect(stderr).toContain(sentence);
});

test('a context that does not exist is told, with those that do', async () => {
  const { code, stderr } = await mtlsd('status', '--kubeconfig', cluster.kubeconfigPath, '--context', 'none');
  expect(code).toBe(2);
  expect(stderr).toContain('it has no context "none"; it has "');
});

test('npm start -- --cluster shows the shop on an API server of its own, and takes it down again', async () => {
  const { code, stdout, stderr } = await run('scripts/start.ts', ['--cluster']);
  expect(stderr).toContain('stopping the cluster');
  expect(code).toBe(0);
  for (const identity of ['orders/orders', 'shop/cart', 'shop/storefront']) expect(stdout).toContain(identity);
  expect(stdout).toContain('Nothing is wrong.');
  expect(await statusOf('shop', process.env)).toBeUndefined();
});

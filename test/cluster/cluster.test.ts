/** The test cluster itself: what every other cluster test builds on. Always on a cluster of its own. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Cluster } from './cluster.ts';
import { startCluster } from './cluster.ts';
import type { ClusterRecord } from './control-plane.ts';
import { writeKubeconfig } from './credentials.ts';
import { ForeignClusterError } from './foreign-cluster.ts';
import { runKubectl } from './kubectl.ts';
import { bringUp, statusOf, takeDown } from './named-cluster.ts';
import { isAlive } from './process.ts';
import type { ProcessIdentity } from './process.ts';
import { showProgress } from './progress.ts';

const env = { ...process.env, MTLSD_TEST_KUBECONFIG: undefined };

/** Fails with kubectl's own words. */
async function kubectl(cluster: Cluster, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args);
  expect(stderr, `kubectl ${args.join(' ')}`).toBe('');
  expect(code).toBe(0);
  return stdout;
}

async function processesOf(cluster: Pick<Cluster, 'kubeconfigPath'>): Promise<ProcessIdentity[]> {
  const record = JSON.parse(await readFile(join(dirname(cluster.kubeconfigPath), 'cluster.json'), 'utf8')) as ClusterRecord;
  const processes = Object.values(record.processes);
  expect(processes).not.toHaveLength(0);
  return processes;
}

async function expectGone(processes: readonly ProcessIdentity[]): Promise<void> {
  await vi.waitFor(async () => expect(await Promise.all(processes.map(isAlive))).not.toContain(true), { timeout: 10_000 });
}

function resourceVersion(list: string): string {
  return (JSON.parse(list) as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
}

/** Status code and the lines of the answer up to the one that matches, or all of them. */
async function get(cluster: Cluster, path: string, until?: RegExp): Promise<{ status: number | undefined; lines: string[] }> {
  const ca = await readFile(cluster.caFile, 'utf8');
  const call = request(`${cluster.server}${path}`, { ca, agent: false, headers: { authorization: `Bearer ${cluster.adminToken}` } });
  call.end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  const lines: string[] = [];
  for await (const line of createInterface({ input: response })) {
    lines.push(line);
    if (until?.test(line)) break;
  }
  response.destroy();
  return { status: response.statusCode, lines };
}

describe('a cluster of a test', () => {
  let cluster: Cluster;
  let scratch: string;
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'mtlsd-cluster-test-'));
    cluster = await startCluster({ env, audit: true });
  });
  afterAll(async () => {
    await cluster.stop();
    await rm(scratch, { recursive: true });
  });

  test('is the pinned Kubernetes, and keeps objects', async () => {
    expect(await kubectl(cluster, 'version', '-o', 'json')).toMatch(/"serverVersion":[^}]*"gitVersion": "v1\.37\.2"/);
    await kubectl(cluster, 'create', 'configmap', 'kept', '--from-literal=a=1');
    expect(await kubectl(cluster, 'get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}')).toBe('1');
  });

  test('serves what this project needs at v1: pod certificates, trust bundles, both kinds of admission policy', async () => {
    const served = (await kubectl(cluster, 'api-resources', '--no-headers')).split('\n').map((line) => line.split(/\s+/).join(' '));
    const lines = ['podcertificaterequests', 'clustertrustbundles', 'mutatingadmissionpolicies', 'validatingadmissionpolicies'].map(
      (plural) => served.find((line) => line.startsWith(`${plural} `)),
    );
    const [certificates, admission] = [' certificates.k8s.io/v1 ', ' admissionregistration.k8s.io/v1 '];
    for (const [index, group] of [certificates, certificates, admission, admission].entries()) expect(lines[index]).toContain(group);
  });

  test('streams initial events and marks their end', async () => {
    const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const { lines } = await get(cluster, `/api/v1/namespaces?${query}`, /initial-events-end/);
    const types = lines.map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual(['ADDED', 'ADDED', 'ADDED', 'ADDED', 'BOOKMARK']);
  });

  test('knows service accounts by their tokens and gives them no right of their own', async () => {
    await kubectl(cluster, 'create', 'serviceaccount', 'nobody');
    const token = (await kubectl(cluster, 'create', 'token', 'nobody')).trim();
    const kubeconfigPath = join(scratch, 'nobody.kubeconfig');
    await writeKubeconfig(kubeconfigPath, { server: cluster.server, caFile: cluster.caFile, token, namespace: 'default' });
    const target = { program: join(cluster.binDir, 'kubectl'), kubeconfigPath, cacheFolder: join(scratch, 'kubectl-cache') };
    const { code, stderr } = await runKubectl(target, ['get', 'secrets']);
    expect(code).toBe(1);
    expect(stderr).toContain('User "system:serviceaccount:default:nobody" cannot list resource "secrets"');
  });

  test('writes down who asked for what', async () => {
    await kubectl(cluster, 'create', 'configmap', 'audited');
    const seen = async () => readFile(cluster.auditLogPath ?? '', 'utf8');
    await vi.waitFor(async () => expect(await seen()).toMatch(/"verb":"create","user":\{"username":"test-admin".*"name":"audited"/));
  });

  test('is back on the same port with the same objects after a restart, a stop and a kill', async () => {
    await kubectl(cluster, 'create', 'configmap', 'lasting');
    await cluster.restartApiServer();
    await kubectl(cluster, 'get', 'configmap', 'lasting');
    await cluster.stopApiServer();
    expect((await cluster.kubectl(['get', 'configmap', 'lasting'])).stderr).toContain('refused');
    await cluster.startApiServer();
    await cluster.killApiServer();
    await cluster.startApiServer();
    await kubectl(cluster, 'get', 'configmap', 'lasting');
  });

  test('goes back to an older backup, resourceVersions included', async () => {
    const backup = join(scratch, 'backup');
    const version = async () => Number(await kubectl(cluster, 'get', '--raw', '/api/v1/namespaces').then(resourceVersion));
    await kubectl(cluster, 'create', 'configmap', 'before');
    await cluster.snapshotEtcd(backup);
    await kubectl(cluster, 'create', 'configmap', 'after');
    await kubectl(cluster, 'delete', 'configmap', 'before');
    // More writes than the API server's own at its start, else resourceVersions are back where they were too soon to see it.
    const many = Array.from({ length: 200 }, (_, n) => `{apiVersion: v1, kind: ConfigMap, metadata: {name: n${n}}}`);
    expect((await cluster.kubectl(['create', '-f', '-'], many.join('\n---\n'))).code).toBe(0);
    const late = await version();
    await cluster.restoreEtcd(backup);
    await kubectl(cluster, 'get', 'configmap', 'before');
    expect((await cluster.kubectl(['get', 'configmap', 'after'])).stderr).toContain('not found');
    expect(await version()).toBeLessThan(late);
  });

  test('answers 410 for history that was compacted', async () => {
    const path = '/api/v1/configmaps?resourceVersion=1&resourceVersionMatch=Exact';
    await cluster.compactEtcd();
    expect((await get(cluster, path)).status).toBe(410);
  });

  test("can be used in the place of the user's own, which is never restarted", async () => {
    await using foreign = await startCluster({ env: { ...env, MTLSD_TEST_KUBECONFIG: cluster.kubeconfigPath } });
    expect(foreign).toMatchObject({ owned: false, server: cluster.server, adminToken: cluster.adminToken });
    expect(await readFile(foreign.caFile, 'utf8')).toBe(await readFile(cluster.caFile, 'utf8'));
    await kubectl(foreign, 'get', 'namespaces');
    await expect(foreign.killApiServer()).rejects.toThrow(ForeignClusterError);
    await foreign.stop();
    await kubectl(cluster, 'get', 'namespaces');
  });
});

test('stop leaves no process and no file', async () => {
  const cluster = await startCluster({ env });
  const processes = await processesOf(cluster);
  await cluster.stop();
  expect(await Promise.all(processes.map(isAlive))).toEqual([false, false]);
  expect(existsSync(dirname(cluster.kubeconfigPath))).toBe(false);
});

test('a cluster whose test process is killed goes with it', async () => {
  const script = `import { startCluster } from ${JSON.stringify(join(import.meta.dirname, 'cluster.ts'))};
    console.log((await startCluster()).kubeconfigPath); setInterval(() => undefined, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [kubeconfigPath] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
  const processes = await processesOf({ kubeconfigPath });
  owner.kill('SIGKILL');
  await expectGone(processes);
  await vi.waitFor(() => expect(existsSync(dirname(kubeconfigPath))).toBe(false));
});

test('with a controller manager, a namespace gets its default service account and can be deleted', async () => {
  await using cluster = await startCluster({ env, controllerManager: true });
  await kubectl(cluster, 'create', 'namespace', 'short-lived');
  await kubectl(cluster, 'wait', '--for=create', 'serviceaccount/default', '--namespace=short-lived');
  await kubectl(cluster, 'delete', 'namespace', 'short-lived', '--wait');
  expect((await cluster.kubectl(['get', 'namespace', 'short-lived'])).stderr).toContain('not found');
});

test('an API server that cannot start says why, and leaves nothing behind', async () => {
  await expect(startCluster({ env, featureGates: 'NoSuchGate=true' })).rejects.toThrow(/unrecognized feature gate: NoSuchGate/);
});

describe('a named cluster', () => {
  const silent = showProgress('none', () => undefined, Date.now);
  let own: typeof env & { MTLSD_STATE_DIR: string };
  beforeAll(async () => {
    own = { ...env, MTLSD_STATE_DIR: await mkdtemp(join(tmpdir(), 'mtlsd-cluster-test-')) };
  });
  afterAll(async () => {
    for (const name of ['one', 'two']) await takeDown(name, own, silent);
    await rm(own.MTLSD_STATE_DIR, { recursive: true });
  });

  test('is brought up once, recovers a dead server, refuses other options, and goes when told to', async () => {
    const options = { featureGates: 'WatchList=false' };
    const plane = await bringUp('one', options, own, silent);
    const first = await processesOf(plane);
    await bringUp('one', options, own, silent);
    expect(await processesOf(plane)).toEqual(first);

    process.kill(plane.record.processes['kube-apiserver']?.pid ?? 0, 'SIGKILL');
    await expectGone([first[1] ?? expect.fail('no API server')]);
    expect(await statusOf('one', own)).toMatchObject({ ready: false, servers: [{ name: 'etcd' }, { pid: undefined }] });
    await bringUp('one', options, own, silent);
    expect(await statusOf('one', own)).toMatchObject({ ready: true, server: plane.server });

    const other = { featureGates: 'WatchList=true' };
    await expect(bringUp('one', other, own, silent)).rejects.toThrow(/"one" exists with other options.*cluster -- down --name one/);
    expect((await bringUp('one', {}, own, silent)).record.options).toEqual(options);

    const last = await processesOf(plane);
    expect(await takeDown('one', own, silent)).toBe(true);
    await expectGone(last);
    expect(existsSync(plane.kubeconfigPath)).toBe(false);
    expect(existsSync(plane.logFile('kube-apiserver'))).toBe(true);
    expect(await statusOf('one', own)).toBeUndefined();
    expect(await takeDown('one', own, silent)).toBe(false);
  });

  test('is started by a command that ends, and used by a shell that takes its environment', async () => {
    const cli = `"${process.execPath}" "${join(import.meta.dirname, 'cli.ts')}"`;
    const shell = (script: string) => promisify(execFile)('/bin/sh', ['-ec', script], { env: own });
    const up = await shell(`${cli} up --name two --runtime-config certificates.k8s.io/v1beta1=true`);
    expect(up.stderr).toMatch(/^cluster "two" is ready at https:\/\/127\.0\.0\.1:\d+ .*\n.*cluster -- env --name two/);
    const used = await shell(`eval "$(${cli} env --name two)"; kubectl version --client; kubectl api-versions; ${cli} status --name two`);
    expect(used.stdout).toMatch(/^Client Version: v1\.37\.2\n[^]*\ncertificates\.k8s\.io\/v1beta1\n[^]*\ntwo: ready /);
    await shell(`${cli} down --name two`);
    await expect(shell(`${cli} status --name two`)).rejects.toMatchObject({ code: 1, stdout: 'there is no cluster "two"\n' });
    await expect(shell(`${cli} env --name two`)).rejects.toMatchObject({ stderr: expect.stringContaining('cluster -- up --name two') as string });
  });

  test('has a name that can be a folder', async () => {
    await expect(bringUp('../x', {}, own, silent)).rejects.toThrow('"../x" is no cluster name');
  });
});

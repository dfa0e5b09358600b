/** The node of the test cluster itself: pods run on it, and however it ends, the machine is as it was. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { bringUp, statusOf, takeDown } from '../cluster/named-cluster.ts';
import { showProgress } from '../cluster/progress.ts';
import { patienceMs } from './node-site.ts';
import { nodeRecordOf, remainsOf, shimSocketsOf, type NodeRecord } from './remains.ts';

const pod = (name: string, script: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'shell', image: 'mtlsd.test/shell:1', imagePullPolicy: 'Never', command: ['sh', '-c', script] }],
  },
});

/** Runs kubectl, or fails with its own words. */
async function kubectl(cluster: Pick<Cluster, 'kubectl'>, args: readonly string[], stdin?: object): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args, JSON.stringify(stdin));
  expect(code, `kubectl ${args.join(' ')}: ${stderr}`).toBe(0);
  return stdout;
}

const kernelSettings = async (): Promise<string> => `${await readFile('/proc/sys/kernel/panic', 'utf8')}${await readFile('/proc/sys/vm/overcommit_memory', 'utf8')}`;

test('runs pods that can be asked and reached, goes on after kubelet was away, and leaves nothing when it stops', async () => {
  const before = await kernelSettings();
  const cluster = await startCluster({ node: true });
  const folder = dirname(cluster.kubeconfigPath);
  const node = await nodeRecordOf(folder);
  let sockets: readonly string[];
  try {
    await kubectl(cluster, ['apply', '-f', '-'], pod('hello', 'echo hello > /tmp/index.html; echo said; exec httpd -f -h /tmp'));
    await kubectl(cluster, ['wait', '--for=condition=Ready', 'pod/hello', '--timeout=180s']);
    expect(await kubectl(cluster, ['logs', 'hello'])).toBe('said\n');
    expect(await kubectl(cluster, ['exec', 'hello', '--', 'cat', '/tmp/index.html'])).toBe('hello\n');
    const address = await kubectl(cluster, ['get', 'pod', 'hello', '--output=jsonpath={.status.podIP}']);
    const greeting = async (): Promise<string> => (await fetch(`http://${address}/`)).text();
    expect(await greeting()).toBe('hello\n');
    await cluster.node?.stopKubelet();
    expect(await greeting()).toBe('hello\n');
    await cluster.node?.startKubelet();
    await kubectl(cluster, ['delete', 'pod', 'hello', '--wait', '--timeout=180s']);
    await kubectl(cluster, ['apply', '-f', '-'], pod('second', 'sleep 1000'));
    await kubectl(cluster, ['wait', '--for=condition=Ready', 'pod/second', '--timeout=180s']);
    sockets = await shimSocketsOf(node);
    expect(sockets).not.toHaveLength(0);
    expect((await remainsOf(node, sockets)).length).toBeGreaterThan(10);
  } finally {
    await cluster.stop();
  }
  expect(await remainsOf(node, sockets)).toEqual([]);
  expect(await kernelSettings()).toBe(before);
});

test('goes with its test process when that is killed, pods and all', async () => {
  const script = `import { startCluster } from ${JSON.stringify(join(import.meta.dirname, '..', 'cluster', 'cluster.ts'))};
    const cluster = await startCluster({ node: true });
    await cluster.kubectl(['apply', '-f', '-'], ${JSON.stringify(JSON.stringify(pod('orphan', 'sleep 1000')))});
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/orphan', '--timeout=180s']);
    console.log(cluster.kubeconfigPath); setInterval(() => undefined, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [kubeconfigPath] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string];
  const folder = dirname(kubeconfigPath);
  const node = await nodeRecordOf(folder);
  const sockets = await shimSocketsOf(node);
  expect(sockets).toHaveLength(1);
  owner.kill('SIGKILL');
  await vi.waitFor(() => expect(existsSync(folder)).toBe(false), { timeout: patienceMs, interval: 100 });
  expect(await remainsOf(node, sockets)).toEqual([]);
});

test('a named cluster tells its node, brings back what died of it, and goes when told to', async () => {
  const env = { ...process.env, MTLSD_STATE_DIR: await mkdtemp(join(tmpdir(), 'mtlsd-node-test-')) };
  const silent = showProgress('none', () => undefined, Date.now);
  const cli = async (...args: readonly string[]): Promise<string> => (await promisify(execFile)(process.execPath, [join(import.meta.dirname, '..', 'cluster', 'cli.ts'), ...args], { env })).stdout;
  let node: NodeRecord;
  try {
    const plane = await bringUp('one', { node: true }, env, silent);
    node = await nodeRecordOf(plane.folder);
    const [, kubelet] = /^ {2}kubelet +pid (\d+) /mu.exec(await cli('status', '--name', 'one')) ?? [];
    process.kill(Number(kubelet), 'SIGKILL');
    await vi.waitFor(async () => expect(await statusOf('one', env)).toMatchObject({ servers: expect.arrayContaining([expect.objectContaining({ name: 'kubelet', pid: undefined })]) as unknown }), { timeout: patienceMs });
    await cli('up', '--name', 'one');
    expect(await cli('status', '--name', 'one')).toMatch(new RegExp(`^  node +mtlsd-node at ${node.address}, pods in ${node.subnet} on ${node.bridge}, cgroup /${node.group}$`, 'mu'));
  } finally {
    await takeDown('one', env, silent);
    await rm(env.MTLSD_STATE_DIR, { recursive: true });
  }
  expect(await remainsOf(node, [])).toEqual([]);
});

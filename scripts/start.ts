/**
 * `npm start`: the shop example from a folder of manifests. `npm start -- --cluster`: the same shop on a real Kubernetes API
 * server of its own, which is built at the first time (minutes, with Go) and stopped in the end.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bringUp, statusOf, takeDown } from '../test/cluster/named-cluster.ts';
import { binaryFolder } from '../test/cluster/binaries.ts';
import { runKubectl } from '../test/cluster/kubectl.ts';
import { showProgress } from '../test/cluster/progress.ts';

const root = dirname(import.meta.dirname);
const [flag, ...rest] = process.argv.slice(2);
if (flag === '--cluster' && rest.length === 0) process.exitCode = await startOnCluster('shop');
else process.exitCode = await ended(mtlsd(['run', 'examples/shop', '--out', '.mtlsd', ...process.argv.slice(2)]));

function mtlsd(args: readonly string[], stdio: 'inherit' | 'pipe' = 'inherit'): ChildProcess {
  const child = spawn(process.execPath, [join(root, 'src/cli/main.ts'), ...args], { stdio: [stdio === 'inherit' ? 'inherit' : 'ignore', stdio, stdio] });
  // Ctrl-C reaches the child by itself; we live on to see its end.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (signal === 'SIGTERM' || stdio === 'pipe' ? child.kill(signal) : undefined));
  return child;
}

async function ended(child: ChildProcess): Promise<number> {
  const [status] = (await once(child, 'exit')) as [number | null];
  return status ?? 1;
}

async function startOnCluster(name: string): Promise<number> {
  const progress = showProgress(process.stderr.isTTY ? 'terminal' : 'plain', (text) => process.stderr.write(text), Date.now);
  console.error('starting a Kubernetes API server (the first time it is built from source, which takes some minutes) …');
  await bringUp(name, {}, process.env, progress);
  const kubeconfig = (await statusOf(name, process.env))?.kubeconfigPath;
  if (kubeconfig === undefined) throw new Error('the cluster was started and is not there');
  try {
    await apply(kubeconfig, 'crds/');
    await apply(kubeconfig, 'examples/shop-cluster/');
    return await showShop(kubeconfig);
  } finally {
    console.error('stopping the cluster …');
    await takeDown(name, process.env, progress);
  }
}

async function showShop(kubeconfig: string): Promise<number> {
  const log = join(await mkdtemp(join(tmpdir(), 'mtlsd-shop-')), 'controller.log');
  const controller = mtlsd(['controller', '--kubeconfig', kubeconfig, '--namespace', 'default', '--log-format', 'text'], 'pipe');
  controller.stderr?.pipe(createWriteStream(log));
  controller.stdout?.resume();
  try {
    await kubectl(kubeconfig, ['wait', 'wid', '--all', '--all-namespaces', '--for=condition=Ready', '--timeout=60s']);
    console.error(`the controller's log: ${log}`);
    return await ended(mtlsd(['status', '--kubeconfig', kubeconfig, '--watch']));
  } finally {
    controller.kill('SIGTERM');
    if (controller.exitCode === null) await once(controller, 'exit');
  }
}

async function apply(kubeconfig: string, path: string): Promise<void> {
  await kubectl(kubeconfig, ['apply', '-f', join(root, path)]);
  if (path === 'crds/') await kubectl(kubeconfig, ['wait', '--for=condition=Established', 'crd/trustdomains.mtlsd.io', 'crd/workloadidentities.mtlsd.io']);
}

async function kubectl(kubeconfig: string, args: readonly string[]): Promise<void> {
  const result = await runKubectl(await binaryFolder(process.env), kubeconfig, args);
  if (result.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr}`);
}

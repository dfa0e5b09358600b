import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { binaryFolder } from '../../test/cluster/binaries.ts';
import { runKubectl } from '../../test/cluster/kubectl.ts';
import { bringUp, statusOf, takeDown } from '../../test/cluster/named-cluster.ts';
import { showProgress } from '../../test/cluster/progress.ts';

const root = dirname(dirname(import.meta.dirname));

/** Starts mtlsd as a child. In the foreground it has the terminal, and Ctrl-C reaches it by itself. */
function mtlsd(args: readonly string[], where: 'foreground' | 'background'): ChildProcess {
  const stdio = where === 'foreground' ? 'inherit' : 'pipe';
  return spawn(process.execPath, [join(root, 'src/cli/main.ts'), ...args], { stdio: [where === 'foreground' ? 'inherit' : 'ignore', stdio, stdio], detached: where === 'background' });
}

async function ended(child: ChildProcess): Promise<number> {
  const [status] = (await once(child, 'exit')) as [number | null];
  return status ?? 1;
}

/** Brings a cluster up, applies the shop, runs the controller, shows the live table, and takes all of it down again. */
export async function startOnCluster(name: string): Promise<number> {
  const progress = showProgress(process.stderr.isTTY ? 'terminal' : 'plain', (text) => process.stderr.write(text), Date.now);
  // Ctrl-C, or a terminal that is closed, ends the table in the foreground; this process lives on to take the cluster down.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
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
  const controller = mtlsd(['controller', '--kubeconfig', kubeconfig, '--namespace', 'default', '--log-format', 'text'], 'background');
  controller.stderr?.pipe(createWriteStream(log));
  controller.stdout?.resume();
  try {
    await kubectl(kubeconfig, ['wait', 'wid', '--all', '--all-namespaces', '--for=condition=Ready', '--timeout=60s']);
    console.error(`the controller's log: ${log}`);
    return await ended(mtlsd(['status', '--kubeconfig', kubeconfig, '--watch'], 'foreground'));
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
  const target = { program: join(await binaryFolder(process.env), 'kubectl'), kubeconfigPath: kubeconfig, cacheFolder: join(dirname(kubeconfig), 'kubectl-cache') };
  const result = await runKubectl(target, args);
  if (result.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr}`);
}

/** The real controller on a test cluster, as the chart's service account: with its token and no other right. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemNamespace } from './chart.ts';
import type { Cluster } from './cluster.ts';
import { writeKubeconfig } from './credentials.ts';

const root = join(import.meta.dirname, '..', '..');

/** A controller that runs. `await using` stops it. */
export interface RunningController extends AsyncDisposable {
  /** Undefined while it runs; once it has ended, what it wrote (both streams) and how it ended. */
  readonly ended: string | undefined;
  /** SIGTERM, and resolves with the exit code when it has ended. */
  stop(): Promise<number | null>;
}

/** Starts `mtlsd controller` as the chart's Deployment says, with a token of its service account. The chart must be installed. */
export async function startController(cluster: Cluster): Promise<RunningController> {
  const folder = await mkdtemp(join(tmpdir(), 'mtlsd-rights-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const token = await cluster.kubectl(['create', 'token', 'mtlsd', '--namespace', systemNamespace, '--duration', '1h']);
  if (token.code !== 0) throw new Error(`no token for the service account: ${token.stderr}`);
  await writeKubeconfig(kubeconfig, { server: cluster.server, caFile: cluster.caFile, token: token.stdout.trim(), namespace: systemNamespace });

  const args = [join(root, 'src', 'cli', 'main.ts'), ...(await deploymentArgs(cluster)), '--kubeconfig', kubeconfig];
  const child = spawn(join(root, 'node_modules', '.bin', 'node'), args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  let ended: string | undefined;
  const exit = once(child, 'close').then(([code]) => {
    ended = `${output}\nended with ${String(code)}`;
    return code as number | null;
  });
  const stop = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    const code = await exit;
    await rm(folder, { recursive: true, force: true });
    return code;
  };
  return {
    get ended() {
      return ended;
    },
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

/** What the container is told; its port is free in a pod of its own, not here. */
async function deploymentArgs(cluster: Cluster): Promise<string[]> {
  const read = await cluster.kubectl(['get', 'deployment', 'mtlsd', '--namespace', systemNamespace, '-o', 'jsonpath={.spec.template.spec.containers[0].args}']);
  if (read.code !== 0) throw new Error(`the chart is not installed: ${read.stderr}`);
  return (JSON.parse(read.stdout) as string[]).map((arg) => (arg.startsWith('0.0.0.0:') ? '127.0.0.1:0' : arg));
}

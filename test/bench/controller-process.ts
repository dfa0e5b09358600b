/** The real `mtlsd controller`, as a process of its own, and what the kernel says of it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';

const root = join(import.meta.dirname, '..', '..');

/** A running controller. */
export class ControllerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#port = port;
  }

  static async start(cluster: Cluster): Promise<ControllerProcess> {
    const port = await freePort();
    const args = ['controller', '--kubeconfig', cluster.kubeconfigPath, '--namespace', 'default', '--metrics-listen', `127.0.0.1:${port}`, '--log-level', 'error'];
    const child = spawn(join(root, 'bin', 'mtlsd'), args, { stdio: ['ignore', 'ignore', 'inherit'] });
    return new ControllerProcess(child, port);
  }

  /** CPU time used so far, milliseconds (user and system). */
  async cpuMs(): Promise<number> {
    const fields = (await readFile(`/proc/${this.#child.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10; // USER_HZ is 100
  }

  /** Resident memory, MB. */
  async residentMb(): Promise<number> {
    return residentMbOf(this.#child.pid ?? 0);
  }

  /** The most resident memory that it ever had, MB. */
  async peakResidentMb(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
  }

  /** One value of its metrics, summed over labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(name) && !line.startsWith('#'));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  /** Resolves when it has filled its caches and reconciles. */
  async whenReconciling(): Promise<void> {
    for (;;) {
      const reconciled = await this.metric('mtlsd_reconcile_duration_seconds_count').catch(() => 0);
      if (reconciled > 0) return;
      await new Promise((resume) => setTimeout(resume, 50)); // each look costs the controller milliseconds
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }
}

/** Resident memory of a process, MB. */
export async function residentMbOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

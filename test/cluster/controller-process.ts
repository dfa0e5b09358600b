/** `bin/mtlsd controller` as a process of its own: what it says, what it answers to probes, and every way to end it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, vi } from 'vitest';

const program = join(import.meta.dirname, '..', '..', 'bin', 'mtlsd');
const patience = { timeout: 20_000, interval: 50 };

/** A line of the log. Fields besides these depend on the message. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly time: string;
  readonly [field: string]: unknown;
}

/** A record of the audit stream. */
export interface AuditLine {
  readonly audit: true;
  readonly time: string;
  readonly decision: string;
  readonly object: string;
  readonly serialNumber?: string;
  readonly authority?: string;
  readonly reason?: string;
}

/** A controller that was started; `await using` stops it, with SIGKILL if it must be. */
export class ControllerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;
  #stdout = '';
  #stderr = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = once(child, 'exit').then(([code]) => code as number | null);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
  }

  /**
   * Starts one; it need not reach its API server yet. `options` come after the usual ones.
   * @param aheadMs by how much its clock is ahead, so that renewals that are minutes away are due
   */
  static start(kubeconfig: string, options: readonly string[] = [], aheadMs = 0): ControllerProcess {
    const args = ['controller', '--kubeconfig', kubeconfig, '--metrics-listen', '127.0.0.1:0', ...options];
    const env = { ...process.env, NODE_OPTIONS: aheadMs === 0 ? '' : `--import=data:text/javascript,${encodeURIComponent(`const now=Date.now;Date.now=()=>now()+${aheadMs}`)}` };
    return new ControllerProcess(spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env }));
  }

  /** All that it wrote: log and audit. */
  get output(): string {
    return this.#stderr + this.#stdout;
  }

  get log(): readonly LogLine[] {
    return wholeLines(this.#stderr).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as LogLine);
  }

  get audit(): readonly AuditLine[] {
    return wholeLines(this.#stdout).map((line) => JSON.parse(line) as AuditLine);
  }

  /** Audit records of certificates that were signed, for one identity (`namespace/name`) or all. */
  signed(identity?: string): readonly AuditLine[] {
    return this.audit.filter(({ decision, object }) => (decision === 'issued' || decision === 'renewed') && (identity === undefined || object === `WorkloadIdentity ${identity}`));
  }

  /** Waits for a log line whose message matches. */
  async says(words: RegExp, from = 0): Promise<LogLine> {
    return vi.waitFor(() => {
      const line = this.log.slice(from).find(({ msg, error }) => words.test(msg) || (typeof error === 'string' && words.test(error)));
      if (line === undefined) throw new Error(`nothing like ${String(words)} in the log:\n${this.#stderr.slice(-4000)}`);
      return line;
    }, patience);
  }

  /** Waits until it leads and has filled its caches. */
  async leads(): Promise<void> {
    await this.says(/caches are filled/u);
  }

  async probe(path: '/livez' | '/readyz' | '/metrics', signal?: AbortSignal): Promise<{ readonly code: number; readonly text: string }> {
    const { msg } = await this.says(/^probes and metrics on /u);
    const response = await fetch(`${msg.replace('probes and metrics on ', '')}${path}`, signal === undefined ? {} : { signal });
    return { code: response.status, text: await response.text() };
  }

  /** The value of a metric, labels as they are written: `mtlsd_issuances_total{outcome="issued"}`. */
  async metric(name: string): Promise<number> {
    const line = (await this.probe('/metrics')).text.split('\n').find((text) => text.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1));
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves with the exit code when it has ended. */
  async ended(): Promise<number | null> {
    return this.#exit;
  }

  /** SIGTERM; it has to end in order. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    expect(await this.#exit).toBe(0);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill();
  }
}

function wholeLines(text: string): readonly string[] {
  return text.split('\n').slice(0, -1);
}

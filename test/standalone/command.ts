import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { until } from './wait.ts';

/** The checkout that is tested. */
export const checkout = resolve(import.meta.dirname, '../..');
/** The program as a user runs it. */
export const mtlsd = resolve(checkout, 'bin/mtlsd');

/** How a process ended. */
export interface Ending {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a process said, and how it ended. */
export interface Outcome extends Ending {
  readonly stdout: string;
  readonly stderr: string;
}

interface Options {
  readonly cwd?: string;
  readonly uid?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** A process that a test started. It ends with the scope that it was started in, however that ends. */
export class Command implements AsyncDisposable {
  stdout = '';
  stderr = '';
  readonly startedMs = performance.now();
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ending>;
  #ending: Ending | undefined;

  constructor(program: string, args: readonly string[], { cwd = checkout, uid, env = process.env }: Options = {}) {
    // A group of its own: `npm start` is several processes, and all of them are stopped.
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'], ...(uid === undefined ? {} : { uid, gid: uid }) });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#child = child;
    this.#ended = new Promise((done) => {
      child.on('error', (error) => {
        this.stderr += String(error);
        done((this.#ending = { status: null, signal: null }));
      });
      child.on('close', (status, signal) => done((this.#ending = { status, signal })));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#ending === undefined;
  }

  /** Everything that it said until it ended. */
  async outcome(): Promise<Outcome> {
    const ending = await this.#ended;
    return { ...ending, stdout: this.stdout, stderr: this.stderr };
  }

  /** Waits until it has said `text`. */
  async says(text: string | RegExp): Promise<void> {
    const said = (): boolean => (typeof text === 'string' ? (this.stdout + this.stderr).includes(text) : text.test(this.stdout + this.stderr));
    try {
      await until(`it says ${String(text)}, or ends`, () => said() || !this.running);
      if (!said()) throw new Error(`it ended without saying ${String(text)}`);
    } catch (cause) {
      throw new Error(`${this.#child.spawnargs.join(' ')} ${this.#whatItDoes()}, and said:\n${this.stdout}${this.stderr}`, { cause });
    }
  }

  /** For whoever must find out why it is silent: computing, or waiting, and for what. */
  #whatItDoes(): string {
    if (!this.running) return 'ended';
    try {
      const about = (name: string): string => readFileSync(`/proc/${this.pid}/${name}`, 'utf8');
      const state = /^State:\s*(.*)$/mu.exec(about('status'))?.[1];
      const threads = readdirSync(`/proc/${this.pid}/task`).map((thread) => about(`task/${thread}/wchan`) || 'running');
      const open = readdirSync(`/proc/${this.pid}/fd`).map((fd) => readlinkSync(`/proc/${this.pid}/fd/${fd}`)).filter((path) => path.startsWith('/'));
      return `is in state ${state} (threads in ${threads.join(', ')}; files ${open.join(', ')})`;
    } catch {
      return 'runs';
    }
  }

  /** Sends a signal to all of it, as a terminal does, and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    this.#signal(signal);
    return this.outcome();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal('SIGKILL');
    await this.#ended;
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.running || this.pid === undefined) return;
    try {
      process.kill(-this.pid, signal);
    } catch (error) {
      // It ended a moment ago.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Runs the program to its end. */
export async function run(...args: readonly string[]): Promise<Outcome> {
  await using command = new Command(mtlsd, args);
  return await command.outcome();
}

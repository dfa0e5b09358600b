/** A program that speaks JSON lines: what it writes is read as values, what it is asked goes to its stdin. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

const answerTimeoutMs = 60_000;

/** What came on one channel and nobody has read, or who waits for what comes next. */
interface Channel {
  readonly unread: unknown[];
  readonly waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void }[];
}

/**
 * One running program. Dispose of it to end it: it ends when its stdin does, and is killed when it does not. A program that
 * does several things at once is talked to on channels: each line, in both directions, names its own.
 */
export class LineProgram implements AsyncDisposable {
  readonly #name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #ended: Promise<void>;
  readonly #channels = new Map<string | undefined, Channel>();
  #stderr = '';
  #over = false;

  constructor(command: readonly [string, ...string[]], env: Readonly<Record<string, string | undefined>>) {
    const [program, ...args] = command;
    this.#name = program;
    this.#child = spawn(program, args, { env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr.on('data', (chunk: Buffer) => (this.#stderr = (this.#stderr + chunk.toString()).slice(-4_000)));
    // A program that is gone is reported by what waits for its answer.
    this.#child.stdin.on('error', () => undefined);
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#deliver(line));
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => this.#end(error.message, resolve));
      this.#child.once('close', (code) => this.#end(`it ended with code ${code}`, resolve));
    });
  }

  /** The next line that it writes on that channel. @throws {Error} when it ends before, or takes too long */
  async next<T>(channel?: string): Promise<T> {
    const { unread, waiting } = this.#channel(channel);
    if (unread.length > 0) return unread.shift() as T;
    if (this.#over) throw new Error(`${this.#name} has ended: ${this.#stderr}`);
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.#name} did not answer within ${answerTimeoutMs} ms: ${this.#stderr}`)), answerTimeoutMs);
      const settle = <V>(then: (value: V) => void) => (value: V): void => {
        clearTimeout(timer);
        then(value);
      };
      waiting.push({ resolve: settle((value) => resolve(value as T)), reject: settle(reject) });
    });
  }

  /** Asks one thing. A program answers in the order in which it is asked, on each channel. */
  async ask<T>(request: object, channel?: string): Promise<T> {
    const answer = this.next<T>(channel);
    this.tell(request, channel);
    return answer;
  }

  /** Says what is not answered. */
  tell(request: object, channel?: string): void {
    this.#child.stdin.write(`${JSON.stringify(channel === undefined ? request : { ...request, channel })}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await this.#ended;
    clearTimeout(timer);
  }

  #deliver(line: string): void {
    const { channel, ...value } = JSON.parse(line) as { readonly channel?: string };
    const { unread, waiting } = this.#channel(channel);
    const first = waiting.shift();
    if (first === undefined) unread.push(value);
    else first.resolve(value);
  }

  #channel(name: string | undefined): Channel {
    const channel = this.#channels.get(name) ?? { unread: [], waiting: [] };
    this.#channels.set(name, channel);
    return channel;
  }

  #end(why: string, resolve: () => void): void {
    this.#over = true;
    const waiting = [...this.#channels.values()].flatMap((channel) => channel.waiting.splice(0));
    for (const { reject } of waiting) reject(new Error(`${this.#name}: ${why}: ${this.#stderr}`));
    resolve();
  }
}

/** A program that speaks JSON lines: what it writes is read as values, what it is asked goes to its stdin. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

const answerTimeoutMs = 60_000;

/** One running program. Dispose of it to end it: it ends when its stdin does, and is killed when it does not. */
export class LineProgram implements AsyncDisposable {
  readonly #name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #ended: Promise<void>;
  readonly #unread: unknown[] = [];
  readonly #waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];
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

  /** The next line that it writes. @throws {Error} when it ends before, or takes too long */
  async next<T>(): Promise<T> {
    if (this.#unread.length > 0) return this.#unread.shift() as T;
    if (this.#over) throw new Error(`${this.#name} has ended: ${this.#stderr}`);
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.#name} did not answer within ${answerTimeoutMs} ms: ${this.#stderr}`)), answerTimeoutMs);
      const settle = <V>(then: (value: V) => void) => (value: V): void => {
        clearTimeout(timer);
        then(value);
      };
      this.#waiting.push({ resolve: settle((value) => resolve(value as T)), reject: settle(reject) });
    });
  }

  /** Asks one thing. A program answers in the order in which it is asked. */
  async ask<T>(request: unknown): Promise<T> {
    const answer = this.next<T>();
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await this.#ended;
    clearTimeout(timer);
  }

  #deliver(line: string): void {
    const value: unknown = JSON.parse(line);
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#unread.push(value);
    else waiting.resolve(value);
  }

  #end(why: string, resolve: () => void): void {
    this.#over = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${this.#name}: ${why}: ${this.#stderr}`));
    resolve();
  }
}

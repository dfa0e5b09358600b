import { spawn, type ChildProcess } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { difference, missingLines } from './match-output.ts';
import { root, type Block } from './pages.ts';

/** What a page may edit: readers are told to. Everything else of the checkout is a link. */
const copied: ReadonlySet<string> = new Set(['examples']);
/** `.mtlsd` and its state belong to whoever works in this checkout. */
const leftOut: ReadonlySet<string> = new Set(['.git', '.mtlsd', '.mtlsd.state', '.ci', 'dist', 'coverage']);
const patienceMs = 30_000;

/**
 * `npm ci` made the checkout in which this test runs, and `npm test` runs this test: to repeat either would take minutes, or
 * never end. All else goes to npm.
 */
const npmShim = `#!/bin/sh
case "$1" in ci|test) exit 0 ;; esac
PATH='${process.env['PATH'] ?? ''}' exec npm "$@"
`;

/** Somebody who types the commands of one page, in a checkout of their own. */
export class Reader implements AsyncDisposable {
  readonly #folder: string;
  readonly #running: ChildProcess[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async sitDown(): Promise<Reader> {
    const folder = await mkdtemp(join(tmpdir(), 'mtlsd-docs-'));
    const checkout = join(folder, 'mtlsd');
    await mkdir(checkout);
    for (const name of await readdir(root)) {
      if (leftOut.has(name)) continue;
      if (copied.has(name)) await cp(join(root, name), join(checkout, name), { recursive: true });
      else await symlink(join(root, name), join(checkout, name));
    }
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'bin', 'npm'), npmShim);
    await chmod(join(folder, 'bin', 'npm'), 0o755);
    return new Reader(folder);
  }

  /** Does what a block says. @throws {Error} when a command fails or prints something else */
  async follow(block: Block): Promise<void> {
    const where = `${block.page}:${block.line}`;
    if (block.language === 'yaml') return this.#save(block);
    if (block.language === 'sh') return void (await this.#succeed(where, block.text));
    for (const { command, output } of steps(block)) {
      if (block.words.includes('background')) await this.#startAndWait(where, command, output);
      else await this.#compare(where, command, output, block.words.includes('fails'));
    }
  }

  /** Ends what still runs, and removes the checkout. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#running) {
      if (child.pid === undefined || child.exitCode !== null) continue;
      const group = -child.pid;
      const ended = new Promise((resolve) => child.once('close', resolve));
      process.kill(group, 'SIGTERM');
      const kill = setTimeout(() => process.kill(group, 'SIGKILL'), 5_000);
      await ended;
      clearTimeout(kill);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #save({ words, text }: Block): Promise<void> {
    const name = words.find((word) => word.startsWith('file='))?.slice('file='.length);
    if (name === undefined) return;
    const path = join(this.#folder, 'mtlsd', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${text}\n`);
  }

  async #succeed(where: string, command: string): Promise<string> {
    const { code, output } = await this.#run(command);
    if (code !== 0) throw new Error(`${where}: ${command}\nended with ${code}:\n${output}`);
    return output;
  }

  async #compare(where: string, command: string, expected: string, fails: boolean): Promise<void> {
    const deadlineMs = performance.now() + patienceMs;
    for (;;) {
      const { code, output } = await this.#run(command);
      const problem = (code !== 0) === fails ? difference(expected, output) : `it ended with ${code}, and printed\n${output}`;
      if (problem === undefined) return;
      // A person types slower than this does: what a program in the background is about to do counts.
      if (this.#running.length === 0 || performance.now() > deadlineMs) throw new Error(`${where}: $ ${command}\n${problem}`);
      await sleep(250);
    }
  }

  async #startAndWait(where: string, command: string, expected: string): Promise<void> {
    const child = this.#spawn(command);
    this.#running.push(child);
    let printed = '';
    child.stdout?.on('data', (data: Buffer) => (printed += data.toString('utf8')));
    child.stderr?.on('data', (data: Buffer) => (printed += data.toString('utf8')));
    const deadlineMs = performance.now() + patienceMs;
    while (missingLines(expected, printed).length > 0) {
      if (child.exitCode !== null || performance.now() > deadlineMs) throw new Error(`${where}: $ ${command}\nnever printed\n${missingLines(expected, printed).join('\n')}\nbut\n${printed}`);
      await sleep(50);
    }
  }

  async #run(command: string): Promise<{ readonly code: number | null; readonly output: string }> {
    const child = this.#spawn(command);
    let output = '';
    child.stdout?.on('data', (data: Buffer) => (output += data.toString('utf8')));
    child.stderr?.on('data', (data: Buffer) => (output += data.toString('utf8')));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, output };
  }

  #spawn(command: string): ChildProcess {
    return spawn('bash', ['-eu', '-o', 'pipefail', '-c', command], {
      cwd: join(this.#folder, 'mtlsd'),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), PATH: `${join(this.#folder, 'bin')}:${process.env['PATH'] ?? ''}`, NO_COLOR: '1' },
    });
  }
}

/** Without what an outer npm left for its own scripts: an inner one would take it for settings of the reader. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_')));
}

/** The commands of a `console` block, each with what the page shows below it. A command goes on while its lines end in `\`. */
export function steps({ page, line, text }: Pick<Block, 'page' | 'line' | 'text'>): readonly { readonly command: string; readonly output: string }[] {
  const found: { command: string; output: string[] }[] = [];
  let goesOn = false;
  for (const each of text.split('\n')) {
    const last = found.at(-1);
    if (goesOn && last !== undefined) last.command += `\n${each}`;
    else if (each.startsWith('$ ')) found.push({ command: each.slice(2), output: [] });
    else if (last === undefined) throw new Error(`${page}:${line}: a console block begins with a command behind "$ "`);
    else last.output.push(each);
    goesOn = (goesOn || each.startsWith('$ ')) && each.endsWith('\\');
  }
  return found.map(({ command, output }) => ({ command, output: output.join('\n') }));
}

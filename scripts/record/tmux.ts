import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A terminal of fixed size that nobody looks at, in a tmux server of its own. */
export class Terminal implements AsyncDisposable {
  readonly #socket = `mtlsd-record-${randomUUID().slice(0, 8)}`;

  private constructor() {}

  /** Starts `command` (for a shell) in `folder`. @throws when tmux is missing */
  static async open(size: { readonly columns: number; readonly rows: number }, folder: string, command: string): Promise<Terminal> {
    const terminal = new Terminal();
    const { columns, rows } = size;
    await terminal.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', String(columns), '-y', String(rows), '-c', folder, command);
    return terminal;
  }

  /** What the terminal shows now: lines with colours. */
  async lines(): Promise<readonly string[]> {
    const { stdout } = await this.#tmux('capture-pane', '-e', '-p');
    return stdout.split('\n');
  }

  /** Types keys, in tmux's names: `C-c`. */
  async press(keys: string): Promise<void> {
    await this.#tmux('send-keys', keys);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux('kill-server').catch(() => undefined);
  }

  async #tmux(...args: readonly string[]): Promise<{ readonly stdout: string }> {
    return run('tmux', ['-L', this.#socket, ...args], { env: { ...process.env, TERM: 'xterm-256color', LANG: 'C.UTF-8' } });
  }
}

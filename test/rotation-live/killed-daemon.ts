/** `mtlsd run`, killed by SIGKILL whenever it is worst, and started again at once. */
import { createHash } from 'node:crypto';
import { readFileSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Command } from '../standalone/command.ts';
import type { Sandbox } from '../standalone/sandbox.ts';

/** The daemon of a sandbox. */
export class KilledDaemon implements AsyncDisposable {
  /** Why it was killed, each time. */
  readonly kills: string[] = [];
  readonly #sandbox: Sandbox;
  readonly #watchers: FSWatcher[] = [];
  #command: Command;
  #turn: Promise<void> = Promise.resolve();

  private constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    this.#command = sandbox.start();
  }

  /** Resolves when it is at work. */
  static async start(sandbox: Sandbox): Promise<KilledDaemon> {
    const daemon = new KilledDaemon(sandbox);
    await daemon.#command.says('try: ');
    return daemon;
  }

  /** Kills it, starts it again, and waits until it is at work. */
  async kill(why: string): Promise<void> {
    const turn = this.#turn.then(async () => {
      this.kills.push(why);
      console.log(`${(performance.now() / 1000).toFixed(1)} s: SIGKILL, because ${why}`);
      await this.#command.stop('SIGKILL');
      this.#command = this.#sandbox.start();
      await this.#command.says('try: ');
    });
    this.#turn = turn;
    await turn;
  }

  /**
   * From now on it is killed in the moment in which the authority record of a trust domain changes: what should follow the
   * record (bundles, leaves, status) has not been written then.
   */
  killWhenRecordChanges(trustDomain: string): void {
    const file = this.#sandbox.record(trustDomain);
    const content = (): string => createHash('sha256').update(readFileSync(file)).digest('hex');
    let known = content();
    const watcher = watch(dirname(file), (_event, changed) => {
      if (changed !== basename(file)) return;
      const now = content();
      if (now === known) return;
      known = now;
      void this.kill(`the record of ${trustDomain} changed`);
    });
    this.#watchers.push(watcher);
  }

  /** What it last said. */
  get log(): string {
    return this.#command.stderr.slice(-4_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const watcher of this.#watchers) watcher.close();
    await this.#turn.catch(() => undefined);
    await this.#command.stop('SIGTERM');
  }
}

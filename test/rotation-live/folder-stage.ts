import { createHash } from 'node:crypto';
import { existsSync, readFileSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { CARotationSpec, CARotationStatus } from '../../src/resources/index.ts';
import { identity, Sandbox, trustDomain } from '../standalone/sandbox.ts';
import { until } from '../standalone/wait.ts';
import type { Source } from './fleet.ts';
import { FolderRotations } from './folder-rotations.ts';
import { KilledProcess } from './killed-process.ts';
import type { Stage } from './stage.ts';

const patienceMs = 300_000;

/** `mtlsd run` on folders of its own. */
export class FolderStage implements Stage {
  readonly daemon: KilledProcess;
  readonly delivered: string;
  readonly #sandbox: Sandbox;
  readonly #rotations: FolderRotations;
  readonly #watchers: FSWatcher[] = [];

  private constructor(sandbox: Sandbox, daemon: KilledProcess) {
    this.#sandbox = sandbox;
    this.#rotations = new FolderRotations(sandbox);
    this.daemon = daemon;
    this.delivered = join(sandbox.root, 'delivered');
  }

  static async open(): Promise<FolderStage> {
    const sandbox = new Sandbox();
    const daemon = await KilledProcess.start(() => {
      const command = sandbox.start();
      return { atWork: async () => command.says(/try: |0 of 0 identities are ready/u), end: async (signal) => command.stop(signal) };
    });
    return new FolderStage(sandbox, daemon);
  }

  async issue(domain: string, spec: object, names: readonly string[]): Promise<void> {
    this.#sandbox.write(`${domain}.yaml`, trustDomain(domain, spec), ...names.map((name) => identity(name, { trustDomain: domain }, { namespace: 'live' })));
    for (const name of names) await until(`${name} is issued`, () => existsSync(join(this.#sandbox.out, 'identities/live', name, '..data')), patienceMs);
  }

  source(names: readonly string[]): Source {
    return { folder: join(this.#sandbox.out, 'identities/live'), names };
  }

  async roots(domain: string): Promise<readonly string[]> {
    return this.#rotations.roots(domain);
  }

  async killWhenRecordChanges(domain: string): Promise<void> {
    const file = this.#sandbox.record(domain);
    const content = (): string => createHash('sha256').update(readFileSync(file)).digest('hex');
    let known = content();
    const watcher = watch(dirname(file), (_event, changed) => {
      if (changed !== basename(file)) return;
      const now = content();
      if (now === known) return;
      known = now;
      void this.daemon.kill(`the record of ${domain} changed`);
    });
    this.#watchers.push(watcher);
    return Promise.resolve();
  }

  async request(name: string, spec: CARotationSpec): Promise<void> {
    await this.#rotations.request(name, spec);
  }

  async status(name: string): Promise<CARotationStatus | undefined> {
    return this.#rotations.status(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const watcher of this.#watchers) watcher.close();
    await this.daemon[Symbol.asyncDispose]();
    await this.#sandbox[Symbol.asyncDispose]();
  }
}

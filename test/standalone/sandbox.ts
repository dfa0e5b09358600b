import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command, mtlsd, type Outcome } from './command.ts';
import { Identity } from './identity.ts';
import { until } from './wait.ts';

/** A trust domain of usual times. */
export const trustDomain = (name = 'shop.example', spec: object = {}): object => ({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: { name }, spec });

/** An identity in the namespace shop. */
export const identity = (name: string, spec: object = {}, metadata: object = {}): object => ({
  apiVersion: 'mtlsd.io/v1alpha1',
  kind: 'WorkloadIdentity',
  metadata: { namespace: 'shop', name, ...metadata },
  spec,
});

/** A folder of manifests and one of output, with the processes that work on them. All of it goes with the scope. */
export class Sandbox implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'mtlsd-standalone-'));
  readonly manifests = join(this.root, 'manifests');
  readonly out = join(this.root, 'out');
  /** Where mtlsd keeps its state when nobody says otherwise. */
  readonly state = `${this.out}.state`;
  readonly #commands: Command[] = [];

  constructor() {
    mkdirSync(this.manifests);
  }

  /** The file of the authority record of a trust domain. */
  record(trustDomainName = 'shop.example'): string {
    return join(this.state, 'secrets/mtlsd-system', `mtlsd-authorities-${trustDomainName}.json`);
  }

  /** Writes a manifest in one step, as careful editors do: text, or objects that become JSON documents. */
  write(file: string, ...content: readonly (string | object)[]): void {
    const path = join(this.manifests, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(join(this.root, 'new'), content.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join('\n---\n'));
    renameSync(join(this.root, 'new'), path);
  }

  remove(file: string): void {
    rmSync(join(this.manifests, file));
  }

  identity(name: string, namespace = 'shop'): Identity {
    return new Identity(join(this.out, 'identities', namespace, name));
  }

  /** Waits for an identity, whole. */
  async issued(name: string, namespace = 'shop'): Promise<Identity> {
    return until(`${namespace}/${name} is issued`, () => {
      const found = this.identity(name, namespace);
      return found.read() && found;
    });
  }

  /** Starts `mtlsd run` on the folders. */
  start(...args: readonly string[]): Command {
    return this.command('run', this.manifests, '--out', this.out, ...args);
  }

  /** As `start`, as another user; needs root. */
  startAs(uid: number, ...args: readonly string[]): Command {
    const command = new Command(mtlsd, ['run', this.manifests, '--out', this.out, ...args], { cwd: this.root, uid });
    this.#commands.push(command);
    return command;
  }

  /** Starts the program. */
  command(...args: readonly string[]): Command {
    const command = new Command(mtlsd, args, { cwd: this.root });
    this.#commands.push(command);
    return command;
  }

  /** Runs `mtlsd run --once` on the folders. */
  async once(...args: readonly string[]): Promise<Outcome> {
    return this.start('--once', ...args).outcome();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const command of this.#commands) await command[Symbol.asyncDispose]();
    rmSync(this.root, { recursive: true, force: true });
  }
}

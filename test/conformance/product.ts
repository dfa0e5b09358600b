/** mtlsd itself, run as a person runs it: a folder of manifests in, a folder of identities out. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TrustDomainSpec, WorkloadIdentitySpec } from '../../src/resources/index.ts';
import type { ChildProcess } from 'node:child_process';

const program = join(import.meta.dirname, '..', '..', 'bin', 'mtlsd');
const patienceMs = 60_000;

/** One manifest, without what the folder of manifests adds. */
export type Manifest =
  | { readonly kind: 'TrustDomain'; readonly name: string; readonly spec: TrustDomainSpec }
  | { readonly kind: 'WorkloadIdentity'; readonly namespace: string; readonly name: string; readonly spec: WorkloadIdentitySpec };

/** A folder of manifests, the identities made from it, and the process that makes them. */
export class Product implements AsyncDisposable {
  readonly #root: string;
  #daemon: ChildProcess | undefined;
  #log = '';

  private constructor(root: string) {
    this.#root = root;
  }

  static async create(manifests: readonly Manifest[]): Promise<Product> {
    const product = new Product(await realpath(await mkdtemp(join(tmpdir(), 'mtlsd-conformance-'))));
    await mkdir(join(product.#root, 'manifests'));
    await Promise.all(manifests.map((manifest) => product.write(manifest)));
    return product;
  }

  /** Adds or replaces a manifest. */
  async write(manifest: Manifest): Promise<void> {
    const { kind, name, spec } = manifest;
    const namespace = manifest.kind === 'WorkloadIdentity' ? manifest.namespace : undefined;
    const object = { apiVersion: 'mtlsd.io/v1alpha1', kind, metadata: { name, namespace }, spec };
    await writeFile(join(this.#root, 'manifests', `${kind}.${namespace ?? ''}.${name}.json`), JSON.stringify(object));
  }

  /** Starts `mtlsd run`, which goes on until the product is disposed of. */
  start(): void {
    this.#log = '';
    this.#daemon = spawn(program, ['run', join(this.#root, 'manifests'), '--out', join(this.#root, 'out')], { stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk: Buffer): void => void (this.#log = (this.#log + chunk.toString()).slice(-8_000));
    this.#daemon.stdout?.on('data', keep);
    this.#daemon.stderr?.on('data', keep);
  }

  /** The folder of an identity: what a workload is given to read. */
  identityFolder(namespace: string, name: string): string {
    return join(this.#root, 'out', 'identities', namespace, name);
  }

  /** Waits until the identity's certificate meets `wanted`, and returns it. */
  async untilIssued(folder: string, wanted: (leaf: X509Certificate) => boolean): Promise<X509Certificate> {
    for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 50) {
      const pem = await readFile(join(folder, 'tls.crt')).catch(() => undefined);
      const leaf = pem === undefined ? undefined : new X509Certificate(pem);
      if (leaf !== undefined && wanted(leaf)) return leaf;
      if (this.#daemon?.exitCode !== null) break;
      await sleep(50);
    }
    throw new Error(`${folder} holds no certificate as it was waited for; mtlsd said:\n${this.#log}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const daemon = this.#daemon;
    if (daemon?.exitCode === null) {
      const ended = once(daemon, 'close');
      daemon.kill('SIGTERM');
      await ended;
    }
    await rm(this.#root, { recursive: true, force: true });
  }
}

/** One side of a federation: an mtlsd of one trust domain, and its workloads. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FolderRotations } from '../rotation-live/folder-rotations.ts';
import type { Command } from '../standalone/command.ts';
import { identity, Sandbox, trustDomain } from '../standalone/sandbox.ts';
import type { Outcome, Peer } from './peers/peer.ts';

/** An mtlsd of one trust domain, with its API. */
export class Side implements AsyncDisposable {
  readonly name: string;
  readonly endpoint: object;
  readonly bundleUrl: string;
  readonly endpointId: string;
  readonly rotations: FolderRotations;
  readonly #box = new Sandbox();
  readonly #port: number;
  readonly #bounds: object;
  #process: Command | undefined;

  /** @param bounds the trust domain's `spec.rotation` */
  constructor(name: string, port: number, bounds: object = { propagationBound: '10s' }) {
    this.name = name;
    this.rotations = new FolderRotations(this.#box);
    this.#port = port;
    this.#bounds = bounds;
    this.bundleUrl = `https://127.0.0.1:${port}/v1/trust-domains/${name}/bundle`;
    this.endpointId = `spiffe://${name}/ns/mtlsd-system/sa/mtlsd-api`;
    this.endpoint = identity('mtlsd-api', {}, { namespace: 'mtlsd-system' });
  }

  /** Starts it with these workloads, each with the trust domains that it talks to. */
  async start(workloads: Readonly<Record<string, readonly string[]>>): Promise<void> {
    this.federate([]);
    const identities = Object.entries(workloads).map(([name, federatesWith]) => identity(name, { federatesWith }));
    this.#box.write('identities.yaml', this.endpoint, ...identities);
    this.#begin();
    for (const name of Object.keys(workloads)) await this.#box.issued(name);
    await this.#box.issued('mtlsd-api', 'mtlsd-system');
  }

  #begin(): void {
    this.#process = this.#box.start('--api-listen', `127.0.0.1:${this.#port}`);
  }

  /** SIGKILL, and another process. */
  async kill(): Promise<void> {
    await this.#process?.stop('SIGKILL');
    this.#begin();
  }

  /** Has it federate with these and no others. */
  federate(peers: readonly object[]): void {
    this.#box.write('domain.yaml', trustDomain(this.name, { federatesWith: peers, rotation: this.#bounds }));
  }

  folder(workload: string): string {
    return join(this.#box.out, 'identities/shop', workload);
  }

  id(workload: string): string {
    return `spiffe://${this.name}/ns/shop/sa/${workload}`;
  }

  file(workload: string, name: string): string {
    return readFileSync(join(this.folder(workload), name), 'utf8');
  }

  roots(): string {
    return readFileSync(join(this.#box.out, 'identities/mtlsd-system/mtlsd-api/ca.crt'), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#box[Symbol.asyncDispose]();
  }
}

/** How a trust domain names another one. */
export function peerEntry(name: string, url: string, endpointSPIFFEID: string, bootstrapBundle: string): object {
  return { trustDomain: name, bundleEndpoint: { url, profile: 'https_spiffe', endpointSPIFFEID, bootstrapBundle } };
}

export interface Workload {
  readonly folder: string;
  readonly spiffeId: string;
}

/** What both ends saw of one handshake. */
export async function shake(server: readonly [Peer, Workload], client: readonly [Peer, Workload]): Promise<readonly [Outcome, Outcome]> {
  await using serving = await server[0].serve(server[1].folder, client[1].spiffeId);
  await using dialing = await client[0].dial(client[1].folder);
  const outcome = await dialing.dial(serving.port, server[1].spiffeId, '1.3');
  return [await serving.next(), outcome];
}

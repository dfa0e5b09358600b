/** A handful of workloads on `openssl s_server` and `s_client`: a process for each handshake, which reads what is delivered then. */
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { openSslPeer } from '../conformance/peers/openssl.ts';
import type { Client, Server } from '../conformance/peers/peer.ts';
import type { Refusal } from './fleet.ts';

const pauseMs = 250;

/** One of these workloads: a server that admits the next one in the circle, and a client. */
interface Peer {
  readonly name: string;
  readonly server: Server;
  readonly client: Client;
}

/** Handshakes of OpenSSL with itself and with servers of the fleet, one after the other until it is disposed of. */
export class OpenSslPeers implements AsyncDisposable {
  ok = 0;
  readonly failed: Refusal[] = [];
  readonly #trustDomain: string;
  readonly #peers: readonly Peer[];
  readonly #abort = new AbortController();
  readonly #going: Promise<void>;

  private constructor(trustDomain: string, peers: readonly Peer[], fleet: Readonly<Record<string, number>>) {
    this.#trustDomain = trustDomain;
    this.#peers = peers;
    this.#going = this.#go(Object.entries(fleet));
  }

  /**
   * @param names workloads that no other process plays
   * @param fleet ports of the others, by name
   */
  static async start(delivered: string, trustDomain: string, names: readonly string[], fleet: Readonly<Record<string, number>>): Promise<OpenSslPeers> {
    const peers = names.map(async (name, index) => {
      const next = names[(index + 1) % names.length] ?? name;
      const folder = join(delivered, name);
      return { name, server: await openSslPeer.serve(folder, idOf(trustDomain, next)), client: await openSslPeer.dial(folder) };
    });
    return new OpenSslPeers(trustDomain, await Promise.all(peers), fleet);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#going;
    for (const { server } of this.#peers) await server[Symbol.asyncDispose]();
  }

  async #go(fleet: readonly (readonly [name: string, port: number])[]): Promise<void> {
    const { signal } = this.#abort;
    // What servers see is not waited for: a client that was refused says so itself.
    for (let turn = 0; !signal.aborted; turn += 1) {
      const peer = this.#at(turn);
      const before = this.#at(turn + this.#peers.length - 1);
      await this.#dial(peer, before.name, before.server.port, turn);
      const [other, port] = fleet[(turn * 7919) % fleet.length] ?? [before.name, 0];
      await this.#dial(peer, other, port, turn);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #at(turn: number): Peer {
    return this.#peers[turn % this.#peers.length] as Peer;
  }

  async #dial({ name, client }: Peer, server: string, port: number, turn: number): Promise<void> {
    const outcome = await client.dial(port, idOf(this.#trustDomain, server), turn % 2 === 0 ? '1.3' : '1.2');
    if (outcome.ok) this.ok += 1;
    else this.failed.push({ client: name, server, reason: outcome.reason, leafRoot: '', roots: [] });
  }
}

function idOf(trustDomain: string, name: string): string {
  return `spiffe://${trustDomain}/ns/live/sa/${name}`;
}

/**
 * Workloads on Node's `tls` in one process, with files that the kubelet of the Go fleet delivers. Asked like that one:
 * `start`, `shake` and `report`, one JSON object a line.
 */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect, createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AddressInfo } from 'node:net';
import { readIdentity, spiffeIdOf } from '../conformance/identity-folder.ts';
import type { FleetSettings, Refusal } from './fleet.ts';

const pollMs = 50;
/** Generous: a machine that is busy is not a peer that refuses. */
const handshakeTimeoutMs = 30_000;

/** What a workload has loaded: all of it from one delivery. */
interface Snapshot {
  readonly delivery: string;
  readonly context: SecureContext;
  readonly key: string;
  readonly chain: string;
  readonly anchors: string;
  readonly leafRoot: string;
  readonly roots: readonly string[];
}

const counts = { ok: 0, crossed: 0, restarts: 0, slowestReloadMs: 0, failed: [] as Refusal[], refused: [] as Refusal[] };
const late = new Set<string>();

/** Issuing authorities are signed by roots whose common name bears the start of their key identifier. */
function shortName(distinguishedName: string): string {
  return /CN=mtlsd root ([0-9a-f]{8})/.exec(distinguishedName)?.[1] ?? distinguishedName;
}

function certificatesIn(pem: string): readonly X509Certificate[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g)?.map((text) => new X509Certificate(text)) ?? [];
}

class Workload {
  readonly name: string;
  readonly #settings: FleetSettings;
  readonly #reloadMs: number;
  readonly #folder: string;
  readonly #server: Server;
  #current: Snapshot;
  #seen: string;
  #seenAtMs = 0;

  constructor(settings: FleetSettings, name: string, reloadMs: number) {
    this.#settings = settings;
    this.name = name;
    this.#reloadMs = reloadMs;
    this.#folder = join(settings.delivered, name);
    this.#current = this.#read();
    this.#seen = this.#current.delivery;
    const { key, chain, anchors } = this.#current;
    this.#server = createServer({ key, cert: chain, ca: anchors, requestCert: true, rejectUnauthorized: true, handshakeTimeout: handshakeTimeoutMs });
    this.#server.on('tlsClientError', (error) => this.#refuse(error.message));
    this.#server.on('secureConnection', (socket) => void this.#answer(socket));
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  get current(): Snapshot {
    return this.#current;
  }

  /** Notices a delivery, and loads it when its time has come. */
  look(nowMs: number): void {
    const delivery = readlinkSync(join(this.#folder, '..data'));
    if (delivery !== this.#seen) {
      if (this.#seen === this.#current.delivery) this.#seenAtMs = nowMs;
      this.#seen = delivery;
    }
    const afterMs = nowMs - this.#seenAtMs;
    if (this.#seen === this.#current.delivery || afterMs < this.#reloadMs) return;
    counts.slowestReloadMs = Math.max(counts.slowestReloadMs, Math.round(afterMs));
    if (afterMs > this.#settings.consumerReloadMs) late.add(this.name);
    this.load();
  }

  /** Takes what is delivered at this moment. */
  load(): void {
    this.#current = this.#read();
    this.#seen = this.#current.delivery;
    const { key, chain, anchors } = this.#current;
    this.#server.setSecureContext({ key, cert: chain, ca: anchors });
  }

  /** One handshake, counted. */
  async dial(server: string, port: number): Promise<void> {
    const own = this.#current;
    try {
      if (own.leafRoot !== (await this.#converse(own, server, port))) counts.crossed += 1;
      counts.ok += 1;
    } catch (error) {
      counts.failed.push({ client: this.name, server, reason: error instanceof Error ? error.message : String(error), leafRoot: own.leafRoot, roots: own.roots });
    }
  }

  async #converse(own: Snapshot, server: string, port: number): Promise<string> {
    // SPIFFE-16: the SPIFFE ID says who a server is, not its host name.
    const socket = connect({ host: '127.0.0.1', port, secureContext: own.context, checkServerIdentity: () => undefined, timeout: handshakeTimeoutMs });
    socket.once('timeout', () => socket.destroy(new Error('no answer in time')));
    try {
      await once(socket, 'secureConnect');
      const peer = socket.getPeerCertificate(true);
      const id = spiffeIdOf(new X509Certificate(peer.raw));
      if (id !== this.#id(server)) throw new Error(`the server is ${id ?? 'without a SPIFFE ID'}`);
      socket.write(`${this.name}\n`);
      const reply = await line(socket);
      if (reply !== reversed(this.name)) throw new Error(`the server answered "${reply}"`);
      return /mtlsd root ([0-9a-f]{8})/.exec(String(peer.issuerCertificate.issuer.CN))?.[1] ?? '';
    } finally {
      socket.on('error', () => undefined);
      socket.destroy();
    }
  }

  async #answer(socket: TLSSocket): Promise<void> {
    socket.on('error', () => undefined);
    const name = await line(socket).catch(() => '');
    const id = spiffeIdOf(new X509Certificate(socket.getPeerCertificate().raw));
    if (name !== 'ping' && id !== this.#id(name)) {
      if (name !== '') this.#refuse(`a peer calls itself ${name} and is ${id ?? 'without a SPIFFE ID'}`);
      socket.destroy();
    } else socket.end(`${reversed(name)}\n`);
  }

  #refuse(reason: string): void {
    const { leafRoot, roots } = this.#current;
    counts.refused.push({ server: this.name, reason, leafRoot, roots });
  }

  #id(name: string): string {
    return `spiffe://${this.#settings.trustDomain}/ns/live/sa/${name}`;
  }

  #read(): Snapshot {
    const { folder, key, chain, roots: anchors } = readIdentity(this.#folder);
    const issuing = certificatesIn(chain).at(-1);
    return {
      delivery: folder.slice(folder.lastIndexOf('/') + 1),
      key,
      chain,
      anchors,
      context: createSecureContext({ key, cert: chain, ca: anchors }),
      leafRoot: shortName(issuing?.issuer ?? ''),
      roots: certificatesIn(anchors).map((root) => shortName(root.subject)).sort(),
    };
  }
}

function reversed(text: string): string {
  return text.split('').reverse().join('');
}

async function line(socket: TLSSocket): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.endsWith('\n')) break;
  }
  return text.trimEnd();
}

let fleet: readonly Workload[] = [];

function pick<T>(from: readonly T[]): T {
  return from[Math.floor(Math.random() * from.length)] as T;
}

async function start(settings: FleetSettings): Promise<object> {
  while (!settings.delivery.every(({ name }) => existsSync(join(settings.delivered, name, '..data')))) await sleep(pollMs);
  fleet = settings.workloads.map(({ name, reloadMs }) => new Workload(settings, name, reloadMs));
  const ports: Record<string, number> = {};
  for (const workload of fleet) ports[workload.name] = await workload.listen();
  let debt = 0;
  setInterval(() => {
    for (const workload of fleet) workload.look(performance.now());
    for (debt += (settings.restartsPerSecond * pollMs) / 1000; debt >= 1; debt -= 1) {
      pick(fleet).load();
      counts.restarts += 1;
    }
  }, pollMs);
  return { ports };
}

function shake(peers: Readonly<Record<string, number>>, perSecond: number): object {
  const servers = Object.entries(peers);
  setInterval(() => void pick(fleet).dial(...pick(servers)), 1000 / perSecond);
  return {};
}

function report(): object {
  const [leaves, bundles]: Record<string, number>[] = [{}, {}];
  for (const { current } of fleet) {
    (leaves as Record<string, number>)[current.leafRoot] = (leaves?.[current.leafRoot] ?? 0) + 1;
    (bundles as Record<string, number>)[current.roots.length] = (bundles?.[current.roots.length] ?? 0) + 1;
  }
  const taken = { ...counts, late: [...late].sort(), slowestDeliverMs: 0, leaves, bundles };
  Object.assign(counts, { ok: 0, crossed: 0, restarts: 0, slowestReloadMs: 0, failed: [], refused: [] });
  return taken;
}

type Request = ({ readonly do: 'start' } & FleetSettings) | { readonly do: 'shake'; readonly peers: Record<string, number>; readonly perSecond: number } | { readonly do: 'report' };

async function answer(request: Request): Promise<object> {
  if (request.do === 'start') return start(request);
  return request.do === 'shake' ? shake(request.peers, request.perSecond) : report();
}

const lines = createInterface({ input: process.stdin });
lines.once('close', () => process.exit(0));
for await (const text of lines) process.stdout.write(`${JSON.stringify(await answer(JSON.parse(text) as Request))}\n`);

/** A proxy in front of a real API server that does to watches and calls what bad networks and busy servers do. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';

/** What to do with a request instead of passing it on. */
export type RequestFault =
  /** Answer in the server's place. */
  | { readonly answer: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Close the connection without an answer. */
  | 'reset'
  /** Never answer. */
  | 'hang'
  /** Pass it on, but close the connection in the place of the answer: the change has happened. */
  | 'lose-answer';

/** What to send in the place of one line of a watch; `end` and `reset` close the stream after it. */
export interface LineFault {
  readonly send: readonly string[];
  readonly after?: 'end' | 'reset' | 'stall';
  readonly delayMs?: number;
}

/** A request as a plan sees it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly accept: string;
}

/** The proxy. Plans can be changed at any time; undefined from a plan means: as it is. */
export class FaultProxy implements AsyncDisposable {
  onRequest: (seen: Seen) => RequestFault | undefined = () => undefined;
  /** Requests wait for it. */
  before: () => Promise<void> = async () => undefined;
  /** `line` is without its end. */
  onLine: (line: string, seen: Seen) => LineFault | undefined = () => undefined;
  /** Requests so far. */
  readonly seen: Seen[] = [];
  /** TCP connections that were opened so far. */
  connections = 0;
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();
  readonly #sockets = new Set<Socket>();
  readonly #upstream: { readonly origin: string; readonly agent: Agent };

  private constructor(origin: string, agent: Agent) {
    this.#upstream = { origin, agent };
    this.#server = createServer((incoming, outgoing) => {
      this.#handle(incoming, outgoing).catch(() => outgoing.destroy());
    });
    this.#server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(cluster: Cluster): Promise<FaultProxy> {
    const agent = new Agent({ ca: await readFile(cluster.caFile, 'utf8'), keepAlive: true });
    const proxy = new FaultProxy(cluster.server, agent);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Writes a kubeconfig that goes through the proxy. */
  async writeKubeconfig(path: string, token: string): Promise<string> {
    const cluster = { name: 'c', cluster: { server: this.url, 'insecure-skip-tls-verify': true } };
    const config = { clusters: [cluster], users: [{ name: 'u', user: { token } }], contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }], 'current-context': 'x' };
    await writeFile(path, JSON.stringify(config));
    return path;
  }

  /** Watches that are open now. */
  get openStreams(): number {
    return this.#streams.size;
  }

  /** Cuts every open watch, in the way given. */
  cutStreams(how: 'end' | 'reset'): void {
    for (const stream of this.#streams) {
      if (how === 'end') stream.end();
      else stream.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#upstream.agent.destroy();
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://proxy');
    const seen = { method: incoming.method ?? 'GET', path: url.pathname, query: url.searchParams, accept: incoming.headers.accept ?? '' };
    this.seen.push(seen);
    await this.before();
    const fault = this.onRequest(seen);
    if (fault === 'reset') return void outgoing.destroy();
    if (fault === 'hang') return;
    if (typeof fault === 'object') return void outgoing.writeHead(fault.answer, fault.headers).end(fault.body);
    const upstream = await this.#forward(incoming);
    if (fault === 'lose-answer') return void outgoing.destroy();
    outgoing.on('close', () => upstream.destroy());
    outgoing.writeHead(upstream.statusCode ?? 502, upstream.headers);
    if (seen.query.get('watch') === 'true' && upstream.statusCode === 200) return this.#watch(upstream, outgoing, seen);
    upstream.on('error', () => outgoing.destroy());
    upstream.pipe(outgoing);
  }

  async #forward(incoming: IncomingMessage): Promise<IncomingMessage> {
    const { origin, agent } = this.#upstream;
    const headers = { ...incoming.headers, host: undefined };
    const call = request(`${origin}${incoming.url ?? '/'}`, { method: incoming.method, headers: JSON.parse(JSON.stringify(headers)) as Record<string, string>, agent });
    incoming.pipe(call);
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    return response;
  }

  async #watch(upstream: IncomingMessage, outgoing: ServerResponse, seen: Seen): Promise<void> {
    this.#streams.add(outgoing);
    outgoing.flushHeaders();
    try {
      let rest = '';
      for await (const chunk of upstream.setEncoding('utf8')) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (!(await this.#relay(line, outgoing, seen))) return;
      }
      outgoing.end();
    } finally {
      this.#streams.delete(outgoing);
    }
  }

  /** False when the stream goes no further. */
  async #relay(line: string, outgoing: ServerResponse, seen: Seen): Promise<boolean> {
    const fault = this.onLine(line, seen) ?? { send: [`${line}\n`] };
    if (fault.delayMs !== undefined) await sleep(fault.delayMs);
    for (const text of fault.send) outgoing.write(text);
    if (fault.after === undefined) return true;
    if (fault.after === 'end') outgoing.end();
    if (fault.after === 'reset') {
      // What was written has to leave first.
      await sleep(20);
      outgoing.destroy();
    }
    if (fault.after === 'stall') await once(outgoing, 'close');
    return false;
  }
}

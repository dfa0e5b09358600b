/** A bare, pooled client of an API server: what a benchmark compares the product with, and loads it with. */
import { readFile } from 'node:fs/promises';
import { Pool } from 'undici';
import type { Cluster } from '../cluster/cluster.ts';

/** Any object on the wire. */
export interface WireObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid?: string; readonly resourceVersion?: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly [key: string]: unknown;
}

/** One line of a watch. */
interface WatchLine {
  readonly type: string;
  readonly object: WireObject;
}

/** Requests with a bearer token over eight kept connections; throws on any answer but 2xx. */
export class ApiClient implements AsyncDisposable {
  readonly #pool: Pool;
  readonly #watches: Pool;
  readonly #token: string;

  private constructor(server: string, ca: string, token: string) {
    this.#pool = new Pool(server, { connections: 8, connect: { ca } });
    this.#watches = new Pool(server, { connections: 16, connect: { ca }, bodyTimeout: 0, headersTimeout: 0 });
    this.#token = token;
  }

  static async of(cluster: Cluster): Promise<ApiClient> {
    return new ApiClient(cluster.server, await readFile(cluster.caFile, 'utf8'), cluster.adminToken);
  }

  async send(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<WireObject> {
    const headers = { authorization: `Bearer ${this.#token}`, accept: 'application/json', 'content-type': 'application/json' };
    const answer = await this.#pool.request({ method, path, headers, body: body === undefined ? null : JSON.stringify(body) });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 300)}`);
    return JSON.parse(text) as WireObject;
  }

  /** Calls `seen` with each object that is added or changed from now on, until `signal` aborts. Resolves when it listens. */
  async watch(path: string, seen: (object: WireObject, atMs: number) => void, signal: AbortSignal): Promise<void> {
    const list = await this.send('GET', `${path}?limit=1`);
    const query = `watch=true&resourceVersion=${list.metadata.resourceVersion ?? ''}&allowWatchBookmarks=false`;
    const answer = await this.#watches.request({ method: 'GET', path: `${path}?${query}`, headers: { authorization: `Bearer ${this.#token}` }, signal });
    void (async () => {
      let rest = '';
      for await (const chunk of answer.body) {
        const atMs = performance.now();
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines.filter((candidate) => candidate !== '')) {
          const { type, object } = JSON.parse(line) as WatchLine;
          if (type !== 'DELETED') seen(object, atMs);
        }
      }
    })().catch(() => undefined); // aborted
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#pool.destroy(), this.#watches.destroy()]);
  }
}

/** Runs `work` on every item, `width` at a time. */
export async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    }),
  );
}

import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { SinkRefusal, type AuditSink } from './sink.ts';

/** How lines are sent to an HTTP endpoint. */
export interface HttpSinkOptions {
  /** PEM of the roots that its certificate is verified by, read again for each request: roots are rotated. Undefined: those of the system. */
  readonly caFile: string | undefined;
  /** A file with a bearer token; read again for each request, so that it may change. */
  readonly tokenFile: string | undefined;
}

/** A collector that does not answer is down. */
const timeoutMs = 10_000;
/** Answers to what was sent rather than to who sends it: a body that is too large, or a line that is not to its taste. */
const refusals: ReadonlySet<number> = new Set([400, 413, 422]);

/**
 * Lines by POST, as `application/x-ndjson`, a batch a request, one request at a time. A batch counts as delivered by an answer of
 * 2xx; anything else, a redirect included, is a collector that is down, or one that refuses these lines.
 */
export class HttpSink implements AuditSink {
  readonly name: string;
  readonly #url: URL;
  readonly #files: HttpSinkOptions;
  #connection: { readonly ca: string | undefined; readonly agent: Agent } | undefined;

  private constructor(url: URL, files: HttpSinkOptions) {
    this.name = url.origin;
    this.#url = url;
    this.#files = files;
  }

  /** @throws what the disk says of the file of roots */
  static async open(url: URL, files: HttpSinkOptions): Promise<HttpSink> {
    const sink = new HttpSink(url, files);
    await sink.#agent();
    return sink;
  }

  async deliver(lines: readonly string[]): Promise<void> {
    const { tokenFile } = this.#files;
    const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim();
    const { statusCode, body } = await request(this.#url, {
      dispatcher: await this.#agent(),
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      body: `${lines.join('\n')}\n`,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      // One that takes the body a byte at a time is down too.
      signal: AbortSignal.timeout(3 * timeoutMs),
    });
    await body.dump();
    if (refusals.has(statusCode)) throw new SinkRefusal(`it answered ${statusCode}`);
    if (statusCode < 200 || statusCode > 299) throw new Error(`it answered ${statusCode}`);
  }

  close(): void {
    void this.#connection?.agent.destroy();
  }

  /** The connection to a collector that is verified by the roots of this moment. */
  async #agent(): Promise<Agent> {
    const { caFile } = this.#files;
    const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
    if (this.#connection !== undefined && this.#connection.ca === ca) return this.#connection.agent;
    await this.#connection?.agent.destroy();
    const agent = new Agent({ connections: 1, connect: { timeout: timeoutMs, ...(ca === undefined ? {} : { ca }) } });
    this.#connection = { ca, agent };
    return agent;
  }
}

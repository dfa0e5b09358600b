import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import type { AuditSink } from './sink.ts';

/** How lines are sent to an HTTP endpoint. */
export interface HttpSinkOptions {
  /** PEM of the roots that its certificate is verified by; undefined: those of the system. */
  readonly caFile: string | undefined;
  /** A file with a bearer token; read again for each request, so that it may change. */
  readonly tokenFile: string | undefined;
}

/** A collector that does not answer is down. */
const timeoutMs = 10_000;

/**
 * Lines by POST, as `application/x-ndjson`, a batch a request, one request at a time. A batch counts as delivered by an answer of
 * 2xx; anything else, a redirect included, is a collector that is down.
 */
export class HttpSink implements AuditSink {
  readonly name: string;
  readonly #url: URL;
  readonly #tokenFile: string | undefined;
  readonly #agent: Agent;

  private constructor(url: URL, tokenFile: string | undefined, ca: string | undefined) {
    this.name = url.origin;
    this.#url = url;
    this.#tokenFile = tokenFile;
    this.#agent = new Agent({ connections: 1, connect: { timeout: timeoutMs, ...(ca === undefined ? {} : { ca }) } });
  }

  static async open(url: URL, { caFile, tokenFile }: HttpSinkOptions): Promise<HttpSink> {
    return new HttpSink(url, tokenFile, caFile === undefined ? undefined : await readFile(caFile, 'utf8'));
  }

  async deliver(lines: readonly string[]): Promise<void> {
    const token = this.#tokenFile === undefined ? undefined : (await readFile(this.#tokenFile, 'utf8')).trim();
    const { statusCode, body } = await request(this.#url, {
      dispatcher: this.#agent,
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      body: `${lines.join('\n')}\n`,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    await body.dump();
    if (statusCode < 200 || statusCode > 299) throw new Error(`it answered ${statusCode}`);
  }

  close(): void {
    void this.#agent.destroy();
  }
}

import type { IncomingHttpHeaders } from 'undici/types/header.js';
import { Pool, ProxyAgent, type Dispatcher } from 'undici';
import { readAnswer, type Answer } from './answer-reader.ts';
import { tlsText, type Access, type Credentials } from './credentials.ts';
import { isCertificateError } from './failures.ts';

/** One request. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With its query, without the server. */
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  /** Default: JSON. */
  readonly accept?: string;
}

/** An answer whose body comes as it is made. An unfinished body has to be aborted by the caller's signal. */
export interface Stream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer> & { text(): Promise<string>; dump(): Promise<void> };
}

/** Bounds of the transport. */
export interface TransportLimits {
  /** Connections for calls; each watch has one more of its own. */
  readonly connections: number;
  /** A call that takes longer, waiting for a free connection included, fails. */
  readonly callTimeoutMs: number;
}

/** The connections that belong to one set of TLS settings. */
interface Lines {
  readonly tls: string;
  readonly calls: Dispatcher;
  readonly streams: Dispatcher;
}

/** Shorter than what load balancers and the API server allow an idle connection: who closes it should be us. */
const keepAliveMs = 30_000;
const connectTimeoutMs = 10_000;

/**
 * HTTP/1.1 over kept-alive TLS connections to one API server: a bounded pool for calls, and one connection a watch, so that
 * watches never take a call's place. Changed credentials are in use at once; changed TLS settings open new connections while
 * the old ones finish what they have. It throws what the network throws, and answers of any status are answers.
 */
export class Transport implements AsyncDisposable {
  readonly #credentials: Credentials;
  readonly #limits: TransportLimits;
  #lines: Lines | undefined;
  #closed = false;
  #server = '';

  constructor(credentials: Credentials, limits: TransportLimits) {
    this.#credentials = credentials;
    this.#limits = limits;
  }

  /** URL of the API server, once it was needed: for messages. */
  get server(): string {
    return this.#server;
  }

  /** The answer, read whole. A reading that lost its connection is tried once more. */
  async call(call: Call): Promise<Answer> {
    const attempt = async (access: Access): Promise<Answer> => readAnswer(this.#linesFor(access).calls, requestOptions(access, call), this.#limits.callTimeoutMs);
    return this.#withAccess(async (access) => {
      try {
        return await attempt(access);
      } catch (error) {
        // The server may close an idle connection just as we use it. Changes are left to the caller: they may have happened.
        if (call.method !== 'GET' || !isLostConnection(error)) throw error;
        return attempt(access);
      }
    });
  }

  /** Starts an answer that goes on. Nothing for `idleTimeoutMs` is a failure of the body. */
  async stream(call: Call, idleTimeoutMs: number, signal: AbortSignal): Promise<Stream> {
    return this.#withAccess(async (access) => {
      const { statusCode, headers, body } = await this.#linesFor(access).streams.request({
        ...requestOptions(access, call),
        signal,
        headersTimeout: this.#limits.callTimeoutMs,
        bodyTimeout: idleTimeoutMs,
      });
      return { status: statusCode, headers, body };
    });
  }

  /** Ends all connections; what is under way fails. */
  async close(): Promise<void> {
    this.#closed = true;
    const lines = this.#lines;
    this.#lines = undefined;
    await Promise.all([lines?.calls.destroy(), lines?.streams.destroy()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A refusal of the credentials is answered with newer ones, if there are any, once. */
  async #withAccess<T extends { readonly status: number; readonly body?: Stream['body'] }>(attempt: (access: Access) => Promise<T>): Promise<T> {
    const access = await this.#credentials.current();
    try {
      const answer = await attempt(access);
      if (answer.status !== 401 || !(await this.#credentials.renew(access))) return answer;
      await answer.body?.dump();
    } catch (error) {
      if (!isCertificateError(error) || !(await this.#credentials.renew(access))) throw error;
    }
    return attempt(await this.#credentials.current());
  }

  #linesFor(access: Access): Lines {
    if (this.#closed) throw new Error('the transport is closed');
    const { tls } = placeOf(access);
    if (this.#lines?.tls === tls) return this.#lines;
    const old = this.#lines;
    this.#server = access.server;
    this.#lines = { tls, calls: openPool(access, this.#limits.connections), streams: openPool(access, null) };
    // Both finish what they have: a watch on an old connection ends with its own time-out.
    void old?.calls.close();
    void old?.streams.close();
    return this.#lines;
  }
}

/** What follows from an access alone. */
interface Place {
  /** What distinguishes its connections from others. */
  readonly tls: string;
  readonly origin: string;
  /** Of each path. */
  readonly prefix: string;
}

const places = new WeakMap<Access, Place>();

/** Computed once for each access: it is asked for at each request. */
function placeOf(access: Access): Place {
  const known = places.get(access);
  if (known !== undefined) return known;
  const { origin, pathname } = new URL(access.server);
  const place = { tls: `${access.server} ${access.proxyUrl ?? ''} ${tlsText(access.tls)}`, origin, prefix: pathname === '/' ? '' : pathname };
  places.set(access, place);
  return place;
}

function openPool(access: Access, connections: number | null): Dispatcher {
  const { origin } = placeOf(access);
  const tls = access.tls as Record<string, unknown>;
  const options = { allowH2: false, pipelining: 1, keepAliveTimeout: keepAliveMs, keepAliveMaxTimeout: keepAliveMs, connections };
  const connect = { timeout: connectTimeoutMs, keepAlive: true, keepAliveInitialDelay: keepAliveMs };
  if (access.proxyUrl === undefined) return new Pool(origin, { ...options, connect: { ...connect, ...tls } });
  return new ProxyAgent({ ...options, uri: access.proxyUrl, connect, requestTls: tls });
}

function requestOptions(access: Access, call: Call): Dispatcher.RequestOptions {
  const { origin, prefix } = placeOf(access);
  return {
    origin,
    path: prefix + call.path,
    method: call.method,
    headers: {
      ...access.headers,
      accept: call.accept ?? 'application/json',
      'user-agent': 'mtlsd',
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: call.body ?? null,
  };
}

function isLostConnection(error: unknown): boolean {
  const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

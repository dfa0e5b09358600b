import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { TLSSocket } from 'node:tls';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector, request } from 'undici';
import { isMtlsdError } from '../../errors/index.ts';

/** What a server may be, and how it is recognised. */
export interface ServerOptions {
  /** Whether it may have an address that is not public: whoever fetches must not become a way into its own network. */
  readonly privateAddresses: boolean;
  /** Certificates that it is verified with, PEM, instead of the system's. */
  readonly ca: string | undefined;
  /** Judges it by what it presents, instead of the authorities that are trusted for names; throws what the request fails with. */
  readonly judge?: (socket: TLSSocket) => void;
}

/** Bounds of one request. */
export interface GetBounds {
  readonly bytesMax: number;
  /** For all of it, milliseconds. */
  readonly timeoutMs: number;
  readonly accept: string;
  readonly signal?: AbortSignal;
}

/** An answer, its body whole. */
export interface GetAnswer {
  readonly status: number;
  /** Names in lower case; the first of several values. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** Why there is no answer: `what` for programs, the message for people. */
export class GetFailure extends Error {
  readonly what: 'not-public' | 'too-large' | 'late' | 'untrusted' | 'unreachable';
  constructor(what: GetFailure['what'], message: string, cause?: unknown) {
    super(message, { cause });
    this.what = what;
  }
}

/** Connections of their own to servers of one sort. */
export function connectionsTo(server: ServerOptions): Agent {
  return new Agent({ connections: 2, pipelining: 1, maxHeaderSize: 16_384, connect: connectorTo(server) });
}

function connectorTo({ privateAddresses, ca, judge }: ServerOptions): buildConnector.connector {
  const connect = buildConnector({ ...(privateAddresses ? {} : { lookup: publicLookup }), ...(ca === undefined ? {} : { ca }), ...(judge === undefined ? {} : { rejectUnauthorized: false }) });
  if (judge === undefined) return connect;
  return (options, callback) => {
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      try {
        judge(socket as TLSSocket);
      } catch (why) {
        socket.destroy();
        return callback(why as Error, null);
      }
      return callback(null, socket);
    });
  };
}

/**
 * Gets a document. Redirects are never followed, nothing is sent that identifies us.
 * @throws GetFailure; what `judge` throws
 */
export async function boundedGet(agent: Agent, server: ServerOptions, url: string, bounds: GetBounds): Promise<GetAnswer> {
  const host = new URL(url).hostname.replace(/^\[|\]$/gu, '');
  // An address in place of a name is never looked up, so it is judged here.
  if (!server.privateAddresses && isIP(host) !== 0 && !isPublic(host)) throw notPublic(url);
  const timeout = AbortSignal.timeout(bounds.timeoutMs);
  const signal = bounds.signal === undefined ? timeout : AbortSignal.any([timeout, bounds.signal]);
  try {
    const { statusCode, headers, body } = await request(url, { dispatcher: agent, signal, headers: { accept: bounds.accept } });
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > bounds.bytesMax) throw new GetFailure('too-large', `${url} answers with more than ${bounds.bytesMax} bytes`);
      chunks.push(chunk);
    }
    return { status: statusCode, headers: single(headers), body: Buffer.concat(chunks).toString('utf8') };
  } catch (error) {
    if (signal.aborted) throw new GetFailure('late', `${url} does not answer within ${bounds.timeoutMs / 1000} s`, error);
    throw failureOf(url, error);
  }
}

function failureOf(url: string, error: unknown): unknown {
  if (error instanceof GetFailure || isMtlsdError(error)) return error; // what `judge` says
  const { code } = error as NodeJS.ErrnoException;
  if (code === notPublicCode) return notPublic(url);
  if (code !== undefined && certificateTroubles.test(code)) return new GetFailure('untrusted', `${url} shows a certificate that is not trusted (${code})`, error);
  return new GetFailure('unreachable', `${url} cannot be reached (${code ?? 'unknown error'})`, error);
}

/** How Node names what OpenSSL finds wrong with a certificate, and what it finds wrong with its names itself. */
const certificateTroubles = /CERT|SIGNATURE|ISSUER|CRL|CA_|PATH_LENGTH|INVALID_PURPOSE|HOSTNAME_MISMATCH/u;

function single(headers: Readonly<Record<string, string | string[] | undefined>>): GetAnswer['headers'] {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value[0] : value]));
}

const notPublicCode = 'EADDRNOTPUBLIC';

function notPublic(url: string): GetFailure {
  return new GetFailure('not-public', `${new URL(url).hostname} has no public address`);
}

/** Resolves a name to its public addresses only: also when a name is pointed elsewhere between two requests. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  const all: LookupOptions = { ...options, all: true };
  systemLookup(hostname, all, (error, found) => {
    const addresses = (found as unknown as readonly LookupAddress[] | undefined)?.filter(({ address }) => isPublic(address)) ?? [];
    const [first] = addresses;
    if (error !== null) callback(error, []);
    else if (first === undefined) callback(Object.assign(new Error('no public address'), { code: notPublicCode }), []);
    else if (options.all === true) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  });
};

/** Whether an address is reachable from anywhere: not loopback, private, link-local, shared, multicast or reserved. */
function isPublic(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';
}

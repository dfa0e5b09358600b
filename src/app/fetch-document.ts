import { lookup as systemLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, request } from 'undici';
import { MtlsdError } from '../errors/index.ts';
import type { FetchDocument, FetchedDocument } from '../tokens/index.ts';

/** What one issuer's server may be. */
export interface FetchOptions {
  /** Whether it may have an address that is not public: a strict verifier must not become a way into its own network. */
  readonly privateAddresses: boolean;
  /** Certificates that its server is verified with, PEM, instead of the system's. */
  readonly ca: string | undefined;
}

/** Documents of other issuers over HTTP, and the connections that they come over. */
export interface DocumentFetcher extends AsyncDisposable {
  readonly fetchDocument: FetchDocument;
}

/** Opens a fetcher with connections of its own. Redirects are never followed, nothing is sent that identifies us. */
export function documentFetcher(options: FetchOptions): DocumentFetcher {
  const agent = new Agent({
    connections: 2,
    pipelining: 1,
    maxHeaderSize: 16_384,
    connect: { ...(options.privateAddresses ? {} : { lookup: publicLookup }), ...(options.ca === undefined ? {} : { ca: options.ca }) },
  });
  return {
    fetchDocument: (url, bounds) => get(agent, options, url, bounds),
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

async function get(agent: Agent, options: FetchOptions, url: string, bounds: { readonly bytesMax: number; readonly timeoutMs: number }): Promise<FetchedDocument> {
  const host = new URL(url).hostname.replace(/^\[|\]$/gu, '');
  // An address in place of a name is never looked up, so it is judged here.
  if (!options.privateAddresses && isIP(host) !== 0 && !isPublic(host)) throw unavailable(notPublic(url));
  const signal = AbortSignal.timeout(bounds.timeoutMs);
  try {
    const { statusCode, headers, body } = await request(url, { dispatcher: agent, signal, headers: { accept: 'application/json, application/jwk-set+json' } });
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > bounds.bytesMax) throw unavailable(`${url} answers with more than ${bounds.bytesMax} bytes`);
      chunks.push(chunk);
    }
    return { status: statusCode, headers: single(headers), body: Buffer.concat(chunks).toString('utf8') };
  } catch (error) {
    if (error instanceof MtlsdError) throw error;
    throw unavailable(signal.aborted ? `${url} does not answer within ${bounds.timeoutMs / 1000} s` : `${url} cannot be reached (${codeOf(error)})`, error);
  }
}

function single(headers: Readonly<Record<string, string | string[] | undefined>>): FetchedDocument['headers'] {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value[0] : value]));
}

const notPublicCode = 'EADDRNOTPUBLIC';

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

function notPublic(url: string): string {
  return `${new URL(url).hostname} has no public address: allow private addresses for this issuer if that is meant`;
}

function codeOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === notPublicCode ? 'it has no public address: allow private addresses for this issuer if that is meant' : (code ?? 'unknown error');
}

function unavailable(message: string, cause?: unknown): MtlsdError<'TOKEN_KEYS_UNAVAILABLE'> {
  return new MtlsdError('TOKEN_KEYS_UNAVAILABLE', message, { cause });
}

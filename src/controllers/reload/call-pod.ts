import { request as requestHttp, type ClientRequest } from 'node:http';
import { request as requestHttps, type RequestOptions } from 'node:https';
import type { PeerCertificate } from 'node:tls';

/** One call to a pod. */
export interface PodCall {
  /** The pod's own address. */
  readonly ip: string;
  readonly port: number;
  readonly path: string;
  /** JSON: what has happened. Nothing that is secret. */
  readonly body: string;
  /** For HTTPS: which roots, and which SPIFFE ID the pod has to show; undefined: plain HTTP. */
  readonly trust: { readonly caPem: string; readonly spiffeId: string } | undefined;
  /** Ends the call at once. */
  readonly signal: AbortSignal;
}

/** Calls a pod. Returns why it was in vain, or undefined when the pod took it. Never throws. */
export type CallPod = (call: PodCall) => Promise<string | undefined>;

const headerBytesMax = 8_192;
/** Of what an error says. */
const messageMax = 200;

/**
 * One POST to a pod, of which nothing but the status of the answer is read: the connection is closed before a body comes. It
 * follows nobody anywhere: no redirects, no proxies, no names that are looked up, no credentials.
 * @param patienceMs from the first packet to the head of the answer
 */
export function podCaller(patienceMs = 5_000): CallPod {
  return async (call) => {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const patience = AbortSignal.timeout(patienceMs);
    const request = open(call, AbortSignal.any([call.signal, patience]));
    request.on('response', ({ statusCode = 0 }) => {
      resolve(judge(statusCode));
      request.destroy();
    });
    request.on('error', (error) => resolve(patience.aborted ? `no answer within ${patienceMs / 1000}s` : reasonOf(error)));
    request.on('close', () => resolve('the connection was closed without an answer'));
    request.end(call.body);
    return promise;
  };
}

function open({ ip, port, path, body, trust }: PodCall, signal: AbortSignal): ClientRequest {
  const options: RequestOptions = {
    host: ip,
    port,
    path,
    method: 'POST',
    agent: false,
    signal,
    maxHeaderSize: headerBytesMax,
    headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), 'User-Agent': 'mtlsd', Connection: 'close' },
  };
  if (trust === undefined) return requestHttp(options);
  return requestHttps({ ...options, ca: trust.caPem, rejectUnauthorized: true, checkServerIdentity: (_host, certificate) => whyAnother(certificate, trust.spiffeId) });
}

/** SPIFFE-6: the peer is who its URI says, whatever its address. */
function whyAnother({ subjectaltname = '' }: PeerCertificate, spiffeId: string): Error | undefined {
  return subjectaltname.split(', ').includes(`URI:${spiffeId}`) ? undefined : new Error(`it does not present a certificate of ${spiffeId}`);
}

function judge(status: number): string | undefined {
  if (status >= 200 && status < 300) return undefined;
  return status >= 300 && status < 400 ? `it answered ${status}, and redirects are not followed` : `it answered ${status}`;
}

/** What a peer made an error say may hold anything: one short line of it. */
function reasonOf(error: Error): string {
  return error.message.replaceAll(/[^\x20-\x7e]+/gu, ' ').slice(0, messageMax);
}

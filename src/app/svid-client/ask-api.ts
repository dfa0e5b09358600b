import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { catalogue, MtlsdError } from '../../errors/index.ts';

/** Where and as whom an SVID is asked for. */
export interface SvidServer {
  /** https://… */
  readonly api: string;
  /** Certificates that the server is verified with, PEM, for one request: its root is rotated like any other. Undefined: the system's. */
  readonly ca: () => Promise<string | undefined>;
  /** File with the token that says who asks: read for each request, as it is renewed beside us. */
  readonly tokenFile: string;
  readonly identity: string | undefined;
  /** How long certificates are to live. */
  readonly ttl: string | undefined;
}

const timeoutMs = 15_000;
const answerBytesMax = 1024 * 1024;

/**
 * Posts `body` to a route that signs, with the identity that `server` names. What comes back is parsed and nothing more: `read`
 * says whether it is what was asked for.
 * @throws MtlsdError API_REFUSED when the answer is no, API_UNREACHABLE when trying again may help, CONFIGURATION_INVALID
 */
export async function askApi<Answer>(server: SvidServer, route: string, body: object, read: (answer: unknown) => Answer | undefined): Promise<Answer> {
  const headers = { authorization: `Bearer ${await readToken(server.tokenFile)}`, 'content-type': 'application/json' };
  const text = await send(server, route, { method: 'POST', headers, body: JSON.stringify({ ...body, identity: server.identity }) });
  const answer = read(parsed(text));
  if (answer === undefined) throw strange(server.api, 'its answer is no SVID');
  return answer;
}

/** Gets a document that anybody may have. @throws MtlsdError API_REFUSED, API_UNREACHABLE, CONFIGURATION_INVALID */
export async function getFromApi(server: SvidServer, route: string): Promise<string> {
  return send(server, route, { method: 'GET', headers: { accept: 'application/json' } });
}

/**
 * When to ask again. Whatever the API says, there is time for another try before the end.
 * @param asked what the API says, RFC 3339; the rest, and what is returned, in milliseconds since the epoch
 */
export function refreshTimeMs(asked: string, nowMs: number, endMs: number): number {
  const latestMs = nowMs + 0.8 * (endMs - nowMs);
  const askedMs = Date.parse(asked);
  return Number.isFinite(askedMs) ? Math.min(Math.max(askedMs, nowMs + 1_000), latestMs) : latestMs;
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new MtlsdError('CONFIGURATION_INVALID', `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}): name the file of the token.`, { details: { option: '--token-file' }, cause: error });
  }
}

type Sent = { readonly method: 'GET' | 'POST'; readonly headers: Readonly<Record<string, string>>; readonly body?: string };

async function send({ api, ca: rootsNow }: SvidServer, route: string, sent: Sent): Promise<string> {
  const ca = await rootsNow();
  // A connection each time: replicas that stand by are left for another one.
  const agent = new Agent({ connections: 1, connect: ca === undefined ? {} : { ca } });
  try {
    const { statusCode, headers, body: stream } = await request(new URL(route, api), { ...sent, dispatcher: agent, signal: AbortSignal.timeout(timeoutMs) });
    const text = await bounded(stream as AsyncIterable<Buffer>, api);
    if (statusCode === 200) return text;
    throw refusal(api, statusCode, text, Number(headers['retry-after']));
  } catch (error) {
    if (error instanceof MtlsdError) throw error;
    throw new MtlsdError('API_UNREACHABLE', `${api} cannot be asked: ${reasonOf(error)}.`, { details: { api }, cause: error });
  } finally {
    await agent.destroy();
  }
}

async function bounded(stream: AsyncIterable<Buffer>, api: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > answerBytesMax) throw strange(api, 'it answers with more than an SVID');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refusal(api: string, status: number, text: string, retryAfterSeconds: number): MtlsdError {
  const { code = `HTTP ${status}`, detail = 'no reason is given' } = problemOf(text);
  const retryAfterMs = Number.isFinite(retryAfterSeconds) ? { retryAfterMs: Math.min(retryAfterSeconds, 3_600) * 1000 } : {};
  if (status >= 500 || status === 429) return new MtlsdError('API_UNREACHABLE', `${api} cannot answer now: ${code}: ${detail}`, { details: { api }, ...retryAfterMs });
  return new MtlsdError('API_REFUSED', `${api} refuses: ${code}: ${detail}`, { details: { api } });
}

function problemOf(text: string): { readonly code?: string; readonly detail?: string } {
  const { code, detail } = (parsed(text) ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  return { ...(typeof code === 'string' && Object.hasOwn(catalogue, code) ? { code } : {}), ...(typeof detail === 'string' ? { detail } : {}) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What answered is something else. */
export function strange(api: string, what: string): MtlsdError<'API_ANSWER_STRANGE'> {
  return new MtlsdError('API_ANSWER_STRANGE', `${api} is not an API of mtlsd, or something stands between: ${what}.`, { details: { api } });
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000}s`;
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined ? message : (knownReasons[code] ?? code);
}

const notVouchedFor = 'the roots that are given do not vouch for its certificate: check --ca-file, or that this is the API that you mean';
const knownReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: check the address, and that mtlsd runs with --api-listen',
  ECONNRESET: 'it broke the connection off: its certificate may not be there yet, or this port is no API',
  ENOTFOUND: 'its host is not known',
  EPROTO: 'it speaks no TLS, or has no certificate yet',
  UND_ERR_SOCKET: 'it broke the connection off',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: write the address as its WorkloadIdentity names it in dnsNames',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: notVouchedFor,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: notVouchedFor,
  SELF_SIGNED_CERT_IN_CHAIN: notVouchedFor,
  DEPTH_ZERO_SELF_SIGNED_CERT: notVouchedFor,
  CERT_SIGNATURE_FAILURE: notVouchedFor,
  CERT_HAS_EXPIRED: 'its certificate has expired: look at the WorkloadIdentity that it serves with, and at the clocks',
};

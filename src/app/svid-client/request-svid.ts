import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { catalogue, MtlsdError } from '../../errors/index.ts';
import { parseSpiffeId, validateX509Svid } from '../../spiffe/index.ts';
import { buildCertificateRequest, encodePem, generateKeyPair, parseCertificate, parsePem, verifySignature } from '../../x509/index.ts';

/** Where and as whom an SVID is asked for. */
export interface SvidServer {
  /** https://… */
  readonly api: string;
  /** Certificates that the server is verified with, PEM; undefined: the system's. */
  readonly ca: string | undefined;
  /** File with the token that says who asks: read for each request, as it is renewed beside us. */
  readonly tokenFile: string;
  readonly identity: string | undefined;
  readonly ttl: string | undefined;
}

/** An SVID with its key, PEM. Times in milliseconds since the epoch. */
export interface FetchedSvid {
  readonly spiffeId: string;
  readonly keyPem: string;
  readonly chainPem: string;
  readonly rootsPem: string;
  readonly bundleJson: string;
  readonly notAfterMs: number;
  readonly refreshAtMs: number;
}

interface Answer {
  readonly certificates: string;
  readonly refreshAt: string;
  readonly bundle: { readonly roots: string; readonly spiffe: string };
}

const timeoutMs = 15_000;
const answerBytesMax = 1024 * 1024;

/**
 * Makes a key and has the API certify it; the key leaves this process for the caller alone. What comes back is believed when
 * it is an SVID of that key which the roots beside it verify.
 * @throws MtlsdError API_REFUSED when the answer is no, API_UNREACHABLE when trying again may help, CONFIGURATION_INVALID
 */
export async function requestSvid(server: SvidServer, nowMs: () => number): Promise<FetchedSvid> {
  const [keyPair, token] = await Promise.all([generateKeyPair('ECDSAP256'), readToken(server.tokenFile)]);
  const csr = encodePem('CERTIFICATE REQUEST', buildCertificateRequest(keyPair));
  const answer = await ask(server, token, { csr, ...optional('identity', server.identity), ...optional('ttl', server.ttl) });
  return proven(answer, { spki: keyPair.publicKey.spki, keyPem: keyPair.privateKeyPem() }, nowMs());
}

function optional(name: string, value: string | undefined): object {
  return value === undefined ? {} : { [name]: value };
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new MtlsdError('CONFIGURATION_INVALID', `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}): name the file of the token.`, { details: { option: '--token-file' }, cause: error });
  }
}

async function ask({ api, ca }: SvidServer, token: string, body: object): Promise<Answer> {
  // A connection each time: replicas that stand by are left for another one.
  const agent = new Agent({ connections: 1, connect: ca === undefined ? {} : { ca } });
  try {
    const { statusCode, headers, body: stream } = await request(new URL('/v1/svids/x509', api), {
      method: 'POST',
      dispatcher: agent,
      signal: AbortSignal.timeout(timeoutMs),
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await bounded(stream as AsyncIterable<Buffer>, api);
    if (statusCode === 200) return parseAnswer(text, api);
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
  try {
    const { code, detail } = JSON.parse(text) as { readonly code?: unknown; readonly detail?: unknown };
    return { ...(typeof code === 'string' && Object.hasOwn(catalogue, code) ? { code } : {}), ...(typeof detail === 'string' ? { detail } : {}) };
  } catch {
    return {};
  }
}

function parseAnswer(text: string, api: string): Answer {
  try {
    const { certificates, refreshAt, bundle } = JSON.parse(text) as Answer;
    if ([certificates, refreshAt, bundle.roots, bundle.spiffe].every((part) => typeof part === 'string')) return { certificates, refreshAt, bundle };
  } catch {
    // What it is instead need not be told.
  }
  throw strange(api, 'its answer is no SVID');
}

function proven({ certificates, refreshAt, bundle }: Answer, { spki, keyPem }: { readonly spki: Uint8Array; readonly keyPem: string }, nowMs: number): FetchedSvid {
  const chain = certificatesIn(certificates);
  const [leaf] = chain;
  const uri = leaf?.subjectAltName?.uris[0];
  if (leaf === undefined || uri === undefined || !Buffer.from(leaf.publicKey.spki).equals(spki)) throw strange('the API', 'its answer is no SVID of the key that was sent');
  const spiffeId = parseSpiffeId(uri);
  const verdict = validateX509Svid(chain, { trustDomain: spiffeId.trustDomain, roots: certificatesIn(bundle.roots) }, { nowMs, verifySignature });
  if (!verdict.valid) throw strange('the API', `its SVID does not verify by its own roots: ${verdict.reasons.map(({ sentence }) => sentence).join('; ')}`);
  const asked = Date.parse(refreshAt);
  // Whatever it says, there is time for another try before the end.
  const latestMs = nowMs + 0.8 * (leaf.notAfterMs - nowMs);
  const refreshAtMs = Number.isFinite(asked) ? Math.min(Math.max(asked, nowMs + 1_000), latestMs) : latestMs;
  return { spiffeId: uri, keyPem, chainPem: certificates, rootsPem: bundle.roots, bundleJson: bundle.spiffe, notAfterMs: leaf.notAfterMs, refreshAtMs };
}

function certificatesIn(pem: string) {
  return parsePem(pem).map(({ der }) => parseCertificate(der));
}

function strange(api: string, what: string): MtlsdError<'API_ANSWER_STRANGE'> {
  return new MtlsdError('API_ANSWER_STRANGE', `${api} is not an API of mtlsd, or something stands between: ${what}.`, { details: { api } });
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000}s`;
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

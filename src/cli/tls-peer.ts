import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { MtlsdError } from '../errors/index.ts';
import { unusable } from './read-input.ts';
import { printable } from './terminal-text.ts';
import { readServerFlight } from './tls-handshake.ts';

/** Where a server is, and how it is spoken to. */
export interface TlsAddress {
  /** As it was given: `tls://cart.shop.svc:8443`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** What the server is asked for (SNI); undefined for an address that has no name. */
  readonly serverName: string | undefined;
}

/** PEM for the client's side: key and chain, which may be one text. */
export interface ClientIdentity {
  readonly key: string;
  readonly certificates: string;
}

/** What a server presented. */
export interface PresentedByPeer {
  readonly address: TlsAddress;
  /** DER, in its order. */
  readonly certificates: readonly Uint8Array[];
  readonly protocol: string;
  readonly cipher: string;
  readonly asksForCertificate: boolean;
  readonly gaveCertificate: boolean;
  /** Why the handshake ended after the server had presented its certificates; undefined when it was completed. */
  readonly brokenOff: string | undefined;
}

const scheme = 'tls://';
/** A server that needs longer than this for a handshake is one that its clients give up on. */
const handshakeTimeoutMs = 10_000;
/** A handshake is a few kilobytes; a peer that sends more before it ends has something else in mind. */
const receivedBytesMax = 256 * 1024;

/** Whether an argument names a server rather than a file. */
export function isTlsUrl(text: string): boolean {
  return text.toLowerCase().startsWith(scheme);
}

/** @throws MtlsdError `CONFIGURATION_INVALID` when it is not `tls://host:port` */
export function parseTlsUrl(url: string, serverName: string | undefined): TlsAddress {
  const [, bracketed, plain, digits] = /^tls:\/\/(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})\/?$/iu.exec(url) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65_535) {
    throw unusable('FILE', `${printable(url)} names no server: write it as tls://HOST:PORT, such as tls://cart.shop.svc:8443 or tls://[::1]:8443.`);
  }
  return { url, host, port, serverName: serverName ?? (isIP(host) === 0 ? host : undefined) };
}

/** A TCP connection that keeps what has arrived. */
class Recorded extends Duplex {
  readonly #socket: Socket;
  readonly #received: Buffer[] = [];
  #bytes = 0;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
  }

  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #take(chunk: Buffer): void {
    if (this.#bytes < receivedBytesMax) this.#received.push(chunk);
    this.#bytes += chunk.length;
    if (!this.push(chunk)) this.#socket.pause();
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection: nothing listens there, or a firewall answers for it',
  ENOTFOUND: 'is no name that can be resolved: check it, and the DNS of this machine',
  EAI_AGAIN: 'cannot be resolved at the moment: check the DNS of this machine',
  ECONNRESET: 'cut the connection during the handshake: check that this port speaks TLS, and whether it wants a client certificate (--client-identity) or another name (--server-name)',
  ETIMEDOUT: 'cannot be reached (the connection timed out): check address, port and firewalls',
  EHOSTUNREACH: 'cannot be reached (no route): check address and network',
  ENETUNREACH: 'cannot be reached (no network): check address and network',
  ERR_SSL_WRONG_VERSION_NUMBER: 'answers, but not in TLS: check the port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'answers, but not in TLS: check the port',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'speaks neither TLS 1.2 nor 1.3: configure the server for one of them',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'speaks neither TLS 1.2 nor 1.3: configure the server for one of them',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'does not know that server name: give the one that it serves by --server-name',
  ERR_SSL_TLSV1_ALERT_UNRECOGNIZED_NAME: 'does not know that server name: give the one that it serves by --server-name',
};

/** What an error of a socket or of TLS says, without the file names and line numbers of OpenSSL. */
function reasonOf(error: unknown): string {
  const { code = '', reason } = error as NodeJS.ErrnoException & { reason?: string };
  const known = reasons[code];
  if (known !== undefined) return known;
  return `ended the handshake (${printable(reason ?? (code || 'no reason given'))}): check that this port speaks TLS`;
}

function unreachable(address: TlsAddress, clause: string, cause?: unknown): MtlsdError<'TLS_PEER_UNAVAILABLE'> {
  return new MtlsdError('TLS_PEER_UNAVAILABLE', `${address.url} ${clause}.`, { details: { address: `${address.host}:${address.port}` }, cause });
}

/** Resolves once the handshake is done, to what broke it off or to undefined. */
async function untilDone(secure: TLSSocket, signal: AbortSignal): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  secure.once('secureConnect', () => resolve(undefined));
  // Both the connection below and TLS may report one failure: the first counts.
  secure.on('error', resolve);
  secure.once('close', () => resolve(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
  signal.addEventListener('abort', () => resolve(signal.reason));
  return promise;
}

function optionsFor({ serverName }: TlsAddress, stream: Duplex, identity: ClientIdentity | undefined): ConnectionOptions {
  const own = identity === undefined ? {} : { key: identity.key, cert: identity.certificates };
  // Nothing is trusted here: what is presented gets shown, and `verify` judges it by the bundle that it is given.
  return { socket: stream, rejectUnauthorized: false, minVersion: 'TLSv1.2', ...(serverName === undefined ? {} : { servername: serverName }), ...own };
}

/** The secret that opens the server's part of a TLS 1.3 handshake, out of a line of the key log. */
function handshakeSecret(line: Buffer): Uint8Array | undefined {
  const [label, , secret] = line.toString('latin1').trim().split(' ');
  return label === 'SERVER_HANDSHAKE_TRAFFIC_SECRET' && secret !== undefined ? Buffer.from(secret, 'hex') : undefined;
}

/**
 * Shakes hands with a server, sends nothing, and says what it presented. A handshake that the server breaks off after it has
 * presented its certificates (because it wants one from us) is an answer too.
 *
 * @throws MtlsdError `TLS_PEER_UNAVAILABLE` when there was no certificate to see, in time
 */
export async function presentedBy(address: TlsAddress, identity: ClientIdentity | undefined, timeoutMs = handshakeTimeoutMs): Promise<PresentedByPeer> {
  const signal = AbortSignal.timeout(timeoutMs);
  const recorded = new Recorded(connectTcp({ host: address.host, port: address.port }));
  const secure = openSecure(address, recorded, identity);
  let secret: Uint8Array | undefined;
  secure.on('keylog', (line: Buffer) => (secret ??= handshakeSecret(line)));
  try {
    const error = await untilDone(secure, signal);
    const { certificates, asksForCertificate } = readServerFlight(recorded.received, secret);
    if (certificates === undefined || certificates.length === 0) throw unreachable(address, noCertificate(error, signal.aborted ? timeoutMs : undefined, recorded.received), error);
    return {
      address,
      certificates,
      protocol: secure.getProtocol() ?? 'unknown',
      cipher: secure.getCipher()?.standardName ?? 'unknown',
      asksForCertificate,
      gaveCertificate: asksForCertificate && identity !== undefined,
      brokenOff: error === undefined ? undefined : reasonOf(error),
    };
  } finally {
    secure.destroy();
    recorded.destroy();
  }
}

function openSecure(address: TlsAddress, recorded: Recorded, identity: ClientIdentity | undefined): TLSSocket {
  try {
    const secure = connectTls(optionsFor(address, recorded, identity));
    recorded.on('error', (error) => secure.destroy(error));
    return secure;
  } catch (error) {
    recorded.destroy();
    throw unusable('--client-identity', 'The client identity cannot be used: its key and certificate do not belong together, or one of them cannot be read.', error);
  }
}

function noCertificate(error: unknown, timedOutMs: number | undefined, received: Buffer): string {
  if (timedOutMs !== undefined) {
    const silent = received.length === 0 ? 'did not answer' : 'did not finish the handshake';
    return `${silent} within ${timedOutMs / 1000} s: check address, port and firewalls, and that this port speaks TLS`;
  }
  return error === undefined ? 'presented no certificate: check the port' : reasonOf(error);
}

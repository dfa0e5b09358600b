/**
 * Two ends of mutual TLS. Both present what is in an identity's folder, both verify the other's chain and SPIFFE ID. The
 * client sends a line and the server sends it back reversed: in TLS 1.3 a client learns that its certificate was accepted
 * only when an answer comes.
 */

/** What one end saw of a handshake. */
export type Outcome =
  | { readonly ok: true; readonly spiffeId: string; /** Of the other's certificate, hexadecimal. */ readonly serial: string; readonly protocol: string }
  | { readonly ok: false; readonly reason: string };

/** The only version that a client offers. */
export type TlsVersion = '1.2' | '1.3';

/** A server on 127.0.0.1 that admits one SPIFFE ID. */
export interface Server extends AsyncDisposable {
  readonly port: number;
  /** What it saw of the next handshake. */
  next(): Promise<Outcome>;
}

/** A client that makes a handshake each time it is asked to. */
export interface Client extends AsyncDisposable {
  dial(port: number, serverId: string, tls: TlsVersion): Promise<Outcome>;
}

/** A TLS stack that can be either end. What it keeps running for all of its ends goes when it is disposed of. */
export interface Peer extends Partial<AsyncDisposable> {
  readonly name: string;
  readonly serve: (folder: string, clientId: string) => Promise<Server>;
  readonly dial: (folder: string) => Promise<Client>;
}

/** The line that a client sends, and what comes back. */
export const question = 'ping\n';
export const answer = 'gnip\n';
export const handshakeTimeoutMs = 10_000;

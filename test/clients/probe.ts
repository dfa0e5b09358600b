/** A neutral client: it shows a certificate, or none, and tells what it was shown and what it was answered. */
import { createConnection, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { readIdentity } from '../conformance/identity-folder.ts';
import { idOf } from './site.ts';

const patienceMs = 10_000;

/** How to talk to a server. */
export interface Talk {
  /** What is sent when the handshake is done. Left out: nothing, the server speaks first. */
  readonly request?: string | Uint8Array;
  /** What comes before TLS, for a protocol that begins in the clear. */
  readonly prelude?: (socket: Socket) => Promise<void>;
  /** On 127.0.0.1. */
  readonly port: number;
  /** What the answer holds when the server has admitted whoever asks, and at no other time. */
  readonly greeting: string;
  /** The serial number of `checkout` that the server tells its client, in a line that the client prints. */
  readonly toldSerial: (line: string) => bigint | undefined;
}

const toCheckout = `hello ${idOf('checkout')}, serial `;

/** How the servers of most pages speak: at once, when the handshake is done. */
export const plainTalk = (port: number): Talk => ({ port, greeting: 'hello spiffe://', toldSerial });

/** How the web servers speak. */
export const httpTalk = (port: number): Talk => ({ ...plainTalk(port), request: 'GET / HTTP/1.1\r\nHost: cart.shop.svc\r\nConnection: close\r\n\r\n' });

function toldSerial(line: string): bigint | undefined {
  const told = line.startsWith(toCheckout) ? /^[0-9A-Fa-f]+$/u.exec(line.slice(toCheckout.length)) : null;
  return told === null ? undefined : BigInt(`0x${told[0]}`);
}

/** What a server showed and said. */
export interface Shown {
  readonly serial: bigint;
  readonly answer: string;
}

/**
 * One handshake with the identity in `folder`, or with no certificate at all.
 * @throws {Error} when the handshake fails, or the connection breaks before the server has ended its answer
 */
export async function probe({ port, request, prelude }: Talk, folder: string | undefined): Promise<Shown> {
  const socket = createConnection({ host: '127.0.0.1', port });
  socket.setTimeout(patienceMs, () => socket.destroy(new Error(`no answer within ${patienceMs} ms`)));
  try {
    await prelude?.(socket);
    return await handshake(socket, request, folder);
  } finally {
    socket.destroy();
  }
}

function handshake(socket: Socket, request: Talk['request'], folder: string | undefined): Promise<Shown> {
  const own = folder === undefined ? undefined : readIdentity(folder);
  // Whom it reached is told, not judged: each client that is tested judges for itself.
  const secure = connect({ socket, rejectUnauthorized: false, ...(own === undefined ? {} : { key: own.key, cert: own.chain }) });
  return new Promise((resolve, reject) => {
    let serial: bigint | undefined;
    let answer = '';
    const done = (): void => (serial === undefined ? reject(new Error('the connection ended before the handshake')) : resolve({ serial, answer }));
    secure.setEncoding('utf8');
    secure.on('secureConnect', () => {
      serial = BigInt(`0x${secure.getPeerX509Certificate()?.serialNumber ?? ''}`);
      if (request !== undefined) secure.write(request);
    });
    secure.on('data', (text: string) => (answer += text));
    secure.on('end', done);
    secure.on('close', done);
    secure.on('error', reject);
    socket.on('error', reject);
  });
}

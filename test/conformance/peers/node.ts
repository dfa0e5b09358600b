import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createSecureContext, createServer } from 'node:tls';
import { readIdentity, spiffeIdOf } from '../identity-folder.ts';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { answer, handshakeTimeoutMs, question } from './peer.ts';
import type { Client, Outcome, Peer, Server, TlsVersion } from './peer.ts';

/** Node's `tls`, in this process. */
export const nodePeer: Peer = { name: 'Node', serve, dial: async (folder) => new NodeClient(folder) };

function credentials(folder: string): SecureContextOptions {
  const { key, chain, roots } = readIdentity(folder);
  return { key, cert: chain, ca: roots };
}

async function serve(folder: string, clientId: string): Promise<Server> {
  const outcomes: Outcome[] = [];
  const waiting: ((outcome: Outcome) => void)[] = [];
  const report = (outcome: Outcome): void => {
    const first = waiting.shift();
    if (first === undefined) outcomes.push(outcome);
    else first(outcome);
  };
  const server = createServer({ ...credentials(folder), requestCert: true, rejectUnauthorized: true, handshakeTimeout: handshakeTimeoutMs });
  // Before TLS begins on a new connection, the files are read again.
  server.prependListener('connection', () => server.setSecureContext(credentials(folder)));
  server.on('tlsClientError', (error) => report(refused(error)));
  server.on('secureConnection', (socket) => void converse(socket, clientId).then(report));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    next: async () => outcomes.shift() ?? new Promise<Outcome>((resolve) => waiting.push(resolve)),
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** The server's end: who is not `clientId` gets no answer. */
async function converse(socket: TLSSocket, clientId: string): Promise<Outcome> {
  try {
    const outcome = seen(socket, clientId);
    if (outcome.ok && (await line(socket)) === question) socket.end(answer);
    else socket.destroy();
    return outcome;
  } catch (error) {
    return refused(error);
  }
}

class NodeClient implements Client {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async dial(port: number, serverId: string, tls: TlsVersion): Promise<Outcome> {
    const version = `TLSv${tls}` as const;
    // SPIFFE-16: the SPIFFE ID says who a server is, not its host name.
    const checkServerIdentity = (): undefined => undefined;
    try {
      const secureContext = createSecureContext({ ...credentials(this.#folder), minVersion: version, maxVersion: version });
      const socket = connect({ host: '127.0.0.1', port, secureContext, checkServerIdentity, timeout: handshakeTimeoutMs });
      socket.once('timeout', () => socket.destroy(new Error('no answer in time')));
      await once(socket, 'secureConnect');
      const outcome = seen(socket, serverId);
      if (!outcome.ok) {
        socket.destroy();
        return outcome;
      }
      socket.write(question);
      const reply = await line(socket);
      socket.end();
      return reply === answer ? outcome : refused(`the server answered "${reply}"`);
    } catch (error) {
      return refused(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Every handshake closed its own socket.
  }
}

function seen(socket: TLSSocket, wanted: string): Outcome {
  const certificate = new X509Certificate(socket.getPeerCertificate(true).raw);
  const spiffeId = spiffeIdOf(certificate);
  if (spiffeId !== wanted) return refused(`the peer is ${spiffeId ?? 'without a SPIFFE ID'}, not ${wanted}`);
  return { ok: true, spiffeId, serial: certificate.serialNumber.toLowerCase(), protocol: socket.getProtocol() ?? '' };
}

async function line(socket: TLSSocket): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.endsWith('\n')) break;
  }
  return text;
}

function refused(error: unknown): Outcome {
  return { ok: false, reason: error instanceof Error ? error.message : String(error) };
}

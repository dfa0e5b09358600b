import { connect, createServer, type TLSSocket } from 'node:tls';

/** One side of a handshake: what it presents and whom it trusts, PEM. */
export interface Peer {
  readonly chainPem: string;
  readonly privateKeyPem: string;
  readonly caPem: string;
}

/** Shakes hands. Returns why it failed, or undefined when each side took the other. */
export type Handshake = (server: Peer, client: Peer) => Promise<string | undefined>;

/** A handshake over the loopback interface takes milliseconds. */
const patienceMs = 5_000;

/**
 * Mutual TLS over the loopback interface, by the very library that Node workloads use. Names are not judged: peers are
 * known by their SPIFFE ID, and both are ours.
 */
export const loopbackHandshake: Handshake = async (server, client) => {
  const accepted = Promise.withResolvers<string | undefined>();
  const listener = createServer({ cert: server.chainPem, key: server.privateKeyPem, ca: server.caPem, requestCert: true, rejectUnauthorized: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.end('.');
    accepted.resolve(undefined);
  });
  listener.on('tlsClientError', (error: Error) => accepted.resolve(`the server refused the client: ${error.message}`));
  try {
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(0, '127.0.0.1', resolve);
    });
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('invariant broken: a TCP listener has a port');
    const refused = await connected(address.port, client);
    return refused ?? (await accepted.promise);
  } finally {
    listener.close();
  }
};

async function connected(port: number, client: Peer): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, cert: client.chainPem, key: client.privateKeyPem, ca: client.caPem, checkServerIdentity: () => undefined });
  socket.setTimeout(patienceMs, () => resolve(`no answer within ${patienceMs / 1000}s`));
  // With TLS 1.3 a client learns of its refusal with the first answer: the server sends one octet.
  socket.once('data', () => resolve(undefined));
  socket.once('error', (error) => resolve(`the client refused the server, or was refused: ${error.message}`));
  socket.once('close', () => resolve('the connection was closed'));
  const outcome = await promise;
  socket.destroy();
  return outcome;
}

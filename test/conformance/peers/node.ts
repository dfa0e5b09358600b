import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, createSecureContext, createServer } from 'node:tls';
import { readIdentity, spiffeIdOf, type Generation } from '../identity-folder.ts';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { listening, Outcomes } from './listening.ts';
import { answer, handshakeTimeoutMs, question } from './peer.ts';
import type { Client, Outcome, Peer, Server, TlsVersion } from './peer.ts';

/** Node's `tls`, in this process. */
export const nodePeer: Peer = { name: 'Node', serve, dial: async (folder) => new NodeClient(folder) };

/** Node has one list of roots: which of them may vouch for whom is for `seen` to say. */
function credentials(folder: string): SecureContextOptions {
  const { key, chain, roots, federated } = readIdentity(folder);
  return { key, cert: chain, ca: [roots, ...federated.values()].filter((pem) => pem !== '') };
}

/** The roots of one trust domain alone (SPIFFE-17): its own, or the file of its name. */
function rootsOf({ chain, roots, federated }: Generation, trustDomain: string): string {
  return trustDomainOf(spiffeIdOf(new X509Certificate(chain))) === trustDomain ? roots : (federated.get(trustDomain) ?? '');
}

const trustDomainOf = (spiffeId = ''): string => new URL(spiffeId).host;

async function serve(folder: string, clientId: string): Promise<Server> {
  const outcomes = new Outcomes();
  const server = createServer({ ...credentials(folder), requestCert: true, rejectUnauthorized: true, handshakeTimeout: handshakeTimeoutMs });
  // Before TLS begins on a new connection, the files are read again.
  server.prependListener('connection', () => server.setSecureContext(credentials(folder)));
  server.on('tlsClientError', (error) => outcomes.report(refused(error)));
  server.on('secureConnection', (socket) => void converse(socket, folder, clientId).then((outcome) => outcomes.report(outcome)));
  return listening(server, outcomes);
}

/** The server's end: who is not `clientId` gets no answer. */
async function converse(socket: TLSSocket, folder: string, clientId: string): Promise<Outcome> {
  ignoreLateErrors(socket);
  try {
    const outcome = seen(socket, folder, clientId);
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
      ignoreLateErrors(socket);
      socket.once('timeout', () => socket.destroy(new Error('no answer in time')));
      await once(socket, 'secureConnect');
      const outcome = seen(socket, this.#folder, serverId);
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

/** What goes wrong is seen by who waits for the socket; an end that goes away after all is said harms nobody. */
function ignoreLateErrors(socket: TLSSocket): void {
  socket.on('error', () => undefined);
}

function seen(socket: TLSSocket, folder: string, wanted: string): Outcome {
  const certificate = new X509Certificate(socket.getPeerCertificate(true).raw);
  const spiffeId = spiffeIdOf(certificate);
  if (spiffeId !== wanted) return refused(`the peer is ${spiffeId ?? 'without a SPIFFE ID'}, not ${wanted}`);
  if (!rootsOf(readIdentity(folder), trustDomainOf(wanted)).includes(anchorOf(socket))) return refused(`the root of ${wanted} is not one of its trust domain`);
  return { ok: true, spiffeId, serial: certificate.serialNumber.toLowerCase(), protocol: socket.getProtocol() ?? '' };
}

/** The root at the end of the chain that Node has verified, PEM. Only this form of a certificate leads there at both ends. */
function anchorOf(socket: TLSSocket): string {
  let certificate = socket.getPeerCertificate(true);
  while (certificate.issuerCertificate !== undefined && certificate.issuerCertificate !== certificate) certificate = certificate.issuerCertificate;
  return new X509Certificate(certificate.raw).toString();
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

/**
 * A peer of the mesh in Node: as the one in Go, mutual TLS with the identity that its pod was given, one handshake with each
 * other peer a round, and counts of what it sees.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createSecureContext, createServer as createTlsServer } from 'node:tls';
import type { SecureContext } from 'node:tls';

/** Another peer, as the test tells it. */
interface Target {
  readonly name: string;
  readonly address: string;
  readonly spiffeId: string;
}

/** One generation of the files, all of it from one folder. */
interface Pair {
  readonly generation: string;
  readonly context: SecureContext;
}

const [tlsPort, statsPort, roundMs, readingMs] = [8443, 8080, 2000, 100];
const folder = (process.env['MTLSD_CERTIFICATE_FILE'] ?? '').replace('/tls.crt', '');
const stats = {
  kind: 'node',
  spiffeId: '',
  notAfter: '',
  serials: [] as string[],
  readings: 0,
  torn: [] as string[],
  roundsSincePeers: 0,
  called: 0,
  failed: [] as string[],
  served: 0,
  refused: [] as string[],
};
let targets: readonly Target[] = [];

const server = createTlsServer({ minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true, handshakeTimeout: 10_000 }, (socket) => {
  socket.on('error', () => undefined);
  stats.served += 1;
  socket.end(`${spiffeIdOf(socket.getPeerX509Certificate())}\n`);
});
server.on('tlsClientError', ({ message }) => stats.refused.length < 100 && stats.refused.push(message));

let pair = load(realpathSync(`${folder}/..data`));

function load(generation: string): Pair {
  const [cert = '', key = '', ca = '', bundle = ''] = ['tls.crt', 'tls.key', 'ca.crt', 'credential-bundle.pem'].map((name) => readFileSync(`${generation}/${name}`, 'utf8'));
  const options = { cert, key, ca, minVersion: 'TLSv1.3' } as const;
  // Either throws when the key is not the certificate's.
  const context = createSecureContext(options);
  createSecureContext({ cert: bundle, key: bundle });
  const leaf = new X509Certificate(cert);
  if (!new X509Certificate(bundle.slice(bundle.indexOf('-----BEGIN CERTIFICATE'))).raw.equals(leaf.raw)) throw new Error('credential-bundle.pem and tls.crt of one folder are of two generations');
  const serial = leaf.serialNumber.toLowerCase().padStart(32, '0');
  if (stats.serials.at(-1) !== serial) stats.serials.push(serial);
  Object.assign(stats, { spiffeId: spiffeIdOf(leaf), notAfter: new Date(leaf.validTo).toISOString() });
  server.setSecureContext(options);
  return { generation, context };
}

function spiffeIdOf(leaf: X509Certificate | undefined): string {
  return /^URI:(spiffe:\/\/[^,]+)/u.exec(leaf?.subjectAltName ?? '')?.[1] ?? '';
}

/** Resolves ..data once and reads everything from there: kubelet may rename the link at any moment. */
async function watch(): Promise<never> {
  for (;;) {
    await sleep(readingMs);
    try {
      const generation = realpathSync(`${folder}/..data`);
      if (generation !== pair.generation) pair = load(generation);
    } catch (error) {
      // kubelet removes the folder of the generation before right after its rename: then the next reading finds the new one.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') stats.torn.push(String(error));
    }
    stats.readings += 1;
  }
}

/** One handshake; an answer that is not our own name is a failure, and so is none. */
async function call({ name, address, spiffeId }: Target): Promise<string | undefined> {
  return new Promise((resolve) => {
    // The names of the server are SPIFFE's, not DNS's.
    const checkServerIdentity = (_host: string, { raw }: { readonly raw: Buffer }): Error | undefined => {
      const seen = spiffeIdOf(new X509Certificate(raw));
      return seen === spiffeId ? undefined : new Error(`it is ${seen}, not ${spiffeId}`);
    };
    const socket = connect({ host: address, port: tlsPort, secureContext: pair.context, checkServerIdentity, timeout: 10_000 });
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.on('timeout', () => socket.destroy(new Error('no answer within 10 s')));
    socket.on('error', ({ message }) => resolve(message));
    socket.on('end', () => resolve(answer.trim() === stats.spiffeId ? undefined : `${name} took us for "${answer.trim()}"`));
    socket.on('close', () => resolve('closed without an answer'));
  });
}

async function callForEver(): Promise<never> {
  for (;;) {
    for (const target of targets) {
      const isKnown = (): boolean => targets.some(({ address }) => address === target.address);
      if (!isKnown()) continue;
      const problem = await call(target);
      // What happened with a peer that has left the list meanwhile does not count.
      if (!isKnown()) continue;
      stats.called += 1;
      if (problem !== undefined && stats.failed.length < 100) stats.failed.push(`${new Date().toISOString()}: ${target.name}: ${problem}`);
    }
    stats.roundsSincePeers += 1;
    await sleep(roundMs);
  }
}

const statsServer = createServer((request, response) => {
  if (request.method !== 'PUT') return void response.end(JSON.stringify(stats));
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text));
  request.on('end', () => {
    targets = JSON.parse(body) as readonly Target[];
    stats.roundsSincePeers = 0;
    response.end();
  });
});

// A pod's first process gets no default for this signal.
process.on('SIGTERM', () => process.exit(0));
server.listen(tlsPort, () => statsServer.listen(statsPort));
void watch();
void callForEver();

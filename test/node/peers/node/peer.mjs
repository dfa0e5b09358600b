/**
 * A peer of the mesh in Node: as the one in Go, mutual TLS with the identity that its pod was given, one handshake with each
 * other peer a round, and counts of what it sees.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createSecureContext, createServer as createTlsServer } from 'node:tls';

const [tlsPort, statsPort] = [8443, 8080];
const folder = process.env.MTLSD_CERTIFICATE_FILE.replace('/tls.crt', '');
const stats = { kind: 'node', spiffeId: '', notAfter: '', serials: [], readings: 0, torn: [], rounds: 0, roundsSincePeers: 0, called: 0, failed: [], served: 0, refused: [] };
let targets = [];
let pair = { generation: '' };

/** Resolves ..data once and reads everything from there: kubelet may rename the link at any moment. */
function read() {
  const generation = realpathSync(`${folder}/..data`);
  if (generation === pair.generation) return;
  const [cert, key, ca, bundle] = ['tls.crt', 'tls.key', 'ca.crt', 'credential-bundle.pem'].map((name) => readFileSync(`${generation}/${name}`, 'utf8'));
  // Either throws when the key is not the certificate's.
  const context = createSecureContext({ cert, key, ca, minVersion: 'TLSv1.3' });
  createSecureContext({ cert: bundle, key: bundle });
  const leaf = new X509Certificate(cert);
  const serial = leaf.serialNumber.toLowerCase().padStart(32, '0');
  if (stats.serials.at(-1) !== serial) stats.serials.push(serial);
  Object.assign(stats, { spiffeId: spiffeIdOf(leaf), notAfter: new Date(leaf.validTo).toISOString() });
  pair = { generation, context, cert, key, ca };
  server.setSecureContext({ cert, key, ca, minVersion: 'TLSv1.3' });
}

function spiffeIdOf(leaf) {
  return /^URI:(spiffe:\/\/[^,]+)/u.exec(leaf.subjectAltName ?? '')?.[1] ?? '';
}

const server = createTlsServer({ minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true, handshakeTimeout: 10_000 }, (socket) => {
  socket.on('error', () => undefined);
  stats.served += 1;
  socket.end(`${spiffeIdOf(socket.getPeerX509Certificate())}\n`);
});
server.on('tlsClientError', (error) => stats.refused.length < 100 && stats.refused.push(error.message));

async function watch() {
  for (;;) {
    try {
      read();
    } catch (error) {
      // kubelet removes the folder of the generation before right after its rename: then the next reading finds the new one.
      if (error.code !== 'ENOENT') stats.torn.push(error.message);
    }
    stats.readings += 1;
    await sleep(100);
  }
}

/** One handshake; an answer that is not our own name is a failure, and so is none. */
function call({ name, address, spiffeId }) {
  return new Promise((resolve, reject) => {
    const { context, ca } = pair;
    // The names of the server are SPIFFE's, not DNS's.
    const checkServerIdentity = (_host, { raw }) => {
      const seen = spiffeIdOf(new X509Certificate(raw));
      return seen === spiffeId ? undefined : new Error(`it is ${seen}, not ${spiffeId}`);
    };
    const socket = connect({ host: address, port: tlsPort, secureContext: context, ca, checkServerIdentity, timeout: 10_000 });
    let answer = '';
    socket.setEncoding('utf8').on('data', (text) => (answer += text));
    socket.on('timeout', () => socket.destroy(new Error('no answer within 10 s')));
    socket.on('error', reject);
    socket.on('end', () => (answer.trim() === stats.spiffeId ? resolve() : reject(new Error(`${name} took us for "${answer.trim()}"`))));
    socket.on('close', () => reject(new Error('closed without an answer')));
  });
}

async function callForEver() {
  for (;;) {
    for (const target of targets) {
      if (!targets.includes(target)) continue;
      const problem = await call(target).then(() => undefined, (error) => error);
      // What happened with a peer that has left the list meanwhile does not count.
      if (!targets.some(({ address }) => address === target.address)) continue;
      stats.called += 1;
      if (problem !== undefined && stats.failed.length < 100) stats.failed.push(`${new Date().toISOString()}: ${target.name}: ${problem.message}`);
    }
    stats.rounds += 1;
    stats.roundsSincePeers += 1;
    await sleep(2000);
  }
}

read();
void watch();
void callForEver();
server.listen(tlsPort, () => {
  createServer(async (request, response) => {
    if (request.method === 'PUT') {
      const chunks = await request.toArray();
      targets = JSON.parse(Buffer.concat(chunks).toString('utf8'));
      stats.roundsSincePeers = 0;
      response.end();
    } else response.end(JSON.stringify(stats));
  }).listen(statsPort);
});
// A pod's first process gets no default for this signal.
process.on('SIGTERM', () => process.exit(0));

import { Worker } from 'node:worker_threads';

/** What one way of reading saw: reads in all, those of two generations at once, those that found a file missing. */
export interface Count {
  readonly reads: number;
  readonly mixed: number;
  readonly missing: number;
}

/** The ways in which workloads read a pair. */
export type Way = 'bundle' | 'resolved' | 'again' | 'naive';

/**
 * Reads folders as fast as it can, in a thread of its own: `bundle` reads one file; `resolved` follows `..data` once and reads
 * two files there; `again` reads two paths, and again when they do not match; `naive` reads one path, and the other a turn of its
 * event loop later, and hopes. Whether a key is that of a certificate is judged by Node.
 */
const source = `
const { parentPort, workerData: { folders } } = require('node:worker_threads');
const { readFileSync, readlinkSync } = require('node:fs');
const { X509Certificate, createPrivateKey } = require('node:crypto');
const ways = ['bundle', 'resolved', 'again', 'naive'];
const counts = Object.fromEntries(ways.map((way) => [way, { reads: 0, mixed: 0, missing: 0 }]));
const known = new Map();
const certificates = new Map();
// Judging costs more than reading: what was judged once is known.
const match = (certificate, key) => {
  const id = certificate + key;
  let answer = known.get(id);
  if (answer === undefined) {
    if (known.size > 5000) known.clear();
    try { answer = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)); } catch { answer = false; }
    known.set(id, answer);
  }
  return answer;
};
const two = (at) => match(readFileSync(at + '/tls.crt', 'utf8'), readFileSync(at + '/tls.key', 'utf8'));
const read = {
  bundle: (folder) => {
    const text = readFileSync(folder + '/credential-bundle.pem', 'utf8');
    const end = text.indexOf('-----BEGIN CERTIFICATE-----');
    return end > 0 && match(text.slice(end), text.slice(0, end));
  },
  resolved: (folder) => {
    for (let tries = 0; ; tries += 1) {
      const at = folder + '/' + readlinkSync(folder + '/..data');
      // Asleep for three generations: what was resolved is gone, and is resolved again.
      try { return two(at); } catch (error) { if (error.code !== 'ENOENT' || tries > 3) throw error; }
    }
  },
  again: (folder) => { for (let i = 0; i < 20; i += 1) if (two(folder)) return true; return false; },
  naive: (folder) => {
    const earlier = certificates.get(folder);
    certificates.set(folder, readFileSync(folder + '/tls.crt', 'utf8'));
    return earlier === undefined || match(earlier, readFileSync(folder + '/tls.key', 'utf8'));
  },
};
let stop = false;
parentPort.on('message', () => { stop = true; });
const round = () => {
  for (const folder of folders) {
    for (const way of ways) {
      counts[way].reads += 1;
      try { if (!read[way](folder)) counts[way].mixed += 1; } catch (error) { counts[way].missing += 1; }
    }
  }
  if (stop) parentPort.postMessage(counts); else setImmediate(round);
};
round();
`;

/** Readers at work. */
export interface Readers extends AsyncDisposable {
  /** Ends them and answers what they saw. */
  stop(): Promise<Readonly<Record<Way, Count>>>;
}

/** Starts to read folders of identities that are there. */
export function startReaders(folders: readonly string[]): Readers {
  const worker = new Worker(source, { eval: true, workerData: { folders } });
  const counted = new Promise<Readonly<Record<Way, Count>>>((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
  });
  return {
    stop: async () => {
      worker.postMessage('stop');
      return counted;
    },
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  };
}

import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Panel, Sample, Verdict } from './judge.ts';

const name = 'Node tls';

/**
 * Node validates a chain only in a handshake: the sample shakes hands with itself, each end against the roots. It judges
 * by the clock of the machine, and knows nothing of SPIFFE.
 */
export function nodePanel(): Panel {
  return {
    judges: [name],
    // A handshake needs the key: a chain that is kept without one is not put to it.
    judge: async (sample): Promise<Readonly<Record<string, Verdict>>> => (sample.key === undefined ? {} : { [name]: await judge(sample, sample.key) }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function judge({ chain, roots }: Sample, key: string): Promise<Verdict> {
  try {
    const own = { cert: readFileSync(chain), key: readFileSync(key), ca: readFileSync(roots) };
    return await shakeHands(own);
  } catch (error) {
    return { ok: false, reason: (error as Error).message };
  }
}

async function shakeHands(own: { readonly cert: Buffer; readonly key: Buffer; readonly ca: Buffer }): Promise<Verdict> {
  const server = createServer({ ...own, requestCert: true, rejectUnauthorized: true });
  const refused = once(server, 'tlsClientError').then(([error]) => error as Error);
  server.on('secureConnection', (socket: TLSSocket) => socket.end('admitted'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const socket = connect({ ...own, host: '127.0.0.1', port, checkServerIdentity: () => undefined });
    const admitted = once(socket, 'secureConnect').then(() => once(socket, 'data'));
    const outcome = await Promise.race([admitted, refused]);
    socket.destroy();
    return outcome instanceof Error ? { ok: false, reason: outcome.message } : { ok: true };
  } finally {
    server.close();
  }
}

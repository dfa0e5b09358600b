import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyAlgorithms } from '../../src/x509/index.ts';
import type { KeyAlgorithm } from '../../src/x509/index.ts';
import { goJudge } from './judges/go.ts';
import { javaJudge } from './judges/java.ts';
import { pythonJudge } from './judges/python.ts';
import { rustJudge } from './judges/rust.ts';
import { holdPage, markdownTable } from './page.ts';
import { nodePeer } from './peers/node.ts';
import { openSslPeer } from './peers/openssl.ts';
import type { Client, Outcome, Peer, Server, TlsVersion } from './peers/peer.ts';
import { programPeer } from './peers/program.ts';
import { sharedPeer } from './peers/one-program-peer.ts';
import { Product } from './product.ts';
import { requirementsMet, type ToolName } from './requirements.ts';

const { env } = process;

interface PeerEntry {
  readonly title: string;
  readonly needs: readonly ToolName[];
  readonly open: () => Promise<Peer>;
}

const peerEntries: readonly PeerEntry[] = [
  { title: 'Node', needs: [], open: async () => nodePeer },
  { title: 'OpenSSL', needs: ['openssl'], open: async () => openSslPeer },
  { title: 'Go', needs: ['go'], open: async () => programPeer('Go', [await goJudge(env)], env) },
  { title: 'Python', needs: ['python'], open: async () => sharedPeer('Python', await pythonJudge(env), env) },
  { title: 'Rust', needs: ['cargo'], open: async () => programPeer('Rust', [await rustJudge(env)], env) },
  { title: 'Java', needs: ['java', 'maven'], open: async () => sharedPeer('Java', await javaJudge(env), env) },
];
const entries = await Promise.all(
  peerEntries.map(async (entry) => ({ ...entry, ready: await requirementsMet(`${entry.title} shakes hands with every stack`, entry.needs, env) })),
);
const complete = entries.every(({ ready }) => ready);

const namespace = 'mesh';
const idOf = (name: string): string => `spiffe://mesh.example/ns/${namespace}/sa/${name}`;
const identity = (name: string, generation: number) =>
  ({ kind: 'WorkloadIdentity', namespace, name, spec: { ttl: '5m', dnsNames: [`g${generation}.${namespace}.svc`] } }) as const;

/** One end, and the stack that it is of. */
interface End<T> {
  readonly name: string;
  readonly end: T;
}

/** An identity whose key is of this kind. */
function keyedName(algorithm: KeyAlgorithm): string {
  return `keyed-${algorithm.toLowerCase()}`;
}

describe('mutual TLS between stacks', () => {
  let product: Product;
  const peers: Peer[] = [];
  const folder = (name: string): string => product.identityFolder(namespace, name);
  beforeAll(async () => {
    for (const { ready, open } of entries) if (ready) peers.push(await open());
    const named = ['server', 'client', 'stranger'].map((name) => identity(name, 0));
    const keyed = keyAlgorithms.map((keyAlgorithm) => ({ kind: 'WorkloadIdentity', namespace, name: keyedName(keyAlgorithm), spec: { keyAlgorithm } }) as const);
    product = await Product.create([{ kind: 'TrustDomain', name: 'mesh.example', spec: {} }, ...named, ...keyed]);
    product.start();
    for (const { name } of [...named, ...keyed]) await product.untilIssued(folder(name), () => true);
  }, 600_000);

  afterAll(async () => {
    for (const peer of peers) await peer[Symbol.asyncDispose]?.();
    await product[Symbol.asyncDispose]();
  });

  /** Runs `work` with every stack as server and as client, none of them started anew within it. */
  const withEnds = async (
    serverName: string,
    [clientName, admitted]: readonly [name: string, admitted: string],
    work: (servers: readonly End<Server>[], clients: readonly End<Client>[]) => Promise<void>,
  ): Promise<void> => {
    const servers = await Promise.all(peers.map(async ({ name, serve }) => ({ name, end: await serve(folder(serverName), idOf(admitted)) })));
    const clients = await Promise.all(peers.map(async ({ name, dial }) => ({ name, end: await dial(folder(clientName)) })));
    try {
      await work(servers, clients);
    } finally {
      for (const { end } of [...clients, ...servers]) await end[Symbol.asyncDispose]();
    }
  };

  /** One handshake after another between every pair. */
  const everyPair = async (
    servers: readonly End<Server>[],
    clients: readonly End<Client>[],
    [wanted, tls]: readonly [serverName: string, tls: TlsVersion],
    seen: (pair: string, atClient: Outcome, atServer: Outcome) => void,
  ): Promise<void> => {
    for (const server of servers) {
      for (const client of clients) {
        const [atClient, atServer] = await Promise.all([client.end.dial(server.end.port, idOf(wanted), tls), server.end.next()]);
        seen(`${client.name} → ${server.name}`, atClient, atServer);
      }
    }
  };

  const tables: string[] = [];

  test.for(['1.3', '1.2'] as const)('every pair shakes hands over TLS %s, each end knowing the other', async (tls: TlsVersion) => {
    const protocol = `TLSv${tls}`;
    const cells = new Map<string, string>();
    await withEnds('server', ['client', 'client'], async (servers, clients) => {
      await everyPair(servers, clients, ['server', tls], (pair, atClient, atServer) => {
        expect([pair, atClient, atServer]).toMatchObject([pair, { ok: true, spiffeId: idOf('server'), protocol }, { ok: true, spiffeId: idOf('client'), protocol }]);
        cells.set(pair, '✓');
      });
    });
    const names = peers.map(({ name }) => name);
    const rows = names.map((client) => [client, ...names.map((server) => cells.get(`${client} → ${server}`) ?? '')]);
    tables.push(markdownTable([`TLS ${tls}: client ↓ server →`, ...names], rows));
  });

  test.for(keyAlgorithms)('every pair shakes hands with keys of kind %s on both sides', async (algorithm) => {
    const name = keyedName(algorithm);
    const accepted = { ok: true, spiffeId: idOf(name), protocol: 'TLSv1.3' };
    let pairs = 0;
    await withEnds(name, [name, name], async (servers, clients) => {
      await everyPair(servers, clients, [name, '1.3'], (pair, atClient, atServer) => {
        expect([pair, atClient, atServer]).toMatchObject([pair, accepted, accepted]);
        pairs += 1;
      });
    });
    expect(pairs).toBe(peers.length ** 2);
  });

  test.skipIf(!complete)('the page shows every pair', async () => {
    await holdPage('handshakes', tables.join('\n\n'), env);
  });

  test('every server refuses a client of another name', async () => {
    await withEnds('server', ['stranger', 'client'], async (servers, strangers) => {
      await everyPair(servers, strangers, ['server', '1.3'], (pair, _, atServer) => expect([pair, atServer.ok]).toEqual([pair, false]));
    });
  });

  test('every client refuses a server of another name', async () => {
    await withEnds('server', ['client', 'client'], async (servers, clients) => {
      await everyPair(servers, clients, ['stranger', '1.3'], (pair, atClient) => expect([pair, atClient.ok]).toEqual([pair, false]));
    });
  });

  // An edit of the names renews at once: handshakes go on while it happens, and once more when it has happened.
  test('no handshake fails across five renewals', async () => {
    const renewals = 5;
    const failures: string[] = [];
    const serials = new Map<string, Set<string>>();
    const seen = (pair: string, atClient: Outcome, atServer: Outcome): void => {
      if (!atClient.ok || !atServer.ok) failures.push(`${pair}: ${JSON.stringify([atClient, atServer])}`);
      else serials.set(pair, (serials.get(pair) ?? new Set()).add(`${atClient.serial} ${atServer.serial}`));
    };
    await withEnds('server', ['client', 'client'], async (servers, clients) => {
      for (let generation = 1; generation <= renewals; generation++) {
        for (const name of ['server', 'client']) await product.write(identity(name, generation));
        await everyPair(servers, clients, ['server', '1.3'], seen);
        const renewed = `g${generation}.${namespace}.svc`;
        for (const name of ['server', 'client']) await product.untilIssued(folder(name), (leaf) => leaf.subjectAltName?.includes(renewed) === true);
        await everyPair(servers, clients, ['server', '1.3'], seen);
      }
    });
    expect(failures).toEqual([]);
    expect(serials.size).toBe(peers.length ** 2);
    for (const [pair, distinct] of serials) expect([pair, distinct.size >= renewals]).toEqual([pair, true]);
  });
});

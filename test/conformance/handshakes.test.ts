import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goJudge } from './judges/go.ts';
import { nodePeer } from './peers/node.ts';
import { openSslPeer } from './peers/openssl.ts';
import { type Peer, type TlsVersion } from './peers/peer.ts';
import { programPeer } from './peers/program.ts';
import { Product } from './product.ts';
import { requirementsMet } from './requirements.ts';

const { env } = process;
const ready = await requirementsMet('Node, Go and OpenSSL shake hands across renewals', ['openssl', 'go'], env);

const namespace = 'mesh';
const idOf = (name: string): string => `spiffe://mesh.example/ns/${namespace}/sa/${name}`;
const identity = (name: string, generation: number) =>
  ({ kind: 'WorkloadIdentity', namespace, name, spec: { ttl: '5m', dnsNames: [`g${generation}.${namespace}.svc`] } }) as const;

describe.skipIf(!ready)('mutual TLS between stacks', () => {
  let product: Product;
  const peers: Peer[] = [];
  const folder = (name: string): string => product.identityFolder(namespace, name);
  const pairs = (): readonly (readonly [server: Peer, client: Peer])[] => peers.flatMap((server) => peers.map((client) => [server, client] as const));

  beforeAll(async () => {
    peers.push(nodePeer, openSslPeer, programPeer('Go', [await goJudge(env)], env));
    product = await Product.create([{ kind: 'TrustDomain', name: 'mesh.example', spec: {} }, identity('server', 0), identity('client', 0), identity('stranger', 0)]);
    product.start();
    for (const name of ['server', 'client', 'stranger']) await product.untilIssued(folder(name), () => true);
  });

  afterAll(() => product[Symbol.asyncDispose]());

  test.for(['1.3', '1.2'] as const)('every pair shakes hands over TLS %s, each end knowing the other', async (tls: TlsVersion) => {
    for (const [serverPeer, clientPeer] of pairs()) {
      const pair = `${clientPeer.name} → ${serverPeer.name}`;
      await using server = await serverPeer.serve(folder('server'), idOf('client'));
      await using client = await clientPeer.dial(folder('client'));
      const [atClient, atServer] = await Promise.all([client.dial(server.port, idOf('server'), tls), server.next()]);
      const protocol = `TLSv${tls}`;
      expect([pair, atClient, atServer]).toMatchObject([pair, { ok: true, spiffeId: idOf('server'), protocol }, { ok: true, spiffeId: idOf('client'), protocol }]);
    }
  });

  test('every server refuses a client of another name, and every client such a server', async () => {
    for (const [serverPeer, clientPeer] of pairs()) {
      const pair = `${clientPeer.name} → ${serverPeer.name}`;
      await using server = await serverPeer.serve(folder('server'), idOf('client'));
      await using stranger = await clientPeer.dial(folder('stranger'));
      const [, atServer] = await Promise.all([stranger.dial(server.port, idOf('server'), '1.3'), server.next()]);
      expect([pair, atServer.ok]).toEqual([pair, false]);

      await using client = await clientPeer.dial(folder('client'));
      const [atClient] = await Promise.all([client.dial(server.port, idOf('stranger'), '1.3'), server.next()]);
      expect([pair, atClient.ok]).toEqual([pair, false]);
    }
  });

  test('no handshake fails across five renewals', async () => {
    const renewals = 5;
    const running = await Promise.all(
      pairs().map(async ([serverPeer, clientPeer]) => ({
        pair: `${clientPeer.name} → ${serverPeer.name}`,
        server: await serverPeer.serve(folder('server'), idOf('client')),
        client: await clientPeer.dial(folder('client')),
        serials: new Set<string>(),
        handshakes: 0,
      })),
    );
    const failures: string[] = [];
    const shakeHands = async (): Promise<void> => {
      for (const one of running) {
        const [atClient, atServer] = await Promise.all([one.client.dial(one.server.port, idOf('server'), '1.3'), one.server.next()]);
        one.handshakes += 1;
        if (atClient.ok && atServer.ok) one.serials.add(`${atClient.serial} ${atServer.serial}`);
        else failures.push(`${one.pair}: ${JSON.stringify([atClient, atServer])}`);
      }
    };
    for (let generation = 1; generation <= renewals; generation++) {
      // An edit of the names renews at once; handshakes go on while it happens, and once more when it has happened.
      await product.write(identity('server', generation));
      await product.write(identity('client', generation));
      await shakeHands();
      const renewed = `g${generation}.${namespace}.svc`;
      for (const name of ['server', 'client']) await product.untilIssued(folder(name), (leaf) => leaf.subjectAltName?.includes(renewed) === true);
      await shakeHands();
    }
    for (const { server, client } of running) {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    }
    expect(failures).toEqual([]);
    for (const { pair, serials, handshakes } of running) {
      expect([pair, handshakes]).toEqual([pair, renewals * 2]);
      expect([pair, serials.size >= renewals]).toEqual([pair, true]);
    }
  });
});

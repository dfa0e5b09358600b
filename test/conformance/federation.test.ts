/** Trust domains that federate: two of mtlsd, and one with a SPIRE server. Their workloads shake hands in both directions. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from '../cluster/ports.ts';
import { identity, Sandbox, trustDomain } from '../standalone/sandbox.ts';
import { until } from '../standalone/wait.ts';
import { goJudge } from './judges/go.ts';
import { nodePeer } from './peers/node.ts';
import type { Outcome, Peer } from './peers/peer.ts';
import { programPeer } from './peers/program.ts';
import { requirementsMet } from './requirements.ts';
import { Spire, spireServer } from './spire.ts';

const { env } = process;

/** An mtlsd of one trust domain, with its API. */
class Side implements AsyncDisposable {
  readonly name: string;
  readonly endpoint: object;
  readonly bundleUrl: string;
  readonly endpointId: string;
  readonly #box = new Sandbox();
  readonly #port: number;

  constructor(name: string, port: number) {
    this.name = name;
    this.#port = port;
    this.bundleUrl = `https://127.0.0.1:${port}/v1/trust-domains/${name}/bundle`;
    this.endpointId = `spiffe://${name}/ns/mtlsd-system/sa/mtlsd-api`;
    this.endpoint = identity('mtlsd-api', {}, { namespace: 'mtlsd-system' });
  }

  /** Starts it with these workloads, each with the trust domains that it talks to. */
  async start(workloads: Readonly<Record<string, readonly string[]>>): Promise<void> {
    this.federate([]);
    const identities = Object.entries(workloads).map(([name, federatesWith]) => identity(name, { federatesWith }));
    this.#box.write('identities.yaml', this.endpoint, ...identities);
    this.#box.start('--api-listen', `127.0.0.1:${this.#port}`);
    for (const name of Object.keys(workloads)) await this.#box.issued(name);
    await this.#box.issued('mtlsd-api', 'mtlsd-system');
  }

  /** Has it federate with these and no others. */
  federate(peers: readonly object[]): void {
    this.#box.write('domain.yaml', trustDomain(this.name, { federatesWith: peers, rotation: { propagationBound: '10s' } }));
  }

  folder(workload: string): string {
    return join(this.#box.out, 'identities/shop', workload);
  }

  id(workload: string): string {
    return `spiffe://${this.name}/ns/shop/sa/${workload}`;
  }

  file(workload: string, name: string): string {
    return readFileSync(join(this.folder(workload), name), 'utf8');
  }

  roots(): string {
    return readFileSync(join(this.#box.out, 'identities/mtlsd-system/mtlsd-api/ca.crt'), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#box[Symbol.asyncDispose]();
  }
}

/** How a trust domain names another one. */
function peerEntry(name: string, url: string, endpointSPIFFEID: string, bootstrapBundle: string): object {
  return { trustDomain: name, bundleEndpoint: { url, profile: 'https_spiffe', endpointSPIFFEID, bootstrapBundle } };
}

interface Workload {
  readonly folder: string;
  readonly spiffeId: string;
}

/** What both ends saw of one handshake. */
async function shake(server: readonly [Peer, Workload], client: readonly [Peer, Workload]): Promise<readonly [Outcome, Outcome]> {
  await using serving = await server[0].serve(server[1].folder, client[1].spiffeId);
  await using dialing = await client[0].dial(client[1].folder);
  const outcome = await dialing.dial(serving.port, server[1].spiffeId, '1.3');
  return [await serving.next(), outcome];
}

const ready = await requirementsMet('federation with a SPIRE server, and Go peers', ['go', 'cc'], env);

describe.skipIf(!ready)('trust domains that federate', () => {
  let shop: Side;
  let partner: Side;
  let spire: Spire;
  let peers: readonly Peer[];
  const workload = (side: Side, name: string): Workload => ({ folder: side.folder(name), spiffeId: side.id(name) });

  beforeAll(async () => {
    const program = await spireServer(env);
    peers = [nodePeer, programPeer('Go', [await goJudge(env)], env)];
    const [one = 0, two = 0] = await freePorts(2);
    shop = new Side('shop.example', one);
    partner = new Side('partner.example', two);
    spire = await Spire.start(program, 'spire.example');
    await Promise.all([shop.start({ cart: ['partner.example', 'spire.example'], plain: [] }), partner.start({ till: ['shop.example'] })]);
    shop.federate([peerEntry('partner.example', partner.bundleUrl, partner.endpointId, partner.roots()), peerEntry('spire.example', spire.bundleUrl, spire.spiffeId, await spire.roots())]);
    partner.federate([peerEntry('shop.example', shop.bundleUrl, shop.endpointId, shop.roots())]);
    await spire.federate('shop.example', shop.bundleUrl, shop.endpointId, shop.roots());
  }, 1_800_000);

  afterAll(async () => {
    for (const each of [shop, partner, spire]) await each?.[Symbol.asyncDispose]();
  });

  test('each has the roots of the other as a file of its own, and no other', async () => {
    await until('the bundles are delivered', () => [shop.file('cart', 'federated.partner.example.crt'), shop.file('cart', 'federated.spire.example.crt'), partner.file('till', 'federated.shop.example.crt')]);
    expect(shop.file('cart', 'federated.partner.example.crt')).toBe(partner.file('till', 'ca.crt'));
    expect(partner.file('till', 'federated.shop.example.crt')).toBe(shop.file('cart', 'ca.crt'));
    expect(shop.file('cart', 'federated.spire.example.crt').trim()).toBe((await spire.roots()).trim());
    expect(shop.file('cart', 'ca.crt')).toBe(shop.file('plain', 'ca.crt'));
    expect(() => shop.file('plain', 'federated.partner.example.crt')).toThrow(/ENOENT/u);
  });

  test('two of mtlsd: workloads shake hands, by any stack at either end', async () => {
    const [here, there] = [workload(shop, 'cart'), workload(partner, 'till')];
    for (const server of peers) {
      for (const client of peers) {
        const seen = [await shake([server, here], [client, there]), await shake([server, there], [client, here])];
        expect(seen, `${server.name} from ${client.name}`).toMatchObject([
          [{ ok: true, spiffeId: there.spiffeId }, { ok: true, spiffeId: here.spiffeId }],
          [{ ok: true, spiffeId: here.spiffeId }, { ok: true, spiffeId: there.spiffeId }],
        ]);
      }
    }
  });

  test('a workload that asked for nobody trusts nobody, on either end', async () => {
    const [here, there] = [workload(shop, 'plain'), workload(partner, 'till')];
    for (const peer of peers) {
      for (const seen of [await shake([peer, here], [peer, there]), await shake([peer, there], [peer, here])]) {
        expect(seen.some(({ ok }) => !ok), peer.name).toBe(true);
      }
    }
  });

  test('a SPIRE server fetches our bundle, and we its own; their workloads shake hands', async () => {
    // What it began with has no hint: this is what we serve.
    await until('it has fetched our bundle', async () => (await spire.bundleOf('shop.example')).spiffe_refresh_hint === 10);
    const here = workload(shop, 'cart');
    const there = await spire.workload('/ns/bank/sa/ledger', ['shop.example']);
    for (const server of peers) {
      const seen = [await shake([server, here], [server, there]), await shake([server, there], [server, here])];
      expect(seen, server.name).toMatchObject([
        [{ ok: true, spiffeId: there.spiffeId }, { ok: true, spiffeId: here.spiffeId }],
        [{ ok: true, spiffeId: here.spiffeId }, { ok: true, spiffeId: there.spiffeId }],
      ]);
    }
    const alone = await spire.workload('/ns/bank/sa/ledger', []);
    for (const peer of peers) expect((await shake([peer, alone], [peer, here])).some(({ ok }) => !ok), peer.name).toBe(true);
  });

  test('a trust domain that is named no more is trusted no more', async () => {
    partner.federate([]);
    await until('its roots are gone', () => {
      try {
        partner.file('till', 'federated.shop.example.crt');
        return false;
      } catch {
        return true;
      }
    });
    for (const peer of peers) expect((await shake([peer, workload(partner, 'till')], [peer, workload(shop, 'cart')])).some(({ ok }) => !ok), peer.name).toBe(true);
  });
});

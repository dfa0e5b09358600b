/** Trust domains that federate: two of mtlsd, and one with a SPIRE server. Their workloads shake hands in both directions. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from '../cluster/ports.ts';
import { until } from '../standalone/wait.ts';
import { peerEntry, shake, Side, type Workload } from './federated-side.ts';
import { goJudge } from './judges/go.ts';
import { nodePeer } from './peers/node.ts';
import type { Peer } from './peers/peer.ts';
import { programPeer } from './peers/program.ts';
import { requirementsMet } from './requirements.ts';
import { Spire, spireServer } from './spire.ts';

const { env } = process;

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

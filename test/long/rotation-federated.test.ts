/** Roots are rotated under workloads of two trust domains that federate and shake hands all the time: `npm run test:long`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts } from '../cluster/ports.ts';
import { peerEntry, Side, type Workload } from '../conformance/federated-side.ts';
import { goJudge } from '../conformance/judges/go.ts';
import { nodePeer } from '../conformance/peers/node.ts';
import type { Peer } from '../conformance/peers/peer.ts';
import { programPeer } from '../conformance/peers/program.ts';
import { RequestedRotation } from '../rotation-live/requested-rotation.ts';
import { until } from '../standalone/wait.ts';

/** Consumers of each see what is written at once: what a rotation waits for is that the other side fetches it. */
const bounds = { propagationBound: '1s', consumerReload: '1s' };

let shop: Side;
let bank: Side;

beforeAll(async () => {
  const [one = 0, two = 0] = await freePorts(2);
  shop = new Side('shop.example', one, bounds);
  bank = new Side('bank.example', two, bounds);
  await Promise.all([shop.start({ cart: ['bank.example'] }), bank.start({ till: ['shop.example'] })]);
  shop.federate([peerEntry(bank.name, bank.bundleUrl, bank.endpointId, bank.roots())]);
  bank.federate([peerEntry(shop.name, shop.bundleUrl, shop.endpointId, shop.roots())]);
  await until('the bundles are delivered', () => [shop.file('cart', 'federated.bank.example.crt'), bank.file('till', 'federated.shop.example.crt')]);
});
afterAll(async () => {
  for (const side of [shop, bank]) await side?.[Symbol.asyncDispose]();
});

/** Handshakes between two workloads, one after the other, each by what is delivered at its moment. */
class Shaking {
  ok = 0;
  readonly failed: string[] = [];
  readonly #ended = new AbortController();
  readonly #running: Promise<void>;

  constructor(pairs: readonly (readonly [server: readonly [Peer, Workload], client: readonly [Peer, Workload]])[]) {
    this.#running = Promise.all(pairs.map(async ([server, client]) => this.#shake(server, client))).then(() => undefined);
  }

  async end(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  async #shake([serverStack, server]: readonly [Peer, Workload], [clientStack, client]: readonly [Peer, Workload]): Promise<void> {
    const { signal } = this.#ended;
    await using serving = await serverStack.serve(server.folder, client.spiffeId);
    await using dialing = await clientStack.dial(client.folder);
    while (!signal.aborted) {
      const dialed = await dialing.dial(serving.port, server.spiffeId, '1.3');
      const served = await serving.next();
      if (dialed.ok && served.ok) this.ok += 1;
      else this.failed.push(`${serverStack.name} at ${server.spiffeId} from ${clientStack.name}: ${JSON.stringify([served, dialed])}`);
      await sleep(50, undefined, { signal }).catch(() => undefined);
    }
  }
}

test('roots of both are rotated at once, with the daemons killed on the way: each waits until the other has fetched, and nobody is refused', { timeout: 600_000 }, async () => {
  const [cart, till] = [{ folder: shop.folder('cart'), spiffeId: shop.id('cart') }, { folder: bank.folder('till'), spiffeId: bank.id('till') }];
  const stacks = [nodePeer, programPeer('Go', [await goJudge(process.env)], process.env)];
  const shaking = new Shaking(stacks.flatMap((server) => stacks.flatMap((client) => [[[server, cart], [client, till]], [[server, till], [client, cart]]] as const)));
  try {
    await Promise.all([
      rotate(shop, () => bank.file('till', 'federated.shop.example.crt')),
      rotate(bank, () => shop.file('cart', 'federated.bank.example.crt')),
    ]);
    await until('each has only the new root of the other', () => bank.file('till', 'federated.shop.example.crt') === shop.file('cart', 'ca.crt') && shop.file('cart', 'federated.bank.example.crt') === bank.file('till', 'ca.crt'));
  } finally {
    await shaking.end();
  }
  console.log(`${shaking.ok} handshakes`);
  expect(shaking.failed).toEqual([]);
  expect(shaking.ok).toBeGreaterThan(100);
});

/** @param seenThere the roots of this side as a workload of the other one has them */
async function rotate(side: Side, seenThere: () => string): Promise<void> {
  const before = await side.rotations.roots(side.name);
  const rotation = await RequestedRotation.of(side.rotations, 'federated', side.name);
  let rootsBeforeSwitch = 0;
  const end = await rotation.follow(async (place) => {
    if (place === 'Confirm/Fetched') await side.kill();
    if (place === 'Canary/Canary') rootsBeforeSwitch = seenThere().match(/BEGIN CERTIFICATE/gu)?.length ?? 0;
    if (place === 'Reissue/Reissued') await side.kill();
  });
  expect([end, rootsBeforeSwitch]).toEqual(['Complete', 2]);
  const { gates = [] } = (await rotation.status()) ?? {};
  expect(gates.find(({ name }) => name === 'Fetched')).toMatchObject({ state: 'Passed', done: 1, total: 1, evidence: ['observed', 'approved'] });
  expect(before).not.toContain((await side.rotations.roots(side.name))[0]);
}

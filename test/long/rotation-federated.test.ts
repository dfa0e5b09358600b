/** Roots are rotated under workloads of two trust domains that federate and shake hands all the time: `npm run test:long`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts } from '../cluster/ports.ts';
import { peerEntry, Side } from '../conformance/federated-side.ts';
import { goJudge } from '../conformance/judges/go.ts';
import { nodePeer } from '../conformance/peers/node.ts';
import { programPeer } from '../conformance/peers/program.ts';
import { RequestedRotation } from '../rotation-live/requested-rotation.ts';
import { betweenBoth, Shaking } from '../rotation-live/shaking.ts';
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

test('roots of both are rotated at once, with the daemons killed on the way: each waits until the other has fetched, and nobody is refused', { timeout: 600_000 }, async () => {
  const [cart, till] = [{ folder: shop.folder('cart'), spiffeId: shop.id('cart') }, { folder: bank.folder('till'), spiffeId: bank.id('till') }];
  const stacks = [nodePeer, programPeer('Go', [await goJudge(process.env)], process.env)];
  const shaking = new Shaking(betweenBoth(stacks, cart, till));
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
  expect(gates.find(({ name }) => name === 'Fetched')).toMatchObject({ state: 'Passed', done: 1, total: 1, evidence: ['bounded', 'approved'] });
  expect(before).not.toContain((await side.rotations.roots(side.name))[0]);
}

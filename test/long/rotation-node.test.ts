/** Roots are rotated under pods of a real kubelet that shake hands all the time: `npm run test:long`. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { namespace, trustDomain } from '../cluster/controller-site.ts';
import { Mesh, type PeerPlan } from '../node/mesh.ts';
import { domain, NodeSite, pace, patienceMs } from '../node/node-site.ts';
import { ClusterRotations } from '../rotation-live/cluster-rotations.ts';
import { RequestedRotation } from '../rotation-live/requested-rotation.ts';

const peersOf = (place: string, delivery: NonNullable<PeerPlan['delivery']>): readonly PeerPlan[] =>
  Array.from({ length: 6 }, (_, index) => ({ namespace: place, name: `${place}-${index}`, image: index % 2 === 0 ? 'go-peer' : 'node-peer', delivery }));
// A kubelet that is away for a minute brings nothing meanwhile: what pods have by then lives longer.
const bySecret = peersOf('north', 'secret').map((plan) => ({ ...plan, ttl: '10m' }));
const byNode = peersOf('south', 'pod-certificate');
const timeout = 900_000;

let node: NodeSite;
let mesh: Mesh;
let rotations: ClusterRotations;

beforeAll(async () => {
  node = await NodeSite.open();
  // These peers look at their files ten times a second.
  await node.site.apply(trustDomain(domain, { default: true, rotation: { ...pace.rotation, consumerReload: '5s' } }), namespace('north'), namespace('south'));
  rotations = new ClusterRotations(node.site);
  mesh = new Mesh(node);
  await mesh.add(...bySecret);
}, 2 * patienceMs);
afterAll(async () => node?.[Symbol.asyncDispose]());

// Whoever was refused at any time says so.
afterEach(async () => {
  await mesh.allWell(2);
  console.log(`${mesh.size} pods, ${await mesh.handshakes()} handshakes so far`);
});

async function killed(): Promise<void> {
  await node.controller.kill();
  await node.startController();
}

test('a rotation waits for the node by name while its kubelet is silent, and goes to its end, with the controller killed in every phase', { timeout }, async () => {
  const { cluster } = node.site;
  const before = await rotations.roots(domain);
  await cluster.node?.stopKubelet();
  const rotation = await RequestedRotation.of(rotations, 'forth', domain);
  const phases = new Set<string>();
  const end = await rotation.follow(async (place) => {
    const [phase = ''] = place.split('/');
    if (!phases.has(phase)) await killed();
    phases.add(phase);
    if (place !== 'Confirm/Delivered') return;
    await vi.waitFor(async () => {
      const gate = (await rotation.status())?.gates?.find(({ name }) => name === 'Delivered');
      expect(gate?.stragglers).toMatchObject([{ kind: 'Node', name: cluster.node?.name }]);
    }, patienceMs);
    await cluster.node?.startKubelet();
  });
  expect(end).toBe('Complete');
  expect([...phases]).toEqual(expect.arrayContaining(['Distribute', 'Confirm', 'Canary', 'Reissue', 'Drain', 'Retire']));
  const delivered = (await rotation.status())?.gates?.find(({ name }) => name === 'Delivered');
  expect(delivered).toMatchObject({ state: 'Passed', done: 1, total: 1, evidence: ['bounded', 'observed', 'approved'] });
  const after = await rotations.roots(domain);
  expect(after).toHaveLength(1);
  expect(before).not.toContain(after[0]);
});

test('one that is given up after its switch goes back, with the controller killed before it and on the way', { timeout }, async () => {
  const before = await rotations.roots(domain);
  const rotation = await RequestedRotation.of(rotations, 'back', domain);
  const end = await rotation.follow(async (place) => {
    if (place === 'Reissue/Reissued') {
      await killed();
      await rotation.abort();
    }
    if (place === 'Reissue/Reissued/back') await killed();
  });
  expect(end).toBe('Aborted');
  expect(await rotations.roots(domain)).toEqual(before);
});

test('while pod certificates of the old root may be in use, its rotation waits for the end that was reserved for them; those of both roots shake hands', { timeout }, async () => {
  const { cluster } = node.site;
  await mesh.add(...byNode);
  const before = await rotations.roots(domain);
  const rotation = await RequestedRotation.of(rotations, 'mixed', domain);
  let oldEndMs = 0;
  const phase = await rotation.follow(async (place) => {
    if (place !== 'Reissue/Reissued') return;
    await mesh.allWell();
    const held = await Promise.all(byNode.map(async (plan) => mesh.statsOf(plan)));
    oldEndMs = Math.max(...held.map(({ notAfter }) => Date.parse(notAfter)));
    // A kubelet that begins asks for every pod certificate again: from the new authority.
    await cluster.node?.stopKubelet();
    await killed();
    await cluster.node?.startKubelet();
    for (const [index, plan] of byNode.entries()) await mesh.see(plan, ({ serials }) => serials.length > (held[index]?.serials.length ?? 0));
  }, 'Drain/Drained');
  expect(phase).toBe('Drain');
  const drained = (await rotation.status())?.gates?.find(({ name }) => name === 'Drained');
  expect(drained).toMatchObject({ state: 'Waiting', done: 0, total: 1 });
  expect(Date.parse(drained?.until ?? '')).toBeGreaterThanOrEqual(oldEndMs);
  const roots = await rotations.roots(domain);
  expect(roots).toHaveLength(2);
  expect(roots).toEqual(expect.arrayContaining([...before]));
});

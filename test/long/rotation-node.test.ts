/** Roots are rotated under pods of a real kubelet that shake hands all the time: given up, done, and held while the node is silent. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CARotationStatus } from '../../src/resources/index.ts';
import { isReady, namespace, paths, trustDomain, type Live } from '../cluster/controller-site.ts';
import { Mesh, type PeerPlan } from '../node/mesh.ts';
import { domain, NodeSite, pace, patienceMs } from '../node/node-site.ts';

const rotations = '/apis/mtlsd.io/v1alpha1/carotations';
const images = ['go-peer', 'node-peer'] as const;
/** By Secrets: pod certificates live an hour, and a rotation waits for their end. */
const plans: readonly PeerPlan[] = ['north', 'south'].flatMap((place) => Array.from({ length: 6 }, (_, index) => ({ namespace: place, name: `${place}-${index}`, image: images[index % 2] ?? 'go-peer', delivery: 'secret' as const })));
const longPatienceMs = 600_000;

let node: NodeSite;
let mesh: Mesh;

beforeAll(async () => {
  node = await NodeSite.open();
  // These peers look at their files ten times a second.
  await node.site.apply(trustDomain(domain, { default: true, rotation: { ...pace.rotation, consumerReload: '5s' } }));
  mesh = new Mesh(node);
  await node.site.apply(namespace('north'), namespace('south'));
  await mesh.add(...plans);
}, 2 * patienceMs);
afterAll(async () => node?.[Symbol.asyncDispose]());

const statusOf = ({ status }: Live): CARotationStatus => (status as CARotationStatus | undefined) ?? {};

async function activeRoot(): Promise<string> {
  const { status } = await node.site.see(paths.trustDomain(domain), isReady, patienceMs);
  const authorities = (status?.['authorities'] ?? []) as readonly { readonly role: string; readonly state: string; readonly keyIdentifier: string }[];
  return authorities.find(({ role, state }) => role === 'Root' && state === 'Active')?.keyIdentifier ?? '';
}

async function rotate(name: string, spec: object = {}): Promise<void> {
  const fromAuthority = await activeRoot();
  await node.site.apply({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name }, spec: { trustDomain: domain, what: 'Root', fromAuthority, ...spec } });
}

/** Waits for a rotation to be as wanted. Everybody has shaken hands with everybody then, and nobody was refused. */
async function see(name: string, wanted: (status: CARotationStatus) => boolean): Promise<CARotationStatus> {
  const found = await node.site.see(`${rotations}/${name}`, (object) => wanted(statusOf(object)), longPatienceMs);
  await mesh.allWell(2);
  return statusOf(found);
}

async function patch(name: string, spec: object): Promise<void> {
  await node.site.kubectl(['patch', 'rot', name, '--type=merge', '--patch', JSON.stringify({ spec })]);
}

const gateIs = (gate: string) => (status: CARotationStatus): boolean => status.gate === gate;
const phaseIs = (phase: string) => (status: CARotationStatus): boolean => status.phase === phase;

async function killed(): Promise<void> {
  await node.controller.kill();
  await node.startController();
}

test('one that is given up after its switch goes back, with the controller killed on the way, and nobody is refused', { timeout: longPatienceMs }, async () => {
  const before = await activeRoot();
  await rotate('back', { approvals: ['Reissued'] });
  await see('back', gateIs('Delivered'));
  await killed();
  await see('back', gateIs('Reissued'));
  await patch('back', { abort: true });
  await killed();
  await see('back', phaseIs('Aborted'));
  expect(await activeRoot()).toBe(before);
});

test('one that is not goes to its end, and kubelet’s Lease is part of the evidence', { timeout: longPatienceMs }, async () => {
  const before = await activeRoot();
  const shaken = await mesh.handshakes();
  await rotate('forth', { approvals: ['Canary'] });
  await see('forth', gateIs('Canary'));
  await killed();
  await patch('forth', { approved: ['Canary'] });
  const { gates = [], phases = [] } = await see('forth', phaseIs('Complete'));
  expect(gates.find(({ name }) => name === 'Delivered')).toMatchObject({ state: 'Passed', done: 1, total: 1, evidence: ['bounded', 'observed'] });
  expect(await activeRoot()).not.toBe(before);
  console.log(JSON.stringify({ pods: mesh.size, handshakes: (await mesh.handshakes()) - shaken, phases: phases.map(({ phase, startedAt }) => `${phase} ${startedAt}`) }));
});

test('one waits for the node by name while its kubelet is silent, and goes on when it is back', { timeout: longPatienceMs }, async () => {
  const { cluster } = node.site;
  await cluster.node?.stopKubelet();
  await rotate('held');
  const held = await see('held', ({ gate, gates = [] }) => gate === 'Delivered' && gates.some(({ name, stragglerCount = 0 }) => name === 'Delivered' && stragglerCount > 0));
  expect(held.gates?.find(({ name }) => name === 'Delivered')?.stragglers).toMatchObject([{ kind: 'Node', name: cluster.node?.name }]);
  await cluster.node?.startKubelet();
  await see('held', phaseIs('Complete'));
});

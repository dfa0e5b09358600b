/** What identities are worth in real pods: Go and Node peers, Secret and pod-certificate delivery mixed, through everything that happens to a cluster. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { identity, isReady, namespace, paths, says, serialOf, serviceAccount, trustDomain, type Live } from '../cluster/controller-site.ts';
import { Churn } from './churn.ts';
import { Herd } from './herd.ts';
import { Mesh, podOf, waitUntil, type PeerPlan } from './mesh.ts';
import { expectModes } from './modes.ts';
import { NodeSite, patienceMs } from './node-site.ts';
import { OlderCertificates } from './older-certificates.ts';

const images = ['go-peer', 'node-peer'] as const;
const deliveries = ['secret', 'pod-certificate'] as const;
const plans: readonly PeerPlan[] = ['north', 'south'].flatMap((place) =>
  Array.from({ length: 6 }, (_, index) => ({ namespace: place, name: `${place}-${index}`, image: images[index % 2] ?? 'go-peer', delivery: deliveries[Math.floor(index / 2) % 2] ?? 'secret' })),
);
const stranger: PeerPlan = { namespace: 'north', name: 'stranger', image: 'go-peer' };
const foreigners: readonly PeerPlan[] = deliveries.map((delivery) => ({ namespace: 'south', name: `foreign-${delivery}`, image: 'go-peer', delivery, trustDomain: 'other.example' }));
const bySecret = plans.filter(({ delivery }) => delivery === 'secret');
const byNode = plans.filter(({ delivery }) => delivery === 'pod-certificate');
/** Renewed by editing their identities; the others when half of their life is over. */
const edited = bySecret.filter(({ namespace: place }) => place === 'north');

let node: NodeSite;
let mesh: Mesh;

beforeAll(async () => {
  node = await NodeSite.open();
  mesh = new Mesh(node);
  await node.site.apply(namespace('north'), namespace('south'));
  await node.site.apply(trustDomain('other.example'));
  await mesh.add(...plans, stranger, ...foreigners);
}, 2 * patienceMs);
afterAll(async () => node[Symbol.asyncDispose]());

const serialsOf = async (peers: readonly PeerPlan[]): Promise<readonly number[]> => Promise.all(peers.map(async (peer) => (await mesh.statsOf(peer)).serials.length));
/** Waits until the Secret holds another certificate than the one with `serial`, and its pod has it. */
async function seeRenewal(plan: PeerPlan, serial: string): Promise<void> {
  const secret = await node.site.see(paths.secret(plan.namespace, `${plan.name}-mtls`), (object) => serialOf(object) !== serial, patienceMs);
  const wanted = BigInt(`0x${serialOf(secret)}`);
  await mesh.see(plan, ({ serials }) => serials.some((known) => BigInt(`0x${known}`) === wanted));
}

const podPhase = (pod: Live): unknown => pod.status?.['phase'];

test('every pair of pods with an identity shakes hands; pods without one, or of another trust domain, reach nobody', async () => {
  await mesh.allWell();
  for (const plan of plans) expect((await mesh.statsOf(plan)).refused).not.toHaveLength(0);
  for (const plan of foreigners) {
    const { spiffeId, failed } = await mesh.statsOf(plan);
    expect(spiffeId).toBe(`spiffe://other.example/ns/south/sa/${plan.name}`);
    expect(failed.filter((reason) => !reason.includes('signed by unknown authority'))).toEqual([]);
  }
});

test('a pod that is there before its identity starts when the pair is valid, and not before', async () => {
  const { site } = node;
  await site.apply(serviceAccount('north', 'early'));
  const check = { image: 'mtlsd.test/go-peer:1', command: ['/peer', 'check'] };
  await site.apply(podOf({ namespace: 'north', name: 'early', delivery: 'secret' }, check, { restartPolicy: 'Never' }));
  const path = '/api/v1/namespaces/north/pods/early';
  await vi.waitFor(async () => expect(await site.kubectl(['get', 'events', '--namespace=north', '--field-selector=involvedObject.name=early'])).toContain('FailedMount'), { timeout: patienceMs, interval: 250 });
  expect(podPhase(await site.see(path))).toBe('Pending');
  await site.apply(identity('north', 'early'));
  await site.see(path, (pod) => podPhase(pod) === 'Succeeded', patienceMs);
  expect(await site.kubectl(['logs', '--namespace=north', 'early'])).toBe('spiffe://mesh.example/ns/north/sa/early\n');
});

test('each renewal is one atomic change for whoever resolves ..data once, or reads the one file', async () => {
  const { site } = node;
  for (let round = 0; round < 3; round++) {
    const before = await serialsOf(edited);
    for (const { namespace: place, name } of edited) {
      await site.edit(paths.identity(place, name), (object) => ({ ...object, spec: { ...object.spec, dnsNames: [`round-${round}.${place}.svc`] } }));
      // kubelet writes at the pod's next sync, within 10 s here; a change of the pod brings that forward.
      await site.see(paths.identity(place, name), isReady, patienceMs);
      await site.kubectl(['annotate', 'pod', '--overwrite', `--namespace=${place}`, name, `test.mtlsd.io/round=${round}`]);
    }
    for (const [index, plan] of edited.entries()) await mesh.see(plan, ({ serials }) => serials.length > (before[index] ?? 0));
  }
  for (const plan of edited) expect((await mesh.statsOf(plan)).readings).toBeGreaterThan(100);
  await mesh.allWell();
});

test('kubelet restarts, asks for every pod certificate at once, and gets it', async () => {
  await using herd = await Herd.start(node);
  const before = await serialsOf(byNode);
  await node.site.cluster.node?.stopKubelet();
  await node.site.cluster.node?.startKubelet();
  for (const [index, plan] of byNode.entries()) await mesh.see(plan, ({ serials }) => serials.length > (before[index] ?? 0));
  await herd.seeCertified(2);
  await mesh.allWell();
});

test('the API server dies and comes back', async () => {
  const { site } = node;
  const [first] = edited;
  const before = await serialsOf(edited);
  await site.cluster.killApiServer();
  await mesh.allWell();
  await site.cluster.startApiServer();
  await site.edit(paths.identity('north', first?.name ?? ''), (object) => ({ ...object, spec: { ...object.spec, dnsNames: ['restarted.north.svc'] } }));
  await mesh.see(first ?? stranger, ({ serials }) => serials.length > (before[0] ?? 0));
  await mesh.allWell();
});

test('a namespace is deleted and made again; a service account appears late; an identity is deleted under its running pod', async () => {
  const { site } = node;
  const plan: PeerPlan = { namespace: 'passing', name: 'passing', image: 'go-peer', delivery: 'secret' };
  const late: PeerPlan = { namespace: 'passing', name: 'late', image: 'node-peer', delivery: 'pod-certificate' };
  await site.apply(namespace('passing'));
  await mesh.add(plan);
  await mesh.allWell();
  await mesh.dismiss(plan);
  await site.kubectl(['delete', 'namespace', 'passing', '--wait', '--timeout=180s']);

  await site.apply(namespace('passing'), identity('passing', 'late'));
  await site.see(paths.identity('passing', 'late'), says('Ready', 'ServiceAccountMissing'), patienceMs);
  await mesh.add(plan, late);
  await node.identityIsReady('passing', 'late');
  await mesh.allWell();

  await site.remove(paths.identity('passing', 'passing'));
  await site.remove(paths.identity('passing', 'late'));
  await site.miss(paths.secret('passing', 'passing-mtls'));
  await mesh.allWell(3);
  await mesh.dismiss(plan, late);
});

test('300 pods come and go, and mtlsd is dead for longer than a renewal is due meanwhile: none runs without a valid pair', async () => {
  const { site } = node;
  const pods = new Churn(node, 300);
  const renewals = async (): Promise<readonly { readonly plan: PeerPlan; readonly dueMs: number; readonly serial: string }[]> =>
    Promise.all(
      bySecret.map(async (plan) => {
        const { status } = await site.see(paths.identity(plan.namespace, plan.name));
        const secret = await site.see(paths.secret(plan.namespace, `${plan.name}-mtls`));
        return { plan, dueMs: Date.parse(String(status?.['renewalTime'])), serial: serialOf(secret) };
      }),
    );
  const firstOf = (all: readonly { readonly dueMs: number }[]): number => Math.min(...all.map(({ dueMs }) => dueMs));
  const firstMs = firstOf(await renewals());
  await pods.goOn(() => Date.now() < firstMs - 10_000);
  await node.controller.kill();
  const [killedMs, left] = [Date.now(), await renewals()];
  // One that was due before may have died between its two writes: it has its Secret, and its status tells the time before.
  const awaited = left.filter(({ dueMs }) => dueMs > killedMs);
  await waitUntil(firstOf(awaited) + 10_000);
  const overdue = awaited.filter(({ dueMs }) => dueMs < Date.now());
  expect(overdue).not.toHaveLength(0);
  expect(await renewals()).toEqual(left);
  await mesh.allWell();
  await node.startController();
  for (const { plan, serial } of overdue) await seeRenewal(plan, serial);
  await mesh.allWell();

  await pods.goOn();
  expect(pods.invalid).toEqual([]);
  expect([pods.created, pods.deleted]).toEqual([300, 300]);
  expect(pods.valid).toBeGreaterThan(200);
  await mesh.allWell();
});

test('mtlsd finds pod certificates at v1beta1 alone, and answers every request of a kubelet that restarts', async () => {
  const { cluster } = node.site;
  await node.controller.stop();
  await using older = await OlderCertificates.start(cluster);
  await node.startController(await older.kubeconfig(node.site));
  const before = await serialsOf(byNode);
  await cluster.node?.stopKubelet();
  await cluster.node?.startKubelet();
  for (const [index, plan] of byNode.entries()) await mesh.see(plan, ({ serials }) => serials.length > (before[index] ?? 0));
  expect(older.answered).toBeGreaterThanOrEqual(byNode.length);
  await mesh.allWell();
  await node.controller.stop();
  await node.startController();
});

test('the files of an identity have the modes that the docs promise, for whoever a pod runs as', async () => {
  await expectModes(node, patienceMs);
});

test('all the while nobody was refused', async () => {
  await mesh.allWell(2);
  expect(mesh.size).toBe(plans.length + 1 + foreigners.length);
  expect(await mesh.handshakes()).toBeGreaterThan(2000);
});

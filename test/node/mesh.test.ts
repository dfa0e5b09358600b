/** What identities are worth in real pods: Go and Node peers, Secret and pod-certificate delivery mixed, through everything that happens to a cluster. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { identity, isReady, namespace, paths, says, serialOf, serviceAccount, trustDomain, type Live } from '../cluster/controller-site.ts';
import { Churn } from './churn.ts';
import { Herd } from './herd.ts';
import { Mesh, podOf, waitUntil, type PeerPlan } from './mesh.ts';
import { expectModes } from './modes.ts';
import { NodeSite, pace, patienceMs } from './node-site.ts';
import { OlderCertificates } from './older-certificates.ts';
import { ReloadingPod } from './reloading-pod.ts';
import { RestartedDeployment } from './restarted-deployment.ts';

const images = ['go-peer', 'node-peer'] as const;
const deliveries = ['secret', 'pod-certificate'] as const;
const plans: readonly PeerPlan[] = ['north', 'south'].flatMap((place) =>
  Array.from({ length: 6 }, (_, index) => ({ namespace: place, name: `${place}-${index}`, image: images[index % 2] ?? 'go-peer', delivery: deliveries[Math.floor(index / 2) % 2] ?? 'secret' })),
);
const stranger: PeerPlan = { namespace: 'north', name: 'stranger', image: 'go-peer' };
const foreigners: readonly PeerPlan[] = deliveries.map((delivery) => ({ namespace: 'south', name: `foreign-${delivery}`, image: 'go-peer', delivery, trustDomain: 'other.example' }));
/** It is one of us, and calls the foreigners. */
const envoy: PeerPlan = { namespace: 'north', name: 'envoy', image: 'node-peer', delivery: 'pod-certificate', callsForeigners: true };
const bySecret = plans.filter(({ delivery }) => delivery === 'secret');
const byNode = plans.filter(({ delivery }) => delivery === 'pod-certificate');
/** Issued anew by an edit of their identities as well; the others only when about half of their life is over. */
const edited = bySecret.filter(({ namespace: place }) => place === 'north');
const leftAlone = bySecret.filter(({ namespace: place }) => place === 'south');

let node: NodeSite;
let mesh: Mesh;
let told: ReloadingPod;
let restarted: RestartedDeployment;

beforeAll(async () => {
  node = await NodeSite.open();
  mesh = new Mesh(node);
  await node.site.apply(namespace('north'), namespace('south'));
  await node.site.apply(trustDomain('other.example', pace));
  await mesh.add(...plans, stranger, ...foreigners, envoy);
  [told, restarted] = await Promise.all([ReloadingPod.start(node), RestartedDeployment.start(node)]);
}, 2 * patienceMs);
afterAll(async () => node[Symbol.asyncDispose]());

const serialsOf = async (peers: readonly PeerPlan[]): Promise<readonly number[]> => Promise.all(peers.map(async (peer) => (await mesh.statsOf(peer)).serials.length));
/** Waits until the Secret holds another certificate than the one with `serial`, and its pod has it. */
async function seeRenewal(plan: PeerPlan, serial: string): Promise<void> {
  const secret = await node.site.see(paths.secret(plan.namespace, `${plan.name}-mtls`), (object) => serialOf(object) !== serial, patienceMs);
  const wanted = BigInt(`0x${serialOf(secret)}`);
  await mesh.see(plan, ({ serials }) => serials.some((known) => BigInt(`0x${known}`) === wanted));
}

/** Judges the files of its pod, and ends. */
const check = { image: 'mtlsd.test/go-peer:1', command: ['/peer', 'check'] };
const podPhase = (pod: Live): unknown => pod.status?.['phase'];

test('every pair of pods with an identity shakes hands; pods without one, or of another trust domain, reach nobody', async () => {
  await mesh.allWell();
  for (const plan of plans) expect((await mesh.statsOf(plan)).refused).not.toHaveLength(0);
  for (const plan of foreigners) {
    const { spiffeId, failed } = await mesh.statsOf(plan);
    expect(spiffeId).toBe(`spiffe://other.example/ns/south/sa/${plan.name}`);
    expect(failed.filter((reason) => !reason.includes('signed by unknown authority'))).toEqual([]);
  }
  // And the other way round: what Node says of an issuer that is not among the roots.
  expect((await mesh.statsOf(envoy)).failed.filter((reason) => !/unable to get (?:local )?issuer certificate/u.test(reason))).toEqual([]);
});

test('a pod that is there before its identity starts when the pair is valid, and not before', async () => {
  const { site } = node;
  await site.apply(serviceAccount('north', 'early'));
  await site.apply(podOf({ namespace: 'north', name: 'early', delivery: 'secret' }, check, { restartPolicy: 'Never' }));
  const path = '/api/v1/namespaces/north/pods/early';
  await vi.waitFor(async () => expect(await site.kubectl(['get', 'events', '--namespace=north', '--field-selector=involvedObject.name=early'])).toContain('FailedMount'), { timeout: patienceMs, interval: 250 });
  expect(podPhase(await site.see(path))).toBe('Pending');
  await site.apply(identity('north', 'early'));
  await site.see(path, (pod) => podPhase(pod) === 'Succeeded', patienceMs);
  expect(await site.kubectl(['logs', '--namespace=north', 'early'])).toBe('spiffe://mesh.example/ns/north/sa/early\n');
});

test('whoever judges pairs in these tests knows one that is none: another’s key, and no files at all', async () => {
  const { site } = node;
  const [one, other] = await Promise.all(bySecret.slice(0, 2).map(async (plan) => site.see(paths.secret(plan.namespace, `${plan.name}-mtls`))));
  await site.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'north', name: 'mixed' }, data: { ...one?.data, 'tls.key': other?.data?.['tls.key'] } });
  const files = { volumes: [{ name: 'mixed', secret: { secretName: 'mixed' } }] };
  const mixed = { ...check, env: [{ name: 'MTLSD_CERTIFICATE_FILE', value: '/mixed/tls.crt' }], volumeMounts: [{ name: 'mixed', mountPath: '/mixed' }] };
  await site.apply(
    podOf({ namespace: 'north', name: 'mixed' }, mixed, { restartPolicy: 'Never', serviceAccountName: 'early', ...files }),
    podOf({ namespace: 'north', name: 'bare' }, check, { restartPolicy: 'Never', serviceAccountName: 'early' }),
  );
  for (const [name, words] of [['mixed', 'private key does not match public key'], ['bare', 'no such file or directory']] as const) {
    await site.see(`/api/v1/namespaces/north/pods/${name}`, (pod) => podPhase(pod) === 'Failed', patienceMs);
    expect(await site.kubectl(['logs', '--namespace=north', name])).toContain(words);
  }
});

test('each renewal is one atomic change for whoever resolves ..data once, or reads the one file', async () => {
  const { site } = node;
  const before = await serialsOf(edited);
  for (const { namespace: place, name } of edited) {
    await site.edit(paths.identity(place, name), (object) => ({ ...object, spec: { ...object.spec, dnsNames: [`edited.${place}.svc`] } }));
    // kubelet writes at the pod's next sync, within 10 to 15 s here; a change of the pod brings that forward.
    await site.see(paths.identity(place, name), isReady, patienceMs);
    await site.kubectl(['annotate', 'pod', `--namespace=${place}`, name, 'test.mtlsd.io/edited=true']);
  }
  for (const [index, plan] of edited.entries()) await mesh.see(plan, ({ serials }) => serials.length > (before[index] ?? 0));
  for (const plan of edited) await mesh.see(plan, ({ readings }) => readings > 100);
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

test('a pod that does not watch its files is told when it can see a renewal; one that reads them only when it starts is replaced when roots change', async () => {
  await told.expectTold();
  await restarted.expectRestarted();
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
  await pods.goOn(() => pods.deleted < 40);
  expect(pods.created).toBeGreaterThan(pods.deleted);
  await node.controller.kill();
  const killedMs = Date.now();
  // Of one that was due before, a write may be on its way still.
  const awaited = (await renewals()).filter(({ dueMs }) => dueMs > killedMs);
  const wakeMs = firstOf(awaited) + 5_000;
  await pods.goOn(() => Date.now() < wakeMs);
  await waitUntil(wakeMs);
  const overdue = awaited.filter(({ dueMs }) => dueMs < Date.now());
  expect(overdue).not.toHaveLength(0);
  expect((await renewals()).filter(({ plan }) => awaited.some((other) => other.plan === plan))).toEqual(awaited);
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

test('each renewal that came by itself was seen in time, and all the while nobody was refused', async () => {
  for (const plan of leftAlone) await mesh.see(plan, ({ serials }) => serials.length > 2);
  await mesh.allWell(2);
  expect(mesh.size).toBe(plans.length + 2 + foreigners.length);
  expect(await mesh.handshakes()).toBeGreaterThan(2000);
});

/** A rotation on a real API server while one node is silent: whom the gate names, and who breaks when a person goes past it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CARotationStatus } from '../../src/resources/index.ts';
import { ApiClient } from '../bench/api-client.ts';
import { createIdentities, ready } from '../bench/bench-cluster.ts';
import { ControllerProcess } from '../cluster/controller-process.ts';
import { paths, Site, trustDomain } from '../cluster/controller-site.ts';
import { until } from '../standalone/wait.ts';
import type { Refusal } from './fleet.ts';
import { LiveLoad, type LoadCounts } from './live-load.ts';
import { addNode, Kubelets, renewEveryMs } from './nodes.ts';

const domain = 'live.example';
const namespace = 'live';
const nodes = ['node-0', 'node-1', 'node-2', 'node-3', 'node-4'] as const;
const [silent] = nodes;
const rotations = '/apis/mtlsd.io/v1alpha1/carotations';
const patienceMs = 300_000;

/** What came of it. */
export interface PastANode {
  /** Of the gate that held the rotation: its name, and whom it named. */
  readonly gate: string;
  readonly stragglers: readonly string[];
  /** Handshakes until a person went past the gate. */
  readonly held: LoadCounts;
  /** Handshakes until the end, and who is on the silent node. */
  readonly past: LoadCounts;
  readonly onSilentNode: ReadonlySet<string>;
}

/**
 * @param workloads in all, spread over five nodes
 * @param boundSeconds how late consumers may see what is written, and how late they may load it
 * @param end the phase in which it has been watched long enough
 */
export async function rotatePastANode(workloads: number, boundSeconds: number, end: 'Drain' | 'Complete'): Promise<PastANode> {
  const names = Array.from({ length: workloads }, (_, index) => `w${index}`);
  const onNode = (node: number): readonly string[] => names.filter((_, index) => index % nodes.length === node);
  await using site = await Site.open();
  await using client = await ApiClient.of(site.cluster);
  await using kubelets = await prepare(site, client, boundSeconds, names, onNode);
  await using controller = ControllerProcess.start(site.kubeconfig);
  await ready(client, namespace, workloads);
  const delivered = await mkdtemp(join(tmpdir(), 'mtlsd-delivered-'));
  try {
    await using load = await startLoad(site, boundSeconds, names, delivered);
    const onSilentNode = onNode(0);
    kubelets.fail(silent);
    await load.hold(onSilentNode);
    await begin(client);
    const status = await until(`the rotation waits for ${silent}`, async () => waiting(client), patienceMs);
    const held = (await load.look()).counts;
    await exempt(client);
    // New certificates are in use from then on, and the silent node has not seen their root.
    await until(`it is at ${end}`, async () => [end, 'Complete'].includes((await statusOf(client))?.phase ?? ''), patienceMs);
    const isLeftBehind = ({ client: one = '', server }: Refusal): boolean => onSilentNode.includes(one) !== onSilentNode.includes(server);
    const past = await until('somebody refuses who was left behind', async () => {
      const { counts } = await load.look();
      return counts.failedLate.some(isLeftBehind) ? counts : undefined;
    }, patienceMs);
    await controller.stop();
    return { ...status, held, past, onSilentNode: new Set(onSilentNode) };
  } finally {
    await rm(delivered, { recursive: true, force: true });
  }
}

async function prepare(site: Site, client: ApiClient, boundSeconds: number, names: readonly string[], onNode: (node: number) => readonly string[]): Promise<Kubelets> {
  await site.kubectl(['wait', '--for=condition=Established', 'crd/carotations.mtlsd.io']);
  await site.addNamespace(namespace, ['default']);
  await site.apply(trustDomain(domain, { rotation: { propagationBound: `${boundSeconds}s`, consumerReload: `${boundSeconds}s` } }));
  await createIdentities(client, namespace, names);
  for (const [index, node] of nodes.entries()) await addNode(client, node, namespace, onNode(index));
  return Kubelets.start(client, nodes);
}

async function startLoad(site: Site, boundSeconds: number, names: readonly string[], delivered: string): Promise<LiveLoad> {
  const { server, caFile, adminToken } = site.cluster;
  const boundMs = boundSeconds * 1000;
  // Half of what is allowed is left to a machine that is busy.
  const bounds = { propagationBoundMs: boundMs, consumerReloadMs: boundMs, slowestDeliveryMs: boundMs / 2, slowestReloadMs: boundMs / 2 };
  const settings = { ...bounds, trustDomain: domain, names, nodeCount: Math.ceil(names.length * 0.06), openSslCount: 3, handshakesPerSecond: 40, restartsPerSecond: 2 };
  return LiveLoad.start(settings, { server, caFile, token: adminToken, namespace, names }, delivered, process.env);
}

async function begin(client: ApiClient): Promise<void> {
  const { status } = (await client.send('GET', paths.trustDomain(domain))) as unknown as { status: { authorities: readonly { role: string; state: string; keyIdentifier: string }[] } };
  const root = status.authorities.find(({ role, state }) => role === 'Root' && state === 'Active');
  await client.send('POST', rotations, { apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: 'past' }, spec: { trustDomain: domain, what: 'Root', fromAuthority: root?.keyIdentifier } });
}

async function statusOf(client: ApiClient): Promise<CARotationStatus | undefined> {
  return ((await client.send('GET', `${rotations}/past`)) as { status?: CARotationStatus }).status;
}

/** The gate that waits for somebody, with the names, once they have been the same for some renewals of Leases. */
async function waiting(client: ApiClient): Promise<{ readonly gate: string; readonly stragglers: readonly string[] } | undefined> {
  const first = await stragglersOf(client);
  if (first === undefined) return undefined;
  // At the end of the bound no node was seen alive after it; each is with its next renewal.
  await sleep(4 * renewEveryMs);
  const second = await stragglersOf(client);
  return JSON.stringify(first) === JSON.stringify(second) ? second : undefined;
}

async function stragglersOf(client: ApiClient): Promise<{ readonly gate: string; readonly stragglers: readonly string[] } | undefined> {
  const status = await statusOf(client);
  const gate = status?.gates?.find(({ name }) => name === status.gate);
  // Places that the bundle is just being written to are not what is looked for.
  if (gate?.stragglers === undefined || gate.stragglers.length === 0 || gate.name === 'Written') return undefined;
  return { gate: gate.name, stragglers: gate.stragglers.map(({ kind, name }) => `${kind} ${name}`) };
}

/** A person takes what follows for the silent node. */
async function exempt(client: ApiClient): Promise<void> {
  for (;;) {
    const rotation = await client.send('GET', `${rotations}/past`);
    const exemptions = [{ kind: 'Node', name: silent, reason: 'it will be drained', until: new Date(Date.now() + 3_600_000).toISOString() }];
    const done = await client.send('PUT', `${rotations}/past`, { ...rotation, spec: { ...(rotation['spec'] as object), exemptions } }).catch((error: unknown) => {
      if (!String(error).includes(' 409 ')) throw error;
    });
    if (done !== undefined) return;
  }
}

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { renderChart } from '../cluster/chart.ts';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { imageName } from '../cluster/node/images.ts';
import { ApiClient, type WireObject } from './api-client.ts';
import { createAccounts, identitiesApi, identity, prepareCluster, ready } from './bench-cluster.ts';
import { ControllerProcess } from './controller-process.ts';
import { median, type Measurement } from './measurement.ts';

/** The same pod, but for what it is given; each kind in a namespace of its own, so that the audit log tells them apart. */
interface Kind {
  readonly name: string;
  readonly namespace: string;
  readonly label?: string;
  readonly volumes?: readonly object[];
}
/** A Secret that is none of mtlsd's: what any volume costs. */
const foreign = { metadata: { name: 'other' }, stringData: { text: 'other' } };
const plain: Kind = { name: 'without the label', namespace: 'starts-plain' };
const kinds: readonly Kind[] = [
  plain,
  { name: 'without the label, another Secret mounted', namespace: 'starts-other', volumes: [{ name: 'other', secret: { secretName: foreign.metadata.name } }] },
  { name: 'label secret', namespace: 'starts-secret', label: 'secret' },
  { name: 'label pod-certificate', namespace: 'starts-certificate', label: 'pod-certificate' },
];
const rounds = 30;
const account = 'web';
const patienceMs = 120_000;
const podsPath = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

/**
 * Pods on a real node, one after the other, each kind in turn: from before the creation to the first line that the container
 * writes, by the clock of the machine that all of them share. With the label that line comes after the files were read and the
 * chain was verified; without, it says that there are none. Service accounts and identities are there before, as they are when
 * a workload is scaled up.
 */
export async function* podStarts(): AsyncGenerator<Measurement> {
  await using cluster = await startCluster({ node: true, audit: true });
  await prepareCluster(cluster, kinds.map(({ namespace }) => namespace));
  await using client = await ApiClient.of(cluster);
  await using controller = await ControllerProcess.start(cluster);
  await controller.whenReconciling();
  await applyInjection(cluster);
  for (const kind of kinds) {
    const { label, namespace } = kind;
    await createAccounts(client, namespace, [account]);
    await client.send('POST', `/api/v1/namespaces/${namespace}/secrets`, foreign);
    if (label === undefined) continue;
    await client.send('POST', `${identitiesApi}/${namespace}/workloadidentities`, identity(namespace, account));
    await ready(client, namespace, 1);
    await whenInjected(client, kind);
  }
  // The first pod of all unpacks an image.
  for (const kind of kinds) await startOne(cluster, client, kind, 'first');

  const before = await writesByNamespace(cluster);
  const startsMs = new Map(kinds.map((kind) => [kind, [] as number[]]));
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of kinds) startsMs.get(kind)?.push(await startOne(cluster, client, kind, `start-${round}`));
  }
  const after = await writesByNamespace(cluster);

  const plainMs = median(startsMs.get(plain) ?? []);
  for (const kind of kinds) {
    const all = startsMs.get(kind) ?? [];
    yield figure(kind, 'p50', median(all), 'ms');
    yield figure(kind, 'slowest', Math.max(...all), 'ms');
    if (kind !== plain) yield figure(kind, 'p50 ÷ without the label', median(all) / plainMs, '×');
    const [earlier, later] = [before.get(kind.namespace), after.get(kind.namespace)];
    for (const who of ['others', 'mtlsd'] as const) yield figure(kind, `object writes for each, ${who}`, ((later?.[who] ?? 0) - (earlier?.[who] ?? 0)) / rounds, '');
  }
}

function figure({ name }: Kind, metric: string, value: number, unit: string): Measurement {
  return { bench: 'pods', metric: `start ${name}: ${metric}`, value, unit };
}

/** The policy that acts on the label, as the chart has it. */
async function applyInjection(cluster: Cluster): Promise<void> {
  const objects = await renderChart(['--set', 'injection.trustDomain=bench.example', '--api-versions', 'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy']);
  const items = objects.filter(({ kind }) => kind.startsWith('MutatingAdmissionPolicy'));
  const { code, stderr } = await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  if (code !== 0 || items.length === 0) throw new Error(`the injection policy: ${stderr}`);
}

/** A policy takes effect some time after it was created. */
async function whenInjected(client: ApiClient, kind: Kind): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const { spec } = await client.send('POST', `${podsPath(kind.namespace)}?dryRun=All`, podOf(kind, 'probe'));
    if ((spec as { readonly volumes?: readonly unknown[] }).volumes !== undefined) return;
    if (performance.now() > deadlineMs) throw new Error(`no pod of ${kind.namespace} is given a volume`);
    await sleep(100);
  }
}

function podOf({ namespace, label, volumes = [] }: Kind, name: string): object {
  const volumeMounts = volumes.map(() => ({ name: 'other', mountPath: '/other' }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels: label === undefined ? {} : { 'mtlsd.io/inject': label } },
    spec: {
      serviceAccountName: account,
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: imageName('go-peer'), imagePullPolicy: 'Never', command: ['/peer', 'check'], volumeMounts }],
      volumes,
    },
  };
}

/** Milliseconds from before the creation to the first line. The pod is gone when this resolves. */
async function startOne(cluster: Cluster, client: ApiClient, kind: Kind, name: string): Promise<number> {
  const path = `${podsPath(kind.namespace)}/${name}`;
  const createdMs = Date.now();
  await client.send('POST', podsPath(kind.namespace), podOf(kind, name));
  await until(`${kind.namespace}/${name} has ended`, async () => ['Succeeded', 'Failed'].includes(phaseOf(await client.send('GET', path))));
  const { stdout } = await cluster.kubectl(['logs', '--timestamps', '--namespace', kind.namespace, name]);
  const [time = '', line = ''] = stdout.trim().split(/ (.*)/su);
  const found = line.startsWith('spiffe://');
  if (found !== (kind.label !== undefined)) throw new Error(`${kind.namespace}/${name} says: ${stdout}`);
  await client.send('DELETE', `${path}?gracePeriodSeconds=0`);
  await until(`${kind.namespace}/${name} is gone`, async () => ((await client.send('GET', podsPath(kind.namespace))) as unknown as { items: readonly unknown[] }).items.length === 0);
  return Date.parse(time) - createdMs;
}

function phaseOf({ status }: WireObject): string {
  return (status as { readonly phase?: string } | undefined)?.phase ?? '';
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${patienceMs / 1000} s, and never saw that ${what}`);
    await sleep(100);
  }
}

/** Writes so far in each namespace, of mtlsd and of Kubernetes' own programs; Events are not objects in this sense. */
async function writesByNamespace(cluster: Cluster): Promise<ReadonlyMap<string, { mtlsd: number; others: number }>> {
  await sleep(1_000); // a request is written down soon after it is answered
  const counts = new Map(kinds.map(({ namespace }) => [namespace, { mtlsd: 0, others: 0 }]));
  for (const text of (await readFile(cluster.auditLogPath ?? '', 'utf8')).split('\n').filter((line) => line !== '')) {
    const { verb, stage, userAgent = '', objectRef } = JSON.parse(text) as { verb: string; stage: string; userAgent?: string; objectRef?: { resource?: string; namespace?: string } };
    const count = counts.get(objectRef?.namespace ?? '');
    const isWrite = stage === 'ResponseComplete' && ['create', 'update', 'patch', 'delete'].includes(verb) && objectRef?.resource !== 'events';
    if (count === undefined || !isWrite) continue;
    if (userAgent.startsWith('mtlsd')) count.mtlsd += 1;
    else if (userAgent.startsWith('kube')) count.others += 1;
  }
  return counts;
}

import { readFile } from 'node:fs/promises';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { ApiClient, inParallel, type WireObject } from './api-client.ts';
import { createAccounts, createIdentities, identitiesApi as api, identity, prepareCluster, ready, width } from './bench-cluster.ts';
import { ControllerProcess } from './controller-process.ts';
import { median, type Measurement } from './measurement.ts';

const identities = 1_000;
const singles = 200;

/**
 * Identities through a real API server: a herd of 1,000 and one after the other, beside the bare transport that writes the
 * same Secrets and statuses in the same run. API server, etcd, controller and bench share the machine's cores.
 */
export async function* issue(): AsyncGenerator<Measurement> {
  await using cluster = await startCluster({ audit: true });
  await prepareCluster(cluster, ['warm', 'bench', 'bare', 'single']);
  await using client = await ApiClient.of(cluster);
  {
    await using controller = await ControllerProcess.start(cluster);
    await controller.whenReconciling();
    await createIdentities(client, 'warm', ['first']);
    await ready(client, 'warm', 1);
  }

  const names = Array.from({ length: identities }, (_, index) => `w${index}`);
  await createIdentities(client, 'bench', names);
  const herd = await measureHerd(cluster, client);
  const bare = await measureBare(client, names);
  yield figure('herd of 1,000: identities a second', herd.ratePerSecond, '/s');
  yield figure('bare transport, the same Secrets and statuses', bare.ratePerSecond, '/s');
  yield { ...figure('herd ÷ bare transport', herd.ratePerSecond / bare.ratePerSecond, '×'), budget: { relation: '>=', value: 0.8 } };
  yield figure('controller CPU for each identity', herd.cpuMs / identities, 'ms');
  yield { ...figure('object writes for each identity', herd.writes / identities, ''), budget: { relation: '<=', value: 2.01 } };

  const { roundTripMs, latenciesMs } = await measureSingles(cluster, client);
  const at = (part: number): number => latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * part))] ?? Number.NaN;
  yield figure('one raw write (POST of such a Secret), median', roundTripMs, 'ms');
  yield figure('idle: creation to usable Secret, p50', at(0.5), 'ms');
  yield figure('idle: creation to usable Secret, p99', at(0.99), 'ms');
  yield { ...figure('p50 in raw writes', at(0.5) / roundTripMs, '×'), budget: { relation: '<=', value: 5 } };
  yield { ...figure('p99 in raw writes', at(0.99) / roundTripMs, '×'), budget: { relation: '<=', value: 15 } };
}

function figure(metric: string, value: number, unit: string): Measurement {
  return { bench: 'issue', metric, value, unit };
}

/** The controller starts with a thousand identities to issue. Time counts from the first Secret to the last status. */
async function measureHerd(cluster: Cluster, client: ApiClient): Promise<{ ratePerSecond: number; cpuMs: number; writes: number }> {
  const abort = new AbortController();
  let [firstMs, lastMs] = [Infinity, 0];
  const statuses = new Set<string>();
  await observe(client, 'bench', abort.signal, {
    secret: (atMs) => (firstMs = Math.min(firstMs, atMs)),
    status: (name, atMs) => {
      statuses.add(name);
      lastMs = atMs;
    },
  });
  await using controller = await ControllerProcess.start(cluster);
  await controller.whenReconciling();
  const cpuBefore = await controller.cpuMs();
  while (statuses.size < identities) await new Promise((resume) => setTimeout(resume, 20));
  const cpuMs = (await controller.cpuMs()) - cpuBefore;
  await new Promise((resume) => setTimeout(resume, 2_000)); // what is still written is counted too
  abort.abort();
  return { ratePerSecond: identities / ((lastMs - firstMs) / 1000), cpuMs, writes: await countWrites(cluster) };
}

/** Tells of each Secret and each status in a namespace as it arrives. */
async function observe(client: ApiClient, namespace: string, signal: AbortSignal, seen: { secret(atMs: number): void; status(name: string, atMs: number): void }): Promise<void> {
  await client.watch(`/api/v1/namespaces/${namespace}/secrets`, (_secret, atMs) => seen.secret(atMs), signal);
  await client.watch(`${api}/${namespace}/workloadidentities`, (object, atMs) => (object['status'] === undefined ? undefined : seen.status(object.metadata.name, atMs)), signal);
}

/** Writes to objects in the namespace `bench` by the controller, from the audit log. */
async function countWrites(cluster: Cluster): Promise<number> {
  const lines = (await readFile(cluster.auditLogPath ?? '', 'utf8')).split('\n').filter((line) => line !== '');
  const changes = new Set(['create', 'update', 'patch', 'delete']);
  return lines.filter((line) => {
    const { verb, stage, objectRef, userAgent } = JSON.parse(line) as { verb: string; stage: string; userAgent?: string; objectRef?: { resource?: string; namespace?: string } };
    const isObject = objectRef?.namespace === 'bench' && (objectRef.resource === 'secrets' || objectRef.resource === 'workloadidentities');
    return isObject && stage === 'ResponseComplete' && changes.has(verb) && userAgent?.startsWith('mtlsd') === true;
  }).length;
}

/** The same Secrets and statuses, written by the bare client into another namespace, under the eyes of the same observers. */
async function measureBare(client: ApiClient, names: readonly string[]): Promise<{ ratePerSecond: number }> {
  const items = async (path: string): Promise<readonly WireObject[]> => ((await client.send('GET', path)) as unknown as { items: readonly WireObject[] }).items;
  const secrets = new Map((await items('/api/v1/namespaces/bench/secrets')).map((secret) => [secret.metadata.name.replace(/-mtls$/, ''), secret]));
  const issued = new Map((await items(`${api}/bench/workloadidentities`)).map((object) => [object.metadata.name, object]));
  const created = new Map<string, WireObject>();
  await inParallel(names, width, async (name) => created.set(name, await client.send('POST', `${api}/bare/workloadidentities`, identity('bare', name))));
  const abort = new AbortController();
  await observe(client, 'bare', abort.signal, { secret: () => undefined, status: () => undefined });
  const startMs = performance.now();
  await inParallel(names, width, async (name) => {
    const { metadata, ...secret } = secrets.get(name) ?? fail(name);
    const { labels } = metadata as unknown as { labels: Record<string, string> };
    await client.send('POST', '/api/v1/namespaces/bare/secrets', { ...secret, apiVersion: 'v1', kind: 'Secret', metadata: { name: metadata.name, labels, annotations: metadata.annotations } });
    const object = created.get(name) ?? fail(name);
    await client.send('PUT', `${api}/bare/workloadidentities/${name}/status`, { ...object, status: issued.get(name)?.['status'] });
  });
  const tookMs = performance.now() - startMs;
  abort.abort();
  return { ratePerSecond: names.length / (tookMs / 1000) };
}

function fail(name: string): never {
  throw new Error(`nothing was issued for ${name}`);
}

/** One identity after the other on an idle controller: from before the POST to the arrival of the Secret at a watcher. */
async function measureSingles(cluster: Cluster, client: ApiClient): Promise<{ roundTripMs: number; latenciesMs: readonly number[] }> {
  const names = Array.from({ length: singles }, (_, index) => `s${index}`);
  await createAccounts(client, 'single', names);
  const arrivals = new Map<string, (atMs: number) => void>();
  const abort = new AbortController();
  await client.watch('/api/v1/namespaces/single/secrets', (secret, atMs) => arrivals.get(secret.metadata.name)?.(atMs), abort.signal);
  await using controller = await ControllerProcess.start(cluster);
  await controller.whenReconciling();
  await new Promise((resume) => setTimeout(resume, 5_000)); // what a start brings is over

  const latenciesMs: number[] = [];
  const rawMs: number[] = [];
  const sample = (await client.send('GET', '/api/v1/namespaces/bench/secrets/w0-mtls')) as unknown as { data: unknown; type: string };
  for (const name of names) {
    const arrived = new Promise<number>((resolve) => arrivals.set(`${name}-mtls`, resolve));
    const startMs = performance.now();
    await client.send('POST', `${api}/single/workloadidentities`, identity('single', name));
    latenciesMs.push((await arrived) - startMs);
    await new Promise((resume) => setTimeout(resume, 20)); // the status is written behind the Secret
    const rawStartMs = performance.now();
    await client.send('POST', '/api/v1/namespaces/bare/secrets', { metadata: { name: `raw-${name}` }, data: sample.data, type: sample.type });
    rawMs.push(performance.now() - rawStartMs);
  }
  abort.abort();
  return { roundTripMs: median(rawMs), latenciesMs: latenciesMs.sort((a, b) => a - b) };
}

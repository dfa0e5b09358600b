import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CARotationStatus } from '../../src/resources/index.ts';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { ApiClient, inParallel, type WireObject } from './api-client.ts';
import { createIdentities, identitiesApi, prepareCluster, ready, width } from './bench-cluster.ts';
import { ControllerProcess } from './controller-process.ts';
import type { Measurement } from './measurement.ts';

const sizes = [1_000, 10_000];
const domain = '/apis/mtlsd.io/v1alpha1/trustdomains/bench.example';
const rotations = '/apis/mtlsd.io/v1alpha1/carotations';
/** What waits on time waits for this long: what is measured is the rest. */
const boundSeconds = 5;
/** The rotation is told to go as fast as it can. */
const pace = 10_000;
const identitiesOfNamespace = 500;

/**
 * A root is rotated under 1,000 and 10,000 identities on a real API server: how long each phase takes, what it writes, and
 * how its re-issuing compares with the bare writing of as many Secrets and statuses in the same run. API server, etcd,
 * controller and bench share the machine's cores.
 */
export async function* rotate(): AsyncGenerator<Measurement> {
  for (const size of sizes) yield* rotateWith(size);
}

async function* rotateWith(size: number): AsyncGenerator<Measurement> {
  const figure = (metric: string, value: number, unit: string): Measurement => ({ bench: 'rotate', metric: `${size.toLocaleString('en-US')}: ${metric}`, value, unit });
  const namespaces = Array.from({ length: Math.ceil(size / identitiesOfNamespace) }, (_, index) => `rotate-${index}`);
  await using cluster = await startCluster({ audit: true });
  await prepareCluster(cluster, namespaces);
  await using client = await ApiClient.of(cluster);
  const trustDomain = await client.send('GET', domain);
  await client.send('PUT', domain, { ...trustDomain, spec: { rotation: { propagationBound: `${boundSeconds}s`, consumerReload: `${boundSeconds}s` } } });
  const each = Math.min(size, identitiesOfNamespace);
  for (const namespace of namespaces) await createIdentities(client, namespace, Array.from({ length: each }, (_, index) => `w${index}`));
  await using controller = await ControllerProcess.start(cluster);
  await controller.whenReconciling();
  for (const namespace of namespaces) await ready(client, namespace, each);
  await sleep(5_000); // what the herd brings is over

  const before = await writes(cluster);
  const status = await rotateOnce(client);
  const after = await writes(cluster);
  const phases = secondsOf(status);
  for (const [phase, seconds] of phases) yield figure(phase, seconds, 's');
  yield figure('in all', [...phases.values()].reduce((sum, seconds) => sum + seconds, 0), 's');
  for (const [resource, count] of after) yield figure(`writes of ${resource} for each identity`, (count - (before.get(resource) ?? 0)) / size, '');
  yield figure('peak resident memory of the controller', await controller.peakResidentMb(), 'MB');
  const reissued = size / (phases.get('Reissue') ?? Number.NaN);
  const bare = await bareRate(client, namespaces);
  yield figure('re-issued a second', reissued, '/s');
  yield figure('bare transport, as many Secrets and statuses', bare, '/s');
  yield figure('re-issuing ÷ bare transport', reissued / bare, '×');
}

/** Rotates the root and answers with the status at the end. */
async function rotateOnce(client: ApiClient): Promise<CARotationStatus> {
  const { status } = (await client.send('GET', domain)) as unknown as { status: { authorities: readonly { role: string; state: string; keyIdentifier: string }[] } };
  const root = status.authorities.find(({ role, state }) => role === 'Root' && state === 'Active');
  const spec = { trustDomain: 'bench.example', what: 'Root', fromAuthority: root?.keyIdentifier, pace };
  await client.send('POST', rotations, { apiVersion: 'mtlsd.io/v1alpha1', kind: 'CARotation', metadata: { name: 'bench' }, spec });
  for (;;) {
    const { status: now } = (await client.send('GET', `${rotations}/bench`)) as unknown as { status?: CARotationStatus };
    if (now?.phase === 'Complete') return now;
    if (now?.phase === 'Aborted' || now?.phase === 'Superseded') throw new Error(`the rotation ended as ${now.phase}`);
    await sleep(250);
  }
}

/** How long each phase took; one that was entered again counts once with its sum. */
function secondsOf({ phases = [], finishedAt }: CARotationStatus): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const [index, { phase, startedAt }] of phases.entries()) {
    const ended = phases[index + 1]?.startedAt ?? finishedAt;
    if (ended === undefined || phase === 'Complete') continue;
    seconds.set(phase, (seconds.get(phase) ?? 0) + (Date.parse(ended) - Date.parse(startedAt)) / 1000);
  }
  return seconds;
}

/** Writes of the controller so far by resource, Leases apart, from the audit log. */
async function writes(cluster: Cluster): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const changes = new Set(['create', 'update', 'patch', 'delete']);
  for (const line of (await readFile(cluster.auditLogPath ?? '', 'utf8')).split('\n')) {
    if (line === '') continue;
    const { verb, userAgent, objectRef, responseStatus } = JSON.parse(line) as { verb: string; userAgent?: string; objectRef?: { resource?: string; subresource?: string }; responseStatus?: { code?: number } };
    if (!changes.has(verb) || userAgent?.startsWith('mtlsd') !== true || (responseStatus?.code ?? 500) >= 300 || objectRef?.resource === 'leases') continue;
    const resource = [objectRef?.resource ?? '', ...(objectRef?.subresource === undefined ? [] : [objectRef.subresource])].join('/');
    counts.set(resource, (counts.get(resource) ?? 0) + 1);
  }
  return counts;
}

/** Identities a second whose Secret and status a plain client writes again, up to a thousand of them. */
async function bareRate(client: ApiClient, namespaces: readonly string[]): Promise<number> {
  const items = async (path: string): Promise<readonly WireObject[]> => ((await client.send('GET', path)) as unknown as { items: readonly WireObject[] }).items;
  const pairs: (() => Promise<unknown>)[] = [];
  for (const namespace of namespaces.slice(0, 2)) {
    const secrets = new Map((await items(`/api/v1/namespaces/${namespace}/secrets`)).map((secret) => [secret.metadata.name, secret]));
    for (const object of await items(`${identitiesApi}/${namespace}/workloadidentities`)) {
      const { name } = object.metadata;
      const secret = secrets.get(`${name}-mtls`);
      if (secret === undefined) continue;
      const annotations = { ...secret.metadata.annotations, 'bench.example/again': 'yes' };
      pairs.push(async () => {
        await client.send('PUT', `/api/v1/namespaces/${namespace}/secrets/${name}-mtls`, { ...secret, metadata: { ...secret.metadata, annotations } });
        await client.send('PUT', `${identitiesApi}/${namespace}/workloadidentities/${name}/status`, { ...object, status: { ...(object['status'] as object), observedGeneration: 0 } });
      });
    }
  }
  const startMs = performance.now();
  await inParallel(pairs, width, async (pair) => pair());
  return pairs.length / ((performance.now() - startMs) / 1000);
}

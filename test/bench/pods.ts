import { readFile } from 'node:fs/promises';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { missingForNode } from '../cluster/node/needs.ts';
import { podDraft, podKey, requestDraft, stubRequest } from '../cluster/pod-requests.ts';
import { ApiClient, inParallel } from './api-client.ts';
import { createAccounts, identitiesApi, identity, prepareCluster, ready, width } from './bench-cluster.ts';
import { ControllerProcess } from './controller-process.ts';
import { median, type Measurement } from './measurement.ts';
import { podStarts } from './pod-starts.ts';

const namespace = 'pods';
const account = 'web';
const singles = 200;
const herd = 200;
const requestsPath = `/apis/certificates.k8s.io/v1/namespaces/${namespace}/podcertificaterequests`;

/**
 * Pod certificates on a real API server, from before the request is sent to the arrival of the answer at a watcher: one
 * after the other, and 200 at once as after a restart of kubelet. API server, etcd, controller and bench share the machine's
 * cores. Every key is of its own; P-256.
 */
export async function* pods(): AsyncGenerator<Measurement> {
  yield* requests();
  const missing = missingForNode(process.env);
  if (missing.length === 0) yield* podStarts();
  else process.stderr.write(`no pods are started: this machine lacks ${missing.join(', ')}\n`);
}

async function* requests(): AsyncGenerator<Measurement> {
  await using cluster = await startCluster({ audit: true });
  await prepareCluster(cluster, [namespace]);
  await using client = await ApiClient.of(cluster);
  const drafts = await draftRequests(client);
  await using controller = await ControllerProcess.start(cluster);
  await controller.whenReconciling();
  await client.send('POST', `${identitiesApi}/${namespace}/workloadidentities`, identity(namespace, account));
  await ready(client, namespace, 1);
  const answers = await Answers.follow(client);

  const rawMs: number[] = [];
  const alone: number[] = [];
  const postMs: number[] = [];
  for (const [name, draft] of drafts.slice(0, singles)) {
    let startMs = performance.now();
    const ask = async (): Promise<void> => {
      await client.send('POST', requestsPath, draft);
      postMs.push(performance.now() - startMs);
    };
    alone.push(await answers.time(name, ask));
    startMs = performance.now();
    await client.send('POST', `/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: `raw-${name}` }, data: { text: 'x'.repeat(2_000) } });
    rawMs.push(performance.now() - startMs);
  }
  const rawMedianMs = median(rawMs);
  yield figure('one raw write (POST of a ConfigMap of 2 KB), median', rawMedianMs, 'ms');
  yield figure('the first, which writes a reservation', alone[0] ?? Number.NaN, 'ms');
  yield* latencies('one at a time', alone);
  yield { ...figure('one at a time: p50 in raw writes', median(alone) / rawMedianMs, ''), budget: { relation: '<=', value: 5 } };
  yield figure('one at a time: of which the request itself (its POST), median', median(postMs), 'ms');
  yield figure('one at a time: of which mtlsd, from seeing it to the written answer, mean', await answeringMs(controller), 'ms');
  const before = await countWrites(cluster);
  yield { ...figure('one at a time: object writes for each', before.statuses / singles, ''), budget: { relation: '<=', value: 1 } };

  const together = await Promise.all(drafts.slice(singles).map(([name, draft]) => answers.time(name, () => client.send('POST', requestsPath, draft))));
  answers.stop();
  yield* latencies(`${herd} at once`, together);
  const after = await countWrites(cluster);
  yield { ...figure(`${herd} at once: object writes for each`, (after.statuses - before.statuses) / herd, ''), budget: { relation: '<=', value: 1 } };
  yield figure('reservations written, over all of it', after.reservations, '');
}

/** Mean time between a request's arrival at mtlsd and the API server's word that the answer is written, milliseconds. */
async function answeringMs(controller: ControllerProcess): Promise<number> {
  const [sum, count] = [await controller.metric('mtlsd_pod_certificate_duration_seconds_sum'), await controller.metric('mtlsd_pod_certificate_duration_seconds_count')];
  return (1000 * sum) / count;
}

function* latencies(when: string, values: readonly number[]): Generator<Measurement> {
  const sorted = values.toSorted((a, b) => a - b);
  for (const [name, part] of [['p50', 0.5], ['p99', 0.99]] as const) {
    yield figure(`${when}: request to Issued, ${name}`, sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN, 'ms');
  }
}

function figure(metric: string, value: number, unit: string): Measurement {
  return { bench: 'pods', metric, value, unit };
}

/** Pods, and for each the request that its kubelet would make, by name. */
async function draftRequests(client: ApiClient): Promise<readonly (readonly [string, object])[]> {
  await createAccounts(client, namespace, [account]);
  const named = async (path: string, body?: object): Promise<{ name: string; uid: string }> => {
    const { metadata } = await client.send(body === undefined ? 'GET' : 'POST', path, body);
    return { name: metadata.name, uid: metadata.uid ?? '' };
  };
  const node = await named('/api/v1/nodes', { metadata: { name: 'bench' } });
  const holder = await named(`/api/v1/namespaces/${namespace}/serviceaccounts/${account}`);
  const drafts: (readonly [string, object])[] = [];
  const names = Array.from({ length: singles + herd }, (_, index) => `web-${index}`);
  await inParallel(names, width, async (name) => {
    const pod = await named(`/api/v1/namespaces/${namespace}/pods`, podDraft(namespace, name, account, node.name));
    drafts.push([name, requestDraft('v1', namespace, { pod, account: holder, node }, { stubPKCS10Request: stubRequest(podKey('ECDSAP256'), 'ECDSAP256') })]);
  });
  return drafts;
}

/** When answers arrive at somebody who watches, as kubelet does. */
class Answers {
  readonly #arrivals = new Map<string, (atMs: number) => void>();
  readonly #abort = new AbortController();

  static async follow(client: ApiClient): Promise<Answers> {
    const answers = new Answers();
    await client.watch(
      requestsPath,
      ({ metadata, ...object }, atMs) => {
        const { conditions = [] } = object['status'] as { conditions?: readonly { type: string }[] };
        if (conditions.some(({ type }) => type === 'Issued')) answers.#arrivals.get(metadata.name)?.(atMs);
      },
      answers.#abort.signal,
    );
    return answers;
  }

  /** Milliseconds from before `ask` to the arrival of the answer. */
  async time(name: string, ask: () => Promise<unknown>): Promise<number> {
    const arrived = new Promise<number>((resolve) => this.#arrivals.set(name, resolve));
    const startMs = performance.now();
    await ask();
    return (await arrived) - startMs;
  }

  stop(): void {
    this.#abort.abort();
  }
}

/** Writes of the controller so far, from the audit log: answers, and reservations in the authority record. */
async function countWrites(cluster: Cluster): Promise<{ statuses: number; reservations: number }> {
  await new Promise((resume) => setTimeout(resume, 1_000)); // a request is written down soon after it is answered
  const lines = (await readFile(cluster.auditLogPath ?? '', 'utf8')).split('\n').filter((line) => line !== '');
  let [statuses, records] = [0, 0];
  for (const line of lines) {
    const { verb, stage, objectRef, userAgent } = JSON.parse(line) as { verb: string; stage: string; userAgent?: string; objectRef?: { resource?: string; name?: string; namespace?: string } };
    const isWrite = stage === 'ResponseComplete' && userAgent?.startsWith('mtlsd') === true && ['create', 'update', 'patch', 'delete'].includes(verb);
    if (!isWrite) continue;
    if (objectRef?.resource === 'podcertificaterequests') statuses += 1;
    if (verb === 'update' && objectRef?.name?.startsWith('mtlsd-authorities-') === true) records += 1;
  }
  return { statuses, reservations: records };
}

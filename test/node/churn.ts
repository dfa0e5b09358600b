/** Pods that come and go by the hundred, each of which judges its files as its first deed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { identity, namespace, paths, serviceAccount, type Live, type Site } from '../cluster/controller-site.ts';
import { podOf } from './mesh.ts';
import type { NodeSite } from './node-site.ts';

const place = 'churn';
const path = `/api/v1/namespaces/${place}/pods`;
const accounts = Array.from({ length: 8 }, (_, index) => `account-${index}`);
/** Enough to keep the processors of the machine busy. */
const atOnce = 40;

/** How it went. */
export interface Churn {
  readonly created: number;
  readonly deleted: number;
  /** Pods that found a valid pair. */
  readonly valid: number;
  /** Pods that ran without one, with what they said. */
  readonly invalid: readonly string[];
}

/**
 * Makes `total` pods, both deliveries in turn, and deletes each: most when they have judged, every sixth in the middle of its
 * start. Half of the identities appear after their first pods, and one is deleted and made again half-way.
 */
export async function churn({ site }: NodeSite, total: number): Promise<Churn> {
  const [there, late] = [accounts.slice(0, 4), accounts.slice(4)];
  await site.apply(namespace(place), ...accounts.map((name) => serviceAccount(place, name)), ...there.map((name) => identity(place, name)));
  const counts = { created: 0, deleted: 0, valid: 0 };
  const invalid: string[] = [];
  while (counts.deleted < total) {
    const pods = await site.list(path);
    const finished = pods.filter((pod) => isOver(pod) || isImpatient(pod));
    for (const { metadata, status } of finished) {
      if (status?.['phase'] === 'Failed') invalid.push(`${metadata.name}: ${await site.kubectl(['logs', `--namespace=${place}`, metadata.name])}`);
      if (status?.['phase'] === 'Succeeded') counts.valid += 1;
    }
    await Promise.all(finished.map(async ({ metadata }) => site.remove(`${path}/${metadata.name}`)));
    counts.deleted += finished.length;
    const before = counts.created;
    const room = Math.min(atOnce - (pods.length - finished.length), total - before);
    await Promise.all(Array.from({ length: Math.max(0, room) }, async (_, index) => create(site, before + index)));
    counts.created += Math.max(0, room);
    if (before === 0) await site.apply(...late.map((name) => identity(place, name)));
    if (before < total / 2 && counts.created >= total / 2) {
      await site.remove(paths.identity(place, there[0] ?? ''));
      await site.apply(identity(place, there[0] ?? ''));
    }
    await sleep(200);
  }
  return { ...counts, invalid };
}

const isOver = ({ status }: Live): boolean => status?.['phase'] === 'Succeeded' || status?.['phase'] === 'Failed';

async function create(site: Site, index: number): Promise<void> {
  const { code, message } = await site.send('POST', path, churningPod(index));
  if (code !== 201) throw new Error(`pod ${index}: ${message}`);
}

/** Every sixth is deleted as soon as it is seen with a node, wherever its start is then. */
function isImpatient({ metadata, spec }: Live): boolean {
  return Number(metadata.name.slice('pod-'.length)) % 6 === 5 && spec?.['nodeName'] !== undefined;
}

function churningPod(index: number): object {
  const name = `pod-${index}`;
  const serviceAccountName = accounts[index % accounts.length];
  return podOf({ namespace: place, name, delivery: index % 2 === 0 ? 'secret' : 'pod-certificate' }, { image: 'mtlsd.test/go-peer:1', command: ['/peer', 'check'] }, { restartPolicy: 'Never', hostNetwork: true, serviceAccountName });
}

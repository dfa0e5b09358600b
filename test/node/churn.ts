/** Pods that come and go by the hundred, each of which judges its files as its first deed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { identity, namespace, serviceAccount, type Live } from '../cluster/controller-site.ts';
import { podOf } from './mesh.ts';
import type { NodeSite } from './node-site.ts';

const place = 'churn';
const path = `/api/v1/namespaces/${place}/pods`;
const accounts = Array.from({ length: 8 }, (_, index) => `account-${index}`);
/** More at once would only wait for the processors of the machine. */
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
 * start. Identities appear after their pods, and one is deleted and made again meanwhile.
 */
export async function churn({ site }: NodeSite, total: number): Promise<Churn> {
  const [there, late] = [accounts.slice(0, 4), accounts.slice(4)];
  await site.apply(namespace(place), ...accounts.map((name) => serviceAccount(place, name)), ...there.map((name) => identity(place, name)));
  const counts = { created: 0, deleted: 0, valid: 0 };
  const invalid: string[] = [];
  const judged = new Set<string>();
  while (counts.deleted < total) {
    const pods = await site.list(path);
    for (const pod of pods) {
      const { name } = pod.metadata;
      const phase = pod.status?.['phase'];
      if (phase === 'Failed') invalid.push(`${name}: ${await site.kubectl(['logs', `--namespace=${place}`, name])}`);
      if (phase === 'Succeeded') counts.valid += 1;
      if (phase !== 'Succeeded' && phase !== 'Failed' && !isImpatient(pod)) continue;
      await site.remove(`${path}/${name}`);
      judged.add(name);
      counts.deleted += 1;
    }
    const room = Math.min(atOnce - (pods.length - judged.size), total - counts.created);
    judged.clear();
    const names = Array.from({ length: Math.max(0, room) }, (_, index) => counts.created + index);
    if (names.length > 0) await site.apply(...names.map(churningPod));
    const before = counts.created;
    counts.created += names.length;
    if (before < total / 4 && counts.created >= total / 4) await site.apply(...late.map((name) => identity(place, name)));
    if (before < total / 2 && counts.created >= total / 2) {
      await site.remove(`/apis/mtlsd.io/v1alpha1/namespaces/${place}/workloadidentities/${there[0] ?? ''}`);
      await site.apply(identity(place, there[0] ?? ''));
    }
    await sleep(200);
  }
  return { ...counts, invalid };
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

/** Pods that come and go by the hundred, each of which judges its files as its first deed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { identity, namespace, paths, serviceAccount, type Live, type Site } from '../cluster/controller-site.ts';
import { podOf } from './mesh.ts';
import type { NodeSite } from './node-site.ts';

const place = 'churn';
const path = `/api/v1/namespaces/${place}/pods`;
const accounts = Array.from({ length: 8 }, (_, index) => `account-${index}`);
const [there, late] = [accounts.slice(0, 4), accounts.slice(4)];
/** Enough to keep the processors of the machine busy. */
const atOnce = 40;

/**
 * So many pods, both deliveries in turn. Each is deleted: most when they have judged, every sixth in the middle of its start.
 * Half of the identities appear after their first pods, and one is deleted and made again half-way.
 */
export class Churn {
  readonly #site: Site;
  readonly #total: number;
  created = 0;
  deleted = 0;
  /** Pods that found a valid pair. */
  valid = 0;
  /** Pods that ran without one, with what they said. */
  readonly invalid: string[] = [];

  constructor({ site }: NodeSite, total: number) {
    this.#site = site;
    this.#total = total;
  }

  /** Goes on until all have come and gone, or for as long as is said. */
  async goOn(mayGoOn: () => boolean = () => true): Promise<void> {
    if (this.created === 0) await this.#site.apply(namespace(place), ...accounts.map((name) => serviceAccount(place, name)), ...there.map((name) => identity(place, name)));
    while (this.deleted < this.#total && mayGoOn()) {
      const pods = await this.#site.list(path);
      const finished = pods.filter((pod) => isOver(pod) || isImpatient(pod));
      for (const pod of finished) await this.#note(pod);
      await Promise.all(finished.map(async ({ metadata }) => this.#site.remove(`${path}/${metadata.name}`)));
      this.deleted += finished.length;
      await this.#create(Math.min(atOnce - (pods.length - finished.length), this.#total - this.created));
      await sleep(200);
    }
  }

  async #note({ metadata, status }: Live): Promise<void> {
    if (status?.['phase'] === 'Failed') this.invalid.push(`${metadata.name}: ${await this.#site.kubectl(['logs', `--namespace=${place}`, metadata.name])}`);
    if (status?.['phase'] === 'Succeeded') this.valid += 1;
  }

  async #create(count: number): Promise<void> {
    const before = this.created;
    await Promise.all(Array.from({ length: Math.max(0, count) }, async (_, index) => create(this.#site, before + index)));
    this.created += Math.max(0, count);
    if (before === 0) await this.#site.apply(...late.map((name) => identity(place, name)));
    if (before < this.#total / 2 && this.created >= this.#total / 2) {
      await this.#site.remove(paths.identity(place, there[0] ?? ''));
      await this.#site.apply(identity(place, there[0] ?? ''));
    }
  }
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

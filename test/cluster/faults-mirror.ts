/** Follows a watch and checks what it promises on the way: frozen objects, no deletion of something else, no overlap. */
import { expect, vi } from 'vitest';
import type { ConfigMap } from '../../src/resources/index.ts';
import type { KubernetesStore } from '../../src/store/kubernetes/index.ts';
import type { WatchSelector } from '../../src/store/port.ts';
import type { Cluster } from './cluster.ts';

/** What the watch has shown so far. */
export class Mirror implements AsyncDisposable {
  readonly objects = new Map<string, ConfigMap>();
  snapshots = 0;
  /** Messages of interruptions; `goes on` when they were over. */
  readonly news: string[] = [];
  /** Broken promises. A handler must not throw: the watch would begin anew and hide them. */
  readonly violations: string[] = [];
  readonly #stop = new AbortController();

  constructor(store: KubernetesStore, selector: WatchSelector = { namespace: 'faults' }) {
    const handler = {
      snapshot: (all: readonly ConfigMap[]) => {
        this.snapshots += 1;
        this.objects.clear();
        for (const object of all) this.#set(object);
      },
      upsert: (object: ConfigMap) => this.#set(object),
      remove: (last: ConfigMap) => {
        if (this.objects.get(last.metadata.name)?.metadata.uid !== last.metadata.uid) this.violations.push(`${last.metadata.name} of another uid was removed`);
        this.objects.delete(last.metadata.name);
      },
      interrupted: (error: Error | undefined) => {
        this.news.push(error?.message ?? 'goes on');
      },
    };
    store.watch('ConfigMap', selector, handler, this.#stop.signal);
  }

  /** `name=uid/resourceVersion`, sorted. */
  get states(): readonly string[] {
    return [...this.objects.values()].map(({ metadata }) => `${metadata.name}=${metadata.uid}/${metadata.resourceVersion}`).sort();
  }

  /** Waits until it shows exactly what kubectl lists. */
  async converges(cluster: Cluster): Promise<void> {
    expect(this.violations).toEqual([]);
    await vi.waitFor(async () => expect(this.states).toEqual(await truth(cluster)), { timeout: 30_000, interval: 100 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
  }

  #set(object: ConfigMap): void {
    if (!Object.isFrozen(object) || !Object.isFrozen(object.metadata)) this.violations.push(`${object.metadata.name} is not frozen`);
    const known = this.objects.get(object.metadata.name);
    if (known !== undefined && known.metadata.uid !== object.metadata.uid) this.violations.push(`${object.metadata.name} got another uid without a removal`);
    this.objects.set(object.metadata.name, object);
  }
}

/** The same of what the API server has. */
async function truth(cluster: Cluster): Promise<readonly string[]> {
  const { stdout } = await cluster.kubectl(['get', 'configmaps', '-n', 'faults', '-o', 'json']);
  const { items } = JSON.parse(stdout) as { items: readonly ConfigMap[] };
  return items.map(({ metadata }) => `${metadata.name}=${metadata.uid}/${metadata.resourceVersion}`).sort();
}

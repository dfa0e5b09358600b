import { isDeepStrictEqual } from 'node:util';
import { identityAskedFor, injectLabel, injectValues, settings, volumeName } from '../../injection/index.ts';
import type { Pod, WorkloadIdentity } from '../../resources/index.ts';
import type { Store, WatchHandler } from '../../store/port.ts';
import { claimOf } from '../workload-identity/indexes.ts';

/** What of a pod decides whether it gets its identity: the rest of thousands of pods is not kept. */
function keptOf({ apiVersion, kind, metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp, labels, annotations } = metadata;
  const { serviceAccountName, nodeName } = spec;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      uid,
      resourceVersion,
      creationTimestamp,
      ...(namespace === undefined ? {} : { namespace }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      labels: said(labels),
      annotations: said(annotations),
    },
    spec: {
      ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
      ...(nodeName === undefined ? {} : { nodeName }),
      volumes: (spec.volumes ?? []).filter((volume) => volume.name === volumeName),
      containers: [],
    },
    status: status?.phase === undefined ? {} : { phase: status.phase },
  };
}

const words: readonly string[] = [injectLabel, ...Object.values(settings)];

function said(metadata: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(words.flatMap((word) => (metadata[word] === undefined ? [] : [[word, metadata[word]]])));
}

/** Pods that carry the label, as `keptOf` keeps them: filled by a watch for each value of the label, no other pods are seen. */
export class InjectedPods {
  /** By `namespace/name`, with the value of the label whose watch told of it. */
  readonly #pods = new Map<string, { readonly value: string; readonly pod: Pod }>();
  /** Pods by the identities that they hang on: `keysOf`. */
  readonly #index = new Map<string, Set<string>>();
  readonly #listeners: ((pod: Pod) => void)[] = [];
  readonly #synced: Promise<unknown>;

  constructor(store: Pick<Store, 'watch'>, interrupted: (error: Error | undefined) => void, signal: AbortSignal) {
    this.#synced = Promise.all(
      injectValues.map(async (value) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        store.watch('Pod', { labels: { [injectLabel]: value } }, this.#handler(value, resolve, interrupted), signal);
        return promise;
      }),
    );
  }

  /** Resolves when every pod was seen once. */
  async whenSynced(): Promise<void> {
    await this.#synced;
  }

  get(namespace: string, name: string): Pod | undefined {
    return this.#pods.get(`${namespace}/${name}`)?.pod;
  }

  /** Pods that ask for this identity, or mount its Secret. */
  concernedBy(identity: WorkloadIdentity): readonly Pod[] {
    const { namespace = '', name } = identity.metadata;
    const ids = new Set([`secret ${claimOf(identity)}`, `identity ${namespace}/${name}`].flatMap((key) => [...(this.#index.get(key) ?? [])]));
    return [...ids].flatMap((id) => this.#pods.get(id)?.pod ?? []);
  }

  all(): readonly Pod[] {
    return [...this.#pods.values()].map(({ pod }) => pod);
  }

  /** Calls `listener` with each pod that came, went, or changed in what is kept of it. */
  onChange(listener: (pod: Pod) => void): void {
    this.#listeners.push(listener);
  }

  #handler(value: string, filled: () => void, interrupted: (error: Error | undefined) => void): WatchHandler<Pod> {
    return {
      snapshot: (pods) => {
        const ids = new Set(pods.map(idOf));
        for (const [id, known] of this.#pods) if (known.value === value && !ids.has(id)) this.#delete(id);
        for (const pod of pods) this.#put(value, pod);
        filled();
      },
      upsert: (pod) => this.#put(value, pod),
      remove: (last) => {
        const known = this.#pods.get(idOf(last));
        // It may be seen by another watch by now, or another pod of the same name.
        if (known?.value === value && known.pod.metadata.uid === last.metadata.uid) this.#delete(idOf(last));
      },
      interrupted,
    };
  }

  #put(value: string, pod: Pod): void {
    const before = this.#pods.get(idOf(pod));
    const kept = keptOf(pod);
    this.#file(before?.pod, kept);
    this.#pods.set(idOf(pod), { value, pod: kept });
    if (before === undefined || !isDeepStrictEqual(withoutVersion(before.pod), withoutVersion(kept))) this.#tell(kept);
  }

  #delete(id: string): void {
    const known = this.#pods.get(id);
    this.#pods.delete(id);
    if (known === undefined) return;
    this.#file(known.pod, undefined);
    this.#tell(known.pod);
  }

  #file(before: Pod | undefined, after: Pod | undefined): void {
    for (const key of keysOf(before)) {
      const ids = this.#index.get(key);
      if (before !== undefined && ids?.delete(idOf(before)) === true && ids.size === 0) this.#index.delete(key);
    }
    for (const key of keysOf(after)) if (after !== undefined) this.#index.set(key, (this.#index.get(key) ?? new Set()).add(idOf(after)));
  }

  #tell(pod: Pod): void {
    for (const listener of this.#listeners) listener(pod);
  }
}

function keysOf(pod: Pod | undefined): readonly string[] {
  if (pod === undefined) return [];
  const { namespace = '' } = pod.metadata;
  const secrets = (pod.spec.volumes ?? []).flatMap(({ secret }) => secret?.secretName ?? []);
  return [`identity ${namespace}/${identityAskedFor(pod)}`, ...secrets.map((name) => `secret ${namespace}/${name}`)];
}

function withoutVersion({ metadata, spec, status }: Pod): unknown {
  return [{ ...metadata, resourceVersion: '' }, spec, status];
}

function idOf({ metadata }: Pod): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

import { isDeepStrictEqual } from 'node:util';
import { identityAskedFor, injectLabel, injectValues, settings, volumeName } from '../../injection/index.ts';
import type { Pod, WorkloadIdentity } from '../../resources/index.ts';
import type { WatchHandler } from '../../store/port.ts';
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

/** Pods that carry the label, as `keptOf` keeps them: of a watch of all pods, the others are let go. */
export class InjectedPods {
  /** By `namespace/name`. */
  readonly #pods = new Map<string, Pod>();
  /** Pods by the identities that they hang on: `keysOf`. */
  readonly #index = new Map<string, Set<string>>();
  readonly #listeners: ((pod: Pod) => void)[] = [];
  readonly #synced = Promise.withResolvers<void>();

  /** Resolves when every pod was seen once. */
  async whenSynced(): Promise<void> {
    await this.#synced.promise;
  }

  get(namespace: string, name: string): Pod | undefined {
    return this.#pods.get(`${namespace}/${name}`);
  }

  /** Pods that ask for this identity, or mount its Secret. */
  concernedBy(identity: WorkloadIdentity): readonly Pod[] {
    const { namespace = '', name } = identity.metadata;
    const ids = new Set([`secret ${claimOf(identity)}`, `identity ${namespace}/${name}`].flatMap((key) => [...(this.#index.get(key) ?? [])]));
    return [...ids].flatMap((id) => this.#pods.get(id) ?? []);
  }

  all(): readonly Pod[] {
    return [...this.#pods.values()];
  }

  /** Calls `listener` with each pod that came, went, or changed in what is kept of it. */
  onChange(listener: (pod: Pod) => void): void {
    this.#listeners.push(listener);
  }

  /** What a watch of pods fills it with. */
  handler(): WatchHandler<Pod> {
    return {
      snapshot: (pods) => {
        const ids = new Set(pods.map(idOf));
        for (const id of this.#pods.keys()) if (!ids.has(id)) this.#delete(id);
        for (const pod of pods) this.#put(pod);
        this.#synced.resolve();
      },
      upsert: (pod) => this.#put(pod),
      remove: (last) => {
        // It may be another pod of the same name by now.
        if (this.#pods.get(idOf(last))?.metadata.uid === last.metadata.uid) this.#delete(idOf(last));
      },
    };
  }

  #put(pod: Pod): void {
    const id = idOf(pod);
    if (!asks(pod)) {
      this.#delete(id);
      return;
    }
    const before = this.#pods.get(id);
    const kept = keptOf(pod);
    this.#file(before, kept);
    this.#pods.set(id, kept);
    if (before === undefined || !isDeepStrictEqual(withoutVersion(before), withoutVersion(kept))) this.#tell(kept);
  }

  #delete(id: string): void {
    const known = this.#pods.get(id);
    if (known === undefined) return;
    this.#pods.delete(id);
    this.#file(known, undefined);
    this.#tell(known);
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

function asks({ metadata }: Pod): boolean {
  return injectValues.some((value) => metadata.labels?.[injectLabel] === value);
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

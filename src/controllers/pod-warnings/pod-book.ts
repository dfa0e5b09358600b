import { isDeepStrictEqual } from 'node:util';
import { isMtlsdError } from '../../errors/index.ts';
import type { Pod } from '../../resources/index.ts';
import type { WatchHandler } from '../../store/port.ts';
import { factsOfPod, type PodFacts } from './uses.ts';

/** Called with each place whose pods changed: a Secret (`namespace/name`), or a service account whose pods have certificates. */
type PodListener = (change: { readonly secret: string } | { readonly account: string }) => void;

/**
 * The pods that mount a Secret, or a pod certificate of ours, by what they mount: filled by a watch of all pods, of which
 * nothing else is kept. Which Secrets are ours may change; which pod mounts what does not.
 */
export class PodBook {
  readonly #pods = new Map<string, PodFacts>();
  readonly #bySecret = new Map<string, Set<string>>();
  readonly #byAccount = new Map<string, Set<string>>();
  readonly #listeners: PodListener[] = [];
  #synced = Promise.withResolvers<void>();
  #isSynced = false;
  #refused = Promise.withResolvers<void>();
  #whyRefused: string | undefined;

  /** Calls `listener` after each change. */
  onChange(listener: PodListener): void {
    this.#listeners.push(listener);
  }

  /** Whether all pods were seen once: nothing may be concluded from the absence of one before. */
  get synced(): boolean {
    return this.#isSynced;
  }

  /** Resolves when all pods were seen once. */
  async whenSynced(): Promise<void> {
    await this.#synced.promise;
  }

  /** Resolves when pods may not be seen: `whyUnknown` says which right is missing. */
  async whenRefused(): Promise<void> {
    await this.#refused.promise;
  }

  /** Why pods are not known; undefined when they are, or are about to be. */
  get whyUnknown(): string | undefined {
    return this.#isSynced ? undefined : this.#whyRefused;
  }

  /** Pods that mount a Secret, `namespace/name`. */
  mounting(secret: string): readonly PodFacts[] {
    return this.#found(this.#bySecret.get(secret));
  }

  /** Pods of a service account (`namespace/name`) with a pod certificate. */
  certified(account: string): readonly PodFacts[] {
    return this.#found(this.#byAccount.get(account));
  }

  /** Whether a pod of that name is kept, and runs. */
  runs(namespace: string, name: string): boolean {
    return this.#pods.get(`${namespace}/${name}`)?.running === true;
  }

  /** What a watch of pods fills it with. */
  handler(): WatchHandler<Pod> {
    return {
      snapshot: (pods) => {
        const ids = new Set(pods.map(idOf));
        for (const pod of pods) this.#set(idOf(pod), factsOfPod(pod));
        for (const id of this.#pods.keys()) if (!ids.has(id)) this.#set(id, undefined);
        this.#isSynced = true;
        this.#synced.resolve();
      },
      upsert: (pod) => this.#set(idOf(pod), factsOfPod(pod)),
      remove: (last) => {
        if (this.#pods.get(idOf(last))?.uid === last.metadata.uid) this.#set(idOf(last), undefined);
      },
      interrupted: (error) => {
        if (!isMtlsdError(error, 'STORE_FORBIDDEN')) return;
        this.#whyRefused = error.message;
        this.#refused.resolve();
      },
    };
  }

  #found(ids: ReadonlySet<string> | undefined): readonly PodFacts[] {
    return [...(ids ?? [])].map((id) => this.#pods.get(id)).filter((facts) => facts !== undefined);
  }

  #set(id: string, facts: PodFacts | undefined): void {
    const before = this.#pods.get(id);
    if (isDeepStrictEqual(before, facts)) return;
    if (before !== undefined) this.#index(id, before, false);
    if (facts === undefined) this.#pods.delete(id);
    else {
      this.#pods.set(id, facts);
      this.#index(id, facts, true);
    }
    for (const change of changesOf(before, facts)) for (const listener of this.#listeners) listener(change);
  }

  #index(id: string, { namespace, serviceAccountName, uses }: PodFacts, there: boolean): void {
    for (const { secretName } of uses) {
      const index = secretName === undefined ? this.#byAccount : this.#bySecret;
      const key = `${namespace}/${secretName ?? serviceAccountName}`;
      const ids = index.get(key) ?? new Set<string>();
      if (there) index.set(key, ids.add(id));
      else if (ids.delete(id) && ids.size === 0) index.delete(key);
    }
  }
}

function changesOf(...states: readonly (PodFacts | undefined)[]): readonly Parameters<PodListener>[0][] {
  const secrets = new Set<string>();
  const accounts = new Set<string>();
  for (const { namespace, serviceAccountName, uses } of states.filter((state) => state !== undefined)) {
    for (const { secretName } of uses) {
      if (secretName === undefined) accounts.add(`${namespace}/${serviceAccountName}`);
      else secrets.add(`${namespace}/${secretName}`);
    }
  }
  return [...[...secrets].map((secret) => ({ secret })), ...[...accounts].map((account) => ({ account }))];
}

function idOf({ metadata }: Pod): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

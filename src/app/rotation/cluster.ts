import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { isMtlsdError, MtlsdError } from '../../errors/index.ts';
import { receiptsPrefix, type CARotation, type CARotationSpec } from '../../resources/index.ts';
import { publicKeysEntry } from '../../rotation/receipt/index.ts';
import { openKubernetesStore, type KubernetesStore } from '../../store/kubernetes/index.ts';
import type { Log } from '../../telemetry/index.ts';
import { systemClock } from '../clock.ts';
import type { ClusterAddress } from '../overview/cluster-overview.ts';
import { listOnce } from '../overview/list-once.ts';
import { Mirror } from '../overview/mirror.ts';
import type { Around } from './around.ts';
import { requireValid, type RotationDraft, type RotationSight, type RotationSite } from './site.ts';
import { probeConfigMaps, type WriteProbe } from './write-probe.ts';

/** How long a person waits for an API server before being told what is wrong with it. */
const patienceMs = 10_000;
/** Somebody else changed the object meanwhile, at most so often in a row. */
const triesMax = 8;

/** Where a cluster is, and where mtlsd is in it. */
export interface RotationClusterAddress extends ClusterAddress {
  readonly namespace: string;
}

/** The CARotations of a cluster, through its API server. */
export class RotationCluster implements RotationSite {
  readonly kind = 'cluster';
  readonly options: string;
  readonly #store: KubernetesStore;
  readonly #namespace: string;
  readonly #abort = new AbortController();
  readonly #mirror: Mirror;

  private constructor(store: KubernetesStore, namespace: string, options: string) {
    this.#store = store;
    this.#namespace = namespace;
    this.options = options;
    this.#mirror = new Mirror(store, this.#abort.signal);
  }

  /** @throws CONFIGURATION_INVALID, STORE_UNAVAILABLE, STORE_FORBIDDEN when the cluster cannot be read */
  static async open({ namespace, ...address }: RotationClusterAddress, options: string, log: Log): Promise<RotationCluster> {
    const store = openKubernetesStore({ ...address, environment: process.env, fieldManager: 'mtlsd-cli', log, random: Math.random, nowMs: () => systemClock.nowMs() });
    const site = new RotationCluster(store, namespace, options);
    try {
      await site.#filled();
      return site;
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  async look(): Promise<RotationSight> {
    return Promise.resolve({ ...this.#mirror.sight(), sourceProblems: [] });
  }

  async around(): Promise<Around> {
    try {
      const [pods, nodes] = await Promise.all([listOnce(this.#store, 'Pod'), listOnce(this.#store, 'Node')]);
      return { pods, nodes };
    } catch (error) {
      if (!isMtlsdError(error, 'STORE_FORBIDDEN')) throw error;
      return { unknown: error.message };
    }
  }

  async probeWrites(): Promise<WriteProbe | { readonly unmeasured: string }> {
    return probeConfigMaps(this.#store, this.#namespace, randomUUID().slice(0, 8));
  }

  async create(draft: RotationDraft): Promise<void> {
    requireValid(draft);
    await this.#store.write(draft, 'absent');
    await this.#untilSeen(draft.metadata.name);
  }

  async change(name: string, edit: (spec: CARotationSpec) => CARotationSpec): Promise<void> {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const stored = await this.#store.get({ kind: 'CARotation', name });
      if (stored === undefined) throw new MtlsdError('ROTATION_NOT_FOUND', `there is no CARotation ${name}: \`mtlsd status\` lists those that there are`, { details: { rotation: name } });
      const spec = edit(stored.spec);
      if (isDeepStrictEqual(spec, stored.spec)) return;
      const { uid, resourceVersion, labels, annotations, finalizers } = stored.metadata;
      const metadata = { name, ...(labels && { labels }), ...(annotations && { annotations }), ...(finalizers && { finalizers }) };
      try {
        await this.#store.write({ apiVersion: stored.apiVersion, kind: 'CARotation', metadata, spec }, { uid, resourceVersion });
        return;
      } catch (error) {
        if (!isMtlsdError(error, 'STORE_CONFLICT')) throw error;
      }
    }
    throw new MtlsdError('STORE_UNAVAILABLE', `CARotation ${name} changes all the time: try again`, { details: { object: `CARotation ${name}` } });
  }

  async rotation(name: string): Promise<CARotation | undefined> {
    return Promise.resolve(this.#mirror.sight().rotations.find(({ metadata }) => metadata.name === name));
  }

  async receipt({ status }: CARotation): Promise<string | undefined> {
    if (status?.receipt === undefined) return undefined;
    const { configMap, key } = status.receipt;
    return (await this.#store.get({ kind: 'ConfigMap', namespace: this.#namespace, name: configMap }))?.data[key];
  }

  async publicKeys(trustDomain: string): Promise<string> {
    return (await this.#store.get({ kind: 'ConfigMap', namespace: this.#namespace, name: `${receiptsPrefix}${trustDomain}` }))?.data[publicKeysEntry] ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#store.close();
  }

  /** What was written comes back through the watch. */
  async #untilSeen(name: string): Promise<void> {
    const endMs = performance.now() + patienceMs;
    while (performance.now() < endMs && !this.#mirror.sight().rotations.some(({ metadata }) => metadata.name === name)) await sleep(50);
  }

  /** A watch waits for ever; a person asks once more, plainly, and is told what the answer was. */
  async #filled(): Promise<void> {
    const patience = new AbortController();
    const late = sleep(patienceMs, 'late' as const, { signal: patience.signal }).catch(() => 'late' as const);
    try {
      if ((await Promise.race([this.#mirror.whenFilled(), late])) !== 'late') return;
    } finally {
      patience.abort();
    }
    await this.#store.get({ kind: 'CARotation', name: 'none' });
    throw new MtlsdError('STORE_UNAVAILABLE', 'the API server answers, but not with TrustDomains, WorkloadIdentities and CARotations: are the CRDs installed, and those of this version (kubectl apply -f crds/)?', { details: { object: 'CARotation' } });
  }
}

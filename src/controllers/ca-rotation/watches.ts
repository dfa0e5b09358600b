import type { Lease, Node, Pod } from '../../resources/index.ts';
import type { ReplicaView } from '../../rotation/ca/index.ts';
import type { Kind, Watched, WatchSelector } from '../../store/port.ts';
import type { Clock } from '../../telemetry/index.ts';
import type { ControllerContext } from '../context.ts';
import { signerEpochsAnnotation } from '../leadership/leadership.ts';
import { Cache } from '../runtime/cache.ts';
import type { NodeLease } from './consumers.ts';

/** Where kubelets renew their Leases. */
const nodeLeaseNamespace = 'kube-node-lease';

/**
 * What is watched only while a rotation is under way: pods and nodes, the Leases of kubelets and of our own replicas. Times
 * are of our own clock, at the sight of a change: clocks of different machines are never compared.
 */
export class RotationWatches {
  readonly #context: ControllerContext;
  #abort: AbortController | undefined;
  #pods: Cache<Pod> | undefined;
  #nodes: Cache<Node> | undefined;
  #nodeLeases: Sightings | undefined;
  #replicas: Sightings | undefined;

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /** Starts watching, unless it does already. Where there is no cluster there is nothing to watch. */
  open(): void {
    if (this.#abort !== undefined || this.#context.cluster === undefined) return;
    this.#abort = new AbortController();
    this.#pods = this.#watch('Pod', {});
    this.#nodes = this.#watch('Node', {});
    this.#nodeLeases = new Sightings(this.#watch('Lease', { namespace: nodeLeaseNamespace }), this.#context.clock);
    this.#replicas = new Sightings(this.#watch('Lease', { namespace: this.#context.systemNamespace }), this.#context.clock);
  }

  close(): void {
    this.#abort?.abort();
    this.#abort = undefined;
  }

  /** Why pods and nodes are not known; undefined when they are, or when there are none. */
  get unknown(): string | undefined {
    if (this.#context.cluster === undefined) return undefined;
    const missing = [this.#pods?.whyUnknown(''), this.#nodes?.whyUnknown(''), this.#nodeLeases?.cache.whyUnknown(nodeLeaseNamespace)];
    if (this.#abort === undefined) return 'pods and nodes, which are not watched yet';
    const why = missing.find((each) => each !== undefined);
    return why === undefined ? undefined : `pods and nodes: ${why}`;
  }

  pods(): Iterable<Pod> {
    return this.#pods?.values() ?? [];
  }

  node(name: string): Node | undefined {
    return this.#nodes?.get(undefined, name);
  }

  /** The Lease of a node's kubelet; undefined when there is none, or none was seen yet. */
  nodeLease(node: string): NodeLease | undefined {
    const lease = this.#nodeLeases?.cache.get(nodeLeaseNamespace, node);
    if (lease === undefined || this.#nodeLeases === undefined) return undefined;
    return { ...this.#nodeLeases.of(node), durationMs: (lease.spec.leaseDurationSeconds ?? 0) * 1000 };
  }

  /** The replicas that hold a lease to sign for a trust domain; undefined while that is not known. */
  replicas(trustDomain: string): readonly ReplicaView[] | undefined {
    const replicas = this.#replicas;
    if (this.#context.cluster === undefined) return [];
    if (this.#abort === undefined || replicas?.cache.synced !== true) return undefined;
    return [...replicas.cache.values()].flatMap((lease) => {
      const signerEpoch = epochIn(lease, trustDomain);
      if (signerEpoch === undefined) return [];
      const leaseEndsAtMs = replicas.seenAtMs(lease.metadata.name) + (lease.spec.leaseDurationSeconds ?? 0) * 1000;
      return [{ name: lease.metadata.name, signerEpoch, leaseEndsAtMs }];
    });
  }

  #watch<K extends Kind>(kind: K, selector: WatchSelector): Cache<Watched<K>> {
    const { store, metrics } = this.#context;
    const signal = this.#abort?.signal ?? AbortSignal.abort();
    return Cache.watching(store, kind, [selector], signal, (error) => (error === undefined ? undefined : metrics.storeInterrupted(kind)));
  }
}

/** When each Lease was seen in its present state, and when it was last seen to change. */
class Sightings {
  readonly cache: Cache<Lease>;
  readonly #clock: Clock;
  readonly #first = new Map<string, number>();
  readonly #seen = new Map<string, number>();
  readonly #renewed = new Map<string, number>();

  constructor(cache: Cache<Lease>, clock: Clock) {
    this.cache = cache;
    this.#clock = clock;
    cache.onChange((before, after) => {
      if (after === undefined) return;
      const { name } = after.metadata;
      if (!this.#first.has(name)) this.#first.set(name, clock.nowMs());
      this.#seen.set(name, clock.nowMs());
      // The first sight of a Lease says nothing of when it was renewed.
      if (before !== undefined && before.spec.renewTime !== after.spec.renewTime) this.#renewed.set(name, clock.nowMs());
    });
  }

  seenAtMs(name: string): number {
    return this.#seen.get(name) ?? this.#clock.nowMs();
  }

  of(name: string): Pick<NodeLease, 'watchedSinceMs' | 'renewedAtMs'> {
    return { watchedSinceMs: this.#first.get(name) ?? this.#clock.nowMs(), renewedAtMs: this.#renewed.get(name) };
  }
}

function epochIn({ metadata }: Lease, trustDomain: string): number | undefined {
  try {
    const epochs = JSON.parse(metadata.annotations?.[signerEpochsAnnotation] ?? '{}') as Readonly<Record<string, unknown>>;
    const epoch = epochs[trustDomain];
    return typeof epoch === 'number' ? epoch : undefined;
  } catch {
    return undefined; // nobody can sign under what nobody can read
  }
}

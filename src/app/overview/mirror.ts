import { isMtlsdError } from '../../errors/index.ts';
import type { CARotation, ClusterWorkloadIdentity, StoredObject, TrustDomain, WorkloadIdentity } from '../../resources/index.ts';
import type { Store, WatchHandler } from '../../store/port.ts';
import type { Sight } from './sight.ts';
import { overviewOf, type Overview, type ProblemRow } from './overview.ts';

/** The API objects of a store as they are now, for whoever shows them. */
export class Mirror {
  readonly #trustDomains = new Map<string, TrustDomain>();
  readonly #identities = new Map<string, WorkloadIdentity>();
  readonly #rotations = new Map<string, CARotation>();
  readonly #clusterIdentities = new Map<string, ClusterWorkloadIdentity>();
  readonly #listeners: (() => void)[] = [];
  readonly #filled: Promise<unknown>;

  constructor(store: Store, signal: AbortSignal) {
    const kinds = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    store.watch('TrustDomain', {}, this.#handler(this.#trustDomains, kinds[0]), signal);
    store.watch('WorkloadIdentity', {}, this.#handler(this.#identities, kinds[1]), signal);
    // Not waited for: an API server whose definitions are older has none, and nothing else depends on them.
    store.watch('ClusterWorkloadIdentity', {}, this.#handler(this.#clusterIdentities), signal);
    store.watch('CARotation', {}, this.#handler(this.#rotations, kinds[2]), signal);
    this.#filled = Promise.all(kinds.map(async (kind) => kind.promise));
    // Whoever waits is told; nobody has to.
    this.#filled.catch(() => undefined);
  }

  /** Resolves when everything that there is has been seen once. @throws STORE_FORBIDDEN at once when it may not be seen */
  async whenFilled(): Promise<void> {
    await this.#filled;
  }

  overview(sourceProblems: readonly ProblemRow[], nowMs: number): Overview {
    return overviewOf(this.sight(), sourceProblems, nowMs);
  }

  /** The objects themselves. */
  sight(): Sight {
    return { trustDomains: [...this.#trustDomains.values()], identities: [...this.#identities.values()], rotations: [...this.#rotations.values()], clusterIdentities: [...this.#clusterIdentities.values()] };
  }

  /** Calls `listener` after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  #handler<T extends StoredObject>(into: Map<string, T>, first?: PromiseWithResolvers<void>): WatchHandler<T> {
    const changed = (): void => {
      for (const listener of this.#listeners) listener();
    };
    return {
      snapshot: (objects) => {
        into.clear();
        for (const object of objects) into.set(idOf(object), object);
        first?.resolve();
        changed();
      },
      upsert: (object) => {
        into.set(idOf(object), object);
        changed();
      },
      remove: (last) => {
        into.delete(idOf(last));
        changed();
      },
      interrupted: (error) => (isMtlsdError(error, 'STORE_FORBIDDEN') ? first?.reject(error) : undefined),
    };
  }
}

function idOf(object: StoredObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

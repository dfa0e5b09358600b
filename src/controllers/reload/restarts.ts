import { isMtlsdError } from '../../errors/index.ts';
import type { PodDisruptionBudget } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import type { PodFacts } from '../pod-warnings/uses.ts';
import type { Cache } from '../runtime/cache.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import type { QueueKey } from '../runtime/queue.ts';
import { nameOf, planRestarts, type RestartPlan, type Wanted } from './restart-plan.ts';
import { withMark, workloadKinds, type Workload, type WorkloadPlace } from './workload.ts';

/** While something is waited for, it is looked at so often: nothing of workloads is watched. */
const lookMs = 5_000;
/** And sooner after a restart: what is small is rolled out in a moment. */
const soonMs = 1_000;

/** What an identity wants to be restarted. */
interface Wish {
  readonly namespace: string;
  readonly mark: string;
  readonly owners: ReadonlyMap<string, NonNullable<PodFacts['owner']>>;
}

/** How it stands with the owner of a pod: `done`, or what it waits for; by hand: nothing can be restarted there. */
export type RestartState = 'done' | { readonly waitsFor: string; readonly byHand: boolean };

/**
 * Restarts workloads, by namespace: those that identities want to be restarted for a bundle, one after the other. Nothing has
 * to be remembered: that a workload was restarted for a bundle stands in its template.
 */
export class Restarts implements Reconciler {
  readonly kind = 'Restart';
  readonly #context: Pick<ControllerContext, 'store' | 'clock' | 'log' | 'events'>;
  readonly #budgets: Cache<PodDisruptionBudget>;
  readonly #changed: (identity: string) => void;
  /** By `namespace/name` of the identity. */
  readonly #wishes = new Map<string, Wish>();
  /** By namespace, owner and mark: what was found out last. */
  readonly #states = new Map<string, RestartState>();
  /** By namespace and owner: a ReplicaSet goes when it was replaced, and its Deployment stays. */
  readonly #places = new Map<string, WorkloadPlace>();

  /** @param changed is told of an identity when something of what it wants stands otherwise */
  constructor(context: Pick<ControllerContext, 'store' | 'clock' | 'log' | 'events'>, budgets: Cache<PodDisruptionBudget>, changed: (identity: string) => void) {
    this.#context = context;
    this.#budgets = budgets;
    this.#changed = changed;
  }

  deadlineMs(): undefined {
    return undefined;
  }

  /** From now on these owners of pods are to be restarted for `mark`. Returns whether that is new. */
  want(identity: string, namespace: string, mark: string, owners: readonly NonNullable<PodFacts['owner']>[]): boolean {
    const before = this.#wishes.get(identity);
    const wish = { namespace, mark, owners: new Map(owners.map((owner) => [ownerKey(owner), owner])) };
    this.#wishes.set(identity, wish);
    return before?.mark !== mark || [...wish.owners.keys()].some((key) => !before.owners.has(key));
  }

  forget(identity: string): void {
    const wish = this.#wishes.get(identity);
    this.#wishes.delete(identity);
    if (wish === undefined || [...this.#wishes.values()].some(({ namespace }) => namespace === wish.namespace)) return;
    // Nobody wants anything in the namespace any more.
    for (const map of [this.#states, this.#places]) for (const key of map.keys()) if (key.startsWith(`${wish.namespace}/`)) map.delete(key);
  }

  /** How it stands with an owner; undefined before it was looked at. */
  stateOf(namespace: string, owner: NonNullable<PodFacts['owner']>, mark: string): RestartState | undefined {
    return this.#states.get(stateKey(namespace, ownerKey(owner), mark));
  }

  async reconcile({ name: namespace }: QueueKey): Promise<Outcome> {
    const { states, wanted } = await this.#lookAt(namespace);
    const plan = planRestarts([...new Set(wanted.values())], this.#budgets.byIndex('namespace', namespace));
    for (const [key, each] of wanted) states.set(key, stateIn(plan, each));
    if (plan.restart !== undefined) await this.#restart(namespace, plan.restart);
    this.#note(namespace, states);
    const isOpen = [...states.values()].some((state) => state !== 'done');
    return isOpen ? { nextAtMs: this.#context.clock.nowMs() + (plan.restart === undefined ? lookMs : soonMs) } : {};
  }

  /** By state key: the workloads that are wanted and not done, the same one for all who want the same of it; and what is known of the others. */
  async #lookAt(namespace: string): Promise<{ readonly states: Map<string, RestartState>; readonly wanted: Map<string, Wanted> }> {
    const states = new Map<string, RestartState>();
    const wanted = new Map<string, Wanted>();
    const known = new Map<string, Wanted>();
    for (const wish of this.#wishes.values()) {
      for (const [ownerName, owner] of wish.namespace === namespace ? wish.owners : []) {
        const key = stateKey(namespace, ownerName, wish.mark);
        if (this.#states.get(key) === 'done' || wanted.has(key) || states.has(key)) continue;
        const found = await this.#workloadOf(namespace, owner);
        if ('state' in found) states.set(key, found.state);
        else {
          const id = `${found.workload.kind} ${found.workload.metadata.name} ${wish.mark}`;
          known.set(id, known.get(id) ?? { workload: found.workload, mark: wish.mark });
          wanted.set(key, known.get(id) as Wanted);
        }
      }
    }
    return { states, wanted };
  }

  #note(namespace: string, states: ReadonlyMap<string, RestartState>): void {
    let isNews = false;
    for (const [key, state] of states) {
      const before = this.#states.get(key);
      isNews ||= before === undefined || before === 'done' || state === 'done' || before.waitsFor !== state.waitsFor;
      this.#states.set(key, state);
    }
    if (isNews) for (const [identity, wish] of this.#wishes) if (wish.namespace === namespace) this.#changed(identity);
  }

  /** The workload that owns a pod, or how it stands where there is none. */
  async #workloadOf(namespace: string, owner: NonNullable<PodFacts['owner']>): Promise<{ readonly workload: Workload } | { readonly state: RestartState }> {
    try {
      const place = await this.#placeOf(namespace, owner);
      if (place === 'gone') return { state: 'done' };
      if (place === undefined) return { state: { waitsFor: `${owner.kind} ${owner.name} is nothing that can be restarted: replace ${owner.kind === 'Pod' ? 'it' : 'its pods'} yourself`, byHand: true } };
      const workload = await this.#context.store.get({ kind: place.kind, namespace, name: place.name });
      return workload === undefined ? { state: 'done' } : { workload };
    } catch (error) {
      if (isMtlsdError(error, 'STORE_FORBIDDEN')) return { state: { waitsFor: `${error.message}: set reload.rolloutRestart.enabled of the chart`, byHand: false } };
      throw error;
    }
  }

  async #placeOf(namespace: string, owner: NonNullable<PodFacts['owner']>): Promise<WorkloadPlace | 'gone' | undefined> {
    if (isPlace(owner)) return owner;
    if (owner.kind !== 'ReplicaSet') return undefined;
    const key = `${namespace}/${owner.name}`;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const set = await this.#context.store.get({ kind: 'ReplicaSet', namespace, name: owner.name });
    if (set === undefined) return 'gone';
    const above = set.metadata.ownerReferences?.find(({ controller }) => controller === true);
    if (above === undefined || !isPlace(above)) return undefined;
    const place = { kind: above.kind, name: above.name };
    this.#places.set(key, place);
    return place;
  }

  /** On the very state that was looked at: whoever changed it meanwhile is looked at anew. */
  async #restart(namespace: string, { workload, mark }: Wanted): Promise<void> {
    const { store, clock, log, events } = this.#context;
    const { uid, resourceVersion, name } = workload.metadata;
    const marked = withMark(workload, mark, clock.nowMs());
    await store.write<Workload['kind']>(marked, { uid, resourceVersion });
    const [trustDomain = '', generation = '', others] = mark.split(/[/+]/u);
    log.info('workload restarted for changed roots', { workload: `${workload.kind} ${namespace}/${name}`, trustDomain, bundleGeneration: generation });
    const roots = `the roots of trust domain ${trustDomain}${others === undefined ? '' : ', or of one that it federates with,'}`;
    events.record(workload, { type: 'Normal', reason: 'RootsChanged', message: `its pods are replaced, because they do not read changed files and ${roots} have changed (bundle generation ${generation})` });
  }
}

function stateIn(plan: RestartPlan, wanted: Wanted): RestartState {
  if (plan.done.includes(wanted)) return 'done';
  return { waitsFor: `${nameOf(wanted)}: ${plan.waiting.get(wanted) ?? 'it is restarted now'}`, byHand: false };
}

function isPlace(owner: { readonly kind: string; readonly name: string }): owner is WorkloadPlace {
  return workloadKinds.some((kind) => kind === owner.kind);
}

function ownerKey({ kind, name }: NonNullable<PodFacts['owner']>): string {
  return `${kind} ${name}`;
}

function stateKey(namespace: string, owner: string, mark: string): string {
  return `${namespace}/${owner} ${mark}`;
}

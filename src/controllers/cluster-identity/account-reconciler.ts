import { isMtlsdError } from '../../errors/index.ts';
import type { ClusterWorkloadIdentity, WorkloadIdentity } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import type { Outcome, Reconciler } from '../runtime/controller.ts';
import type { QueueKey } from '../runtime/queue.ts';
import { TokenBucket } from '../runtime/token-bucket.ts';
import { isOlder } from '../is-older.ts';
import type { FleetCaches } from './caches.ts';
import { ownerOfChild } from './child.ts';
import type { FleetBook } from './fleet-book.ts';
import { Pacer } from './pacer.ts';
import { planAccount, type AccountPlan, type ChildStep, type ObservedAccount, type Standing } from './plan.ts';
import { matching, specOf } from './selection.ts';

/** Deleting a child whose Secret has another name, making the next one, and what a cache did not show. */
const stepsMax = 6;
/** A child is written this often at once for one state of what it is made from, */
const writesAtOnce = 4;
/** and then once in this time (L3). */
const writeIntervalMs = 15 * 60_000;
/** How often children are written, over all of them: a fleet of ten thousand leaves the API server to others too. */
const pace = { intervalMs: 10, burst: 50 } as const;

/**
 * Keeps the WorkloadIdentity that ClusterWorkloadIdentities call for, one service account at a time: made by creation alone
 * (so what somebody else made is never adopted), changed and deleted exactly in the state that was seen. Nothing is deleted
 * because the kind itself went away.
 */
export class AccountReconciler implements Reconciler {
  readonly kind = 'FleetMember';
  readonly #context: ControllerContext;
  readonly #caches: FleetCaches;
  readonly #book: FleetBook;
  readonly #pacer = new Pacer(pace.intervalMs, pace.burst);
  /** By service account: what its child was written from, and how often it may be written (again) for that. */
  readonly #repairs = new Map<string, { readonly from: string; readonly bucket: TokenBucket }>();

  /** By service account, why the last write was refused for good. */
  readonly #refusals = new Map<string, Refusal>();

  constructor(context: ControllerContext, caches: FleetCaches, book: FleetBook) {
    this.#context = context;
    this.#caches = caches;
    this.#book = book;
  }

  deadlineMs(): undefined {
    return undefined;
  }

  /** The key's namespace and name are the service account's. @throws STORE_… */
  async reconcile({ namespace, name }: QueueKey): Promise<Outcome> {
    for (let step = 0; step < stepsMax; step += 1) {
      const nowMs = this.#context.clock.nowMs();
      // Anew at each step: while the one before was on its way, everything may have changed.
      const observed = this.#observe(namespace, name, nowMs);
      const plan = planAccount(observed);
      this.#book.note(namespace, name, this.#standings(namespace, name, plan));
      const waitMs = plan.step === undefined ? this.#rest(namespace, name, plan) : this.#pacer.take(`${namespace}/${name}`, nowMs);
      if (plan.step === undefined) return { nextAtMs: plan.nextAtMs };
      if (waitMs > 0) return { nextAtMs: nowMs + waitMs };
      if (!(await this.#act(observed, plan, plan.step))) return {};
    }
    throw new Error(`invariant broken: the identity of service account ${namespace}/${name} does not settle`);
  }

  /** What was refused counts as a conflict until it is not refused any more: not as something that is still to come. */
  #standings(namespace: string, name: string, plan: AccountPlan): AccountPlan['standings'] {
    const refusal = this.#refusals.get(`${namespace}/${name}`);
    return plan.step === undefined || refusal === undefined ? plan.standings : refused(plan, refusal);
  }

  /** Nothing is to be written: whoever waits for a turn waits no more. */
  #rest(namespace: string, name: string, plan: AccountPlan): number {
    const id = `${namespace}/${name}`;
    this.#pacer.forget(id);
    this.#refusals.delete(id);
    if (plan.standings.size === 0) this.#repairs.delete(id);
    return 0;
  }

  #observe(namespace: string, name: string, nowMs: number): ObservedAccount {
    const { namespaces, serviceAccounts, identities, clusterIdentities } = this.#caches;
    const place = namespaces.get(undefined, namespace);
    const leaving = place === undefined || place.metadata.deletionTimestamp !== undefined;
    const account = serviceAccounts.get(namespace, name);
    const facts = { namespaceLabels: place?.metadata.labels ?? {}, name, labels: account?.metadata.labels ?? {} };
    const isThere = !leaving && account !== undefined && account.metadata.deletionTimestamp === undefined;
    const matches = isThere ? matching(clusterIdentities.values(), facts) : [];
    const origin = matches.find((match) => specOf(match).deliversSecrets);
    const own = identities.byIndex('serviceAccount', `${namespace}/${name}`).filter((identity) => ownerOfChild(identity) === undefined);
    return {
      namespace,
      serviceAccount: name,
      leaving,
      matches,
      own: own.length === 0 ? undefined : own.reduce((best, next) => (isOlder(next, best) ? next : best)),
      occupant: identities.get(namespace, name),
      repair: this.#repairOf(`${namespace}/${name}`, origin === undefined ? undefined : `${originOf(origin)} ${account?.metadata.uid ?? ''}`, nowMs),
    };
  }

  /** The bound counts anew when what the child is made from changes: that is a person's wish, and no fight. */
  #repairOf(id: string, from: string | undefined, nowMs: number): ObservedAccount['repair'] {
    if (from === undefined) return { allowed: true, nextAtMs: nowMs };
    const known = this.#repairs.get(id);
    if (known?.from !== from) {
      this.#repairs.set(id, { from, bucket: new TokenBucket(writesAtOnce, writeIntervalMs) });
      return { allowed: true, nextAtMs: nowMs };
    }
    const waitMs = known.bucket.waitMs(nowMs);
    return { allowed: waitMs === 0, nextAtMs: nowMs + waitMs };
  }

  /** Whether a step was taken, or the caches know more now. @throws STORE_…, once it is noted how it stands */
  async #act(observed: ObservedAccount, plan: AccountPlan, step: ChildStep): Promise<boolean> {
    const { namespace, serviceAccount } = observed;
    const id = `${namespace}/${serviceAccount}`;
    try {
      if (step.do === 'delete') return await this.#delete(step);
      await this.#write(step);
      // What was refused or not heard is no fight: tries back off by themselves.
      this.#refusals.delete(id);
      this.#repairs.get(id)?.bucket.take(this.#context.clock.nowMs());
      return true;
    } catch (error) {
      // Only what stays as it is when it is tried again is told: not a lost race, nor a store that is away.
      if (isMtlsdError(error, 'STORE_INVALID', 'STORE_FORBIDDEN')) {
        this.#refusals.set(id, { reason: error.entry.reason, message: error.message });
        this.#book.note(namespace, serviceAccount, this.#standings(namespace, serviceAccount, plan));
      }
      throw error;
    }
  }

  async #write(step: Extract<ChildStep, { readonly draft: unknown }>): Promise<void> {
    const { store, log } = this.#context;
    const { identities } = this.#caches;
    const { namespace = '', name } = step.draft.metadata;
    const expect = step.do === 'create' ? 'absent' : { uid: step.child.metadata.uid, resourceVersion: step.child.metadata.resourceVersion };
    try {
      identities.observeWrite(await store.write(step.draft, expect));
      log.debug('identity of a service account written', { identity: `${namespace}/${name}` });
    } catch (error) {
      if (step.do === 'update' && isMtlsdError(error, 'STORE_NOT_FOUND')) return identities.observeDelete(step.child);
      throw error;
    }
  }

  /** False when the child has to stay. */
  async #delete({ child, ownerUid, why }: Extract<ChildStep, { readonly do: 'delete' }>): Promise<boolean> {
    const { store, log, audit } = this.#context;
    const { identities, clusterIdentities } = this.#caches;
    const { uid, resourceVersion, namespace = '', name } = child.metadata;
    const isOwned = clusterIdentities.byIndex('uid', ownerUid).length > 0;
    if (!isOwned && !(await this.#wasOwnerDeleted(child))) return false;
    try {
      await store.delete({ kind: 'WorkloadIdentity', namespace, name }, { uid, resourceVersion });
    } catch (error) {
      if (!isMtlsdError(error, 'STORE_NOT_FOUND')) throw error;
    }
    identities.observeDelete(child);
    audit.record({ decision: 'deleted', object: `WorkloadIdentity ${namespace}/${name}`, reason: why });
    log.info('identity of a service account removed', { identity: `${namespace}/${name}`, why });
    return true;
  }

  /**
   * Whether a user deleted the object that a child was made for, in contrast to one that went with its kind: removing our
   * definitions removes no identity (L14), and bringing them back without the objects does not either.
   */
  async #wasOwnerDeleted(child: WorkloadIdentity): Promise<boolean> {
    const { store } = this.#context;
    const kind = 'ClusterWorkloadIdentity';
    const sinceMs = store.servedSinceMs === undefined ? ((await store.serves(kind)) ? 0 : undefined) : await store.servedSinceMs(kind);
    return sinceMs !== undefined && Date.parse(child.metadata.creationTimestamp) >= sinceMs;
  }
}

interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/** What a child is made from. */
function originOf({ metadata }: ClusterWorkloadIdentity): string {
  return `${metadata.uid} ${metadata.generation ?? 0}`;
}

/** How it stands when the write that was to be was refused. */
function refused({ standings }: AccountPlan, { reason, message }: Refusal): ReadonlyMap<string, Standing> {
  const changed = [...standings].map(([uid, standing]): [string, Standing] => [uid, standing.kind === 'pending' ? { kind: 'conflict', reason, message } : standing]);
  return new Map(changed);
}


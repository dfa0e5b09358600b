import { isDeepStrictEqual } from 'node:util';
import type { StoredObject, WorkloadIdentity } from '../../resources/index.ts';
import type { ControllerContext } from '../context.ts';
import { Controller } from '../runtime/controller.ts';
import { AccountReconciler } from './account-reconciler.ts';
import { indexFleet, type FleetCaches } from './caches.ts';
import { ownerOfChild, serviceAccountOf } from './child.ts';
import { FleetBook } from './fleet-book.ts';
import { FleetStatusReconciler } from './status-reconciler.ts';

/** How many service accounts and how many statuses are worked on at once. */
const concurrency = { account: 8, status: 2 } as const;

/**
 * Starts the reconcilers of ClusterWorkloadIdentities: to be called before the first delivery of a watch. They begin when
 * `started` and their own caches are there, and hold up nobody else: their definition may be missing.
 */
export function startClusterIdentities(context: ControllerContext, caches: FleetCaches, started: Promise<unknown>): readonly Controller[] {
  indexFleet(caches);
  const book = new FleetBook();
  const accounts = new Controller(new AccountReconciler(context, caches, book), { ...context, concurrency: concurrency.account });
  const statuses = new Controller(new FleetStatusReconciler(context, caches, book), { ...context, concurrency: concurrency.status });
  wakeAccounts(caches, accounts);
  caches.clusterIdentities.onChange((before, after) => statuses.enqueue(undefined, (after ?? before)?.metadata.name ?? ''));
  book.onChange((uid) => {
    for (const { metadata } of caches.clusterIdentities.byIndex('uid', uid)) statuses.enqueue(undefined, metadata.name);
  });
  void Promise.all([started, caches.clusterIdentities.whenSynced()]).then(async () => {
    accounts.start();
    // Not before every service account was looked at once: a restart must not tell of half a fleet.
    await accounts.whenIdle();
    statuses.start();
  });
  return [accounts, statuses];
}

/** What changes wake which service accounts. */
function wakeAccounts({ clusterIdentities, identities, serviceAccounts, namespaces }: FleetCaches, accounts: Controller): void {
  const isUnused = (): boolean => clusterIdentities.size === 0;
  serviceAccounts.onChange((before, after) => {
    // While there is no object at all, nobody is matched: the first one to come wakes everybody.
    if (isUnused() && after !== undefined) return;
    if (before === undefined || after === undefined || !sameMetadata(before, after)) wake(accounts, after ?? before);
  });
  namespaces.onChange((before, after) => {
    if (before !== undefined && after !== undefined && sameMetadata(before, after)) return;
    const name = (after ?? before)?.metadata.name ?? '';
    for (const account of serviceAccounts.byIndex('namespace', name)) wake(accounts, account);
    for (const identity of identities.byIndex('namespace', name)) if (ownerOfChild(identity) !== undefined) wake(accounts, identity);
  });
  identities.onChange((before, after) => {
    if (before !== undefined && after !== undefined && sameForFleet(before, after)) return;
    for (const identity of [before, after]) {
      if (identity === undefined || (isUnused() && ownerOfChild(identity) === undefined)) continue;
      wake(accounts, identity);
      accounts.enqueue(identity.metadata.namespace, serviceAccountOf(identity));
    }
  });
  clusterIdentities.onChange((before, after) => {
    if (before !== undefined && after !== undefined && before.metadata.generation === after.metadata.generation && sameMetadata(before, after)) return;
    for (const account of serviceAccounts.values()) wake(accounts, account);
    for (const object of [before, after]) {
      for (const child of object === undefined ? [] : identities.byIndex('clusterIdentity', object.metadata.uid)) wake(accounts, child);
    }
  });
}

function wake(accounts: Controller, object: StoredObject | undefined): void {
  if (object !== undefined) accounts.enqueue(object.metadata.namespace, object.metadata.name);
}

/** Whether nothing changed that decides who is matched. */
function sameMetadata({ metadata: a }: StoredObject, { metadata: b }: StoredObject): boolean {
  return a.uid === b.uid && a.deletionTimestamp === b.deletionTimestamp && isDeepStrictEqual(a.labels, b.labels);
}

/** Whether an identity is the same to those who make them: a renewal changes nothing. */
function sameForFleet(before: WorkloadIdentity, after: WorkloadIdentity): boolean {
  const readiness = ({ status }: WorkloadIdentity): string | undefined => status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return (
    before.metadata.generation === after.metadata.generation &&
    sameMetadata(before, after) &&
    isDeepStrictEqual(before.metadata.annotations, after.metadata.annotations) &&
    readiness(before) === readiness(after)
  );
}

import type { ClusterWorkloadIdentity, WorkloadIdentity } from '../../resources/index.ts';
import { childNameMax, isAsWanted, ownerOfChild, renderChild, serviceAccountOf, type ChildDraft } from './child.ts';
import { specOf } from './selection.ts';

/** What is known of one service account and of the identities around it. */
export interface ObservedAccount {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Whether the namespace is going away: what is in it goes by itself, and nothing can be made there. */
  readonly leaving: boolean;
  /** The objects that match, the one that counts first; none where the service account or its namespace is not there. */
  readonly matches: readonly ClusterWorkloadIdentity[];
  /** The WorkloadIdentity that somebody made for this service account: it counts before all others. */
  readonly own: WorkloadIdentity | undefined;
  /** What stands where the child of this service account is or would be. */
  readonly occupant: WorkloadIdentity | undefined;
  /** Whether the child may be written (again) now, or when: a bound on fights with whoever changes it. */
  readonly repair: { readonly allowed: boolean; readonly nextAtMs: number };
}

/** One write. */
export type ChildStep =
  | { readonly do: 'create'; readonly draft: ChildDraft }
  | { readonly do: 'update'; readonly draft: ChildDraft; readonly child: WorkloadIdentity }
  | { readonly do: 'delete'; readonly child: WorkloadIdentity; readonly why: string; readonly ownerUid: string };

/** How it stands with one service account, as one ClusterWorkloadIdentity that matches it sees it. */
export type Standing =
  | { readonly kind: 'identity'; readonly ready: boolean }
  | { readonly kind: 'pending' }
  /** Another object counts before this one. */
  | { readonly kind: 'overridden' }
  /** Matched for pod certificates alone: there is nothing to make. */
  | { readonly kind: 'without-secret' }
  | { readonly kind: 'conflict'; readonly reason: string; readonly message: string };

/** What is to be done next about one service account, and how it stands with it, by UID of each object that matches. */
export interface AccountPlan {
  readonly step: ChildStep | undefined;
  readonly standings: ReadonlyMap<string, Standing>;
  /** When to look again though nothing changes, milliseconds since the epoch. */
  readonly nextAtMs: number | undefined;
}

/** Pure: the one next step towards the identity that a service account should have. */
export function planAccount(observed: ObservedAccount): AccountPlan {
  if (observed.leaving) return { step: undefined, standings: new Map(), nextAtMs: undefined };
  const { occupant } = observed;
  const ownerUid = occupant === undefined ? undefined : ownerOfChild(occupant);
  const child = ownerUid === undefined ? undefined : occupant;
  const winner = observed.own === undefined ? observed.matches.find((match) => specOf(match).deliversSecrets) : undefined;
  if (winner === undefined) return withoutChild(observed, child, ownerUid);
  // Held up by a finalizer of somebody's: what comes next follows when it is gone.
  if (child?.metadata.deletionTimestamp !== undefined) return told(observed, winner, { kind: 'pending' });
  const obstacle = obstacleTo(observed, child);
  if (obstacle !== undefined) return told(observed, winner, obstacle);
  const wanted = renderChild(winner, observed, child);
  if (child !== undefined && isAsWanted(child, wanted)) return told(observed, winner, { kind: 'identity', ready: isReady(child) });
  if (!observed.repair.allowed) return told(observed, winner, fight(observed), undefined, observed.repair.nextAtMs);
  return told(observed, winner, { kind: 'pending' }, stepTo(wanted, child, ownerUid, winner));
}

function stepTo(draft: ChildDraft, child: WorkloadIdentity | undefined, ownerUid: string | undefined, winner: ClusterWorkloadIdentity): ChildStep {
  if (child === undefined || ownerUid === undefined) return { do: 'create', draft };
  // The name of the Secret cannot be changed: the one made for another object goes first, by its own policy.
  if (child.spec.secretName === draft.spec.secretName) return { do: 'update', draft, child };
  return { do: 'delete', child, ownerUid, why: `${describe(winner)} counts now, and names the Secret ${draft.spec.secretName ?? ''}` };
}

/** Nothing calls for a child: what was made goes. */
function withoutChild(observed: ObservedAccount, child: WorkloadIdentity | undefined, ownerUid: string | undefined): AccountPlan {
  const why = observed.own === undefined ? 'no ClusterWorkloadIdentity matches the service account any more' : `WorkloadIdentity ${observed.own.metadata.name} is there for the service account`;
  const isGoing = child?.metadata.deletionTimestamp !== undefined;
  const step = child === undefined || ownerUid === undefined || isGoing ? undefined : ({ do: 'delete', child, ownerUid, why } as const);
  return { step, standings: standingsOf(observed, undefined, undefined), nextAtMs: undefined };
}

function told(observed: ObservedAccount, winner: ClusterWorkloadIdentity, standing: Standing, step?: ChildStep, nextAtMs?: number): AccountPlan {
  return { step, standings: standingsOf(observed, winner, standing), nextAtMs };
}

function standingsOf({ matches }: ObservedAccount, winner: ClusterWorkloadIdentity | undefined, standing: Standing | undefined): ReadonlyMap<string, Standing> {
  return new Map(
    matches.map((match): [string, Standing] => {
      const { uid } = match.metadata;
      if (!specOf(match).deliversSecrets) return [uid, { kind: 'without-secret' }];
      return [uid, uid === winner?.metadata.uid && standing !== undefined ? standing : { kind: 'overridden' }];
    }),
  );
}

function obstacleTo({ serviceAccount, occupant }: ObservedAccount, child: WorkloadIdentity | undefined): Standing | undefined {
  if (serviceAccount.length > childNameMax) {
    return { kind: 'conflict', reason: 'NameTooLong', message: `the name of the service account has ${serviceAccount.length} characters, a WorkloadIdentity has ${childNameMax} at most: make one for it by hand` };
  }
  if (occupant === undefined || child !== undefined) return undefined;
  const other = serviceAccountOf(occupant);
  return {
    kind: 'conflict',
    reason: 'NameTaken',
    message: `WorkloadIdentity ${occupant.metadata.name} exists for the service account ${other}: it is left alone; make one for ${serviceAccount} by hand, or rename that one`,
  };
}

function fight({ serviceAccount }: ObservedAccount): Standing {
  return {
    kind: 'conflict',
    reason: 'ForeignChanges',
    message: `WorkloadIdentity ${serviceAccount} keeps being changed or deleted by somebody else: find out who does it, or make one by hand; the next repair follows when the bound on repairs allows`,
  };
}

function isReady({ status }: WorkloadIdentity): boolean {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

function describe({ metadata }: ClusterWorkloadIdentity): string {
  return `ClusterWorkloadIdentity ${metadata.name}`;
}

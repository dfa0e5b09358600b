import type { Standing } from './plan.ts';

/** A service account whose identity could not be made or kept. */
export interface FleetConflict {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly reason: string;
  readonly message: string;
}

/** How it stands with all service accounts that one ClusterWorkloadIdentity matches. */
export interface FleetSummary {
  readonly matched: number;
  readonly identities: number;
  readonly ready: number;
  readonly overridden: number;
  readonly pending: number;
  readonly withoutSecret: number;
  /** By `namespace/service account`. */
  readonly conflicts: ReadonlyMap<string, FleetConflict>;
}

interface Tally {
  readonly standings: Map<string, Standing>;
  readonly conflicts: Map<string, FleetConflict>;
  readonly counts: Record<Standing['kind'], number>;
  ready: number;
}

/** How it stands with each service account, added up for each ClusterWorkloadIdentity as it changes. */
export class FleetBook {
  readonly #tallies = new Map<string, Tally>();
  /** By service account, the objects that match it. */
  readonly #matches = new Map<string, ReadonlySet<string>>();
  readonly #listeners: ((uid: string) => void)[] = [];

  /** Calls `listener` with the UID of each ClusterWorkloadIdentity whose summary has changed. */
  onChange(listener: (uid: string) => void): void {
    this.#listeners.push(listener);
  }

  /** Notes how it stands with a service account, by UID of each object that matches it. */
  note(namespace: string, serviceAccount: string, standings: ReadonlyMap<string, Standing>): void {
    const id = `${namespace}/${serviceAccount}`;
    for (const uid of this.#matches.get(id) ?? []) if (!standings.has(uid)) this.#set(uid, id, undefined);
    for (const [uid, standing] of standings) this.#set(uid, id, standing);
    if (standings.size === 0) this.#matches.delete(id);
    else this.#matches.set(id, new Set(standings.keys()));
  }

  /** How it stands with the object of this UID. */
  summary(uid: string): FleetSummary {
    const { standings, conflicts, counts, ready } = this.#tallies.get(uid) ?? emptyTally();
    const { identity: identities, overridden, pending, 'without-secret': withoutSecret } = counts;
    return { matched: standings.size, identities, ready, overridden, pending, withoutSecret, conflicts };
  }

  #set(uid: string, id: string, standing: Standing | undefined): void {
    const tally = this.#tallyOf(uid);
    const before = tally.standings.get(id);
    if (isSame(before, standing)) return;
    if (before !== undefined) add(tally, before, -1);
    if (standing !== undefined) add(tally, standing, 1);
    if (standing === undefined) tally.standings.delete(id);
    else tally.standings.set(id, standing);
    const [namespace = '', serviceAccount = ''] = id.split('/');
    if (standing?.kind === 'conflict') tally.conflicts.set(id, { namespace, serviceAccount, reason: standing.reason, message: standing.message });
    else tally.conflicts.delete(id);
    if (tally.standings.size === 0) this.#tallies.delete(uid);
    for (const listener of this.#listeners) listener(uid);
  }

  #tallyOf(uid: string): Tally {
    const known = this.#tallies.get(uid);
    if (known !== undefined) return known;
    const tally = emptyTally();
    this.#tallies.set(uid, tally);
    return tally;
  }
}

function emptyTally(): Tally {
  return { standings: new Map(), conflicts: new Map(), counts: { identity: 0, pending: 0, overridden: 0, 'without-secret': 0, conflict: 0 }, ready: 0 };
}

function add(tally: Tally, standing: Standing, by: 1 | -1): void {
  tally.counts[standing.kind] += by;
  if (standing.kind === 'identity' && standing.ready) tally.ready += by;
}

function isSame(a: Standing | undefined, b: Standing | undefined): boolean {
  if (a?.kind !== b?.kind) return false;
  if (a?.kind === 'identity' && b?.kind === 'identity') return a.ready === b.ready;
  return a?.kind !== 'conflict' || b?.kind !== 'conflict' || (a.reason === b.reason && a.message === b.message);
}

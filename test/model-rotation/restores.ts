/** An operator puts an older record back, and chooses how to go on where that stops everything. */
import type { Add } from './environment.ts';
import type { WorldKind } from './observe.ts';
import { newestDelivered } from './properties.ts';
import type { Records } from './records.ts';
import { putSecret, writeRecord } from './replica-moves.ts';
import type { Sight } from './sight.ts';
import { at, contentOf, flagsOf, packContent, packFlags, toldOf, workloads, type Row } from './state.ts';

/** Once in a story a record comes back that the newest was made from, alone or with Secrets as they were then. */
export function restoring(row: Row, records: Records, kind: WorldKind, sight: Sight, add: Add): void {
  const flags = flagsOf(row[at.flags] ?? 0);
  if (kind.restores === 'never' || flags.restored) return;
  const newest = row[at.record] ?? 0;
  for (const backup of records.backups(newest)) {
    const { issuer, generation, roots, epoch } = records.at(backup);
    const restore = (next: Row, excused: boolean): void => {
      writeRecord(next, backup);
      next[at.flags] = packFlags({ ...flags, restored: true, excused });
      // Where nobody is asked, nobody looks for another.
      next[at.newest] = sight.isOlder(next) ? newest + 1 : 0;
    };
    const what = `the record e${epoch} g${generation}`;
    if (kind.restores === 'record') add(`${what} is restored`, false, (next) => restore(next, false));
    // No Secret had a bundle that nobody had told of.
    const told = toldOf(row[at.told] ?? 0);
    if (kind.restores === 'record' || generation > told.generation) continue;
    add(`${what} and Secrets are restored`, false, (next) => {
      for (const workload of workloads) putSecret(next, workload, packContent({ issuer, left: leftOf(row, issuer, records, kind), generation, roots }));
      // Nobody promises anything of trust that was taken back by hand, nor to leaves of a root that was waited for and retired.
      restore(next, generation < Math.max(told.generation, newestDelivered(row), records.at(newest).generation));
    });
  }
}

/** For how long a leaf that comes back can live: one of an authority that signs no more is no younger than the last that is known. */
function leftOf(row: Row, issuer: number, records: Records, { ticks }: WorldKind): number {
  if (issuer === records.at(row[at.record] ?? 0).issuer) return ticks.ttl + 1;
  const known = workloads.flatMap((workload) => [at.secret, at.delivered, at.loaded].map((place) => contentOf(row[place(workload)] ?? 0)));
  return Math.max(0, ...known.filter((content) => content.issuer === issuer).map(({ left }) => left));
}

/** What may be done about a record that is older than what was delivered. */
export function choosing(row: Row, records: Records, sight: Sight, add: Add): void {
  const flags = flagsOf(row[at.flags] ?? 0);
  if (!flags.restored || flags.accepted !== 0 || !sight.isOlder(row)) return;
  const { view } = records.at(row[at.record] ?? 0);
  const root = view.authorities.find(({ role, state }) => role === 'Root' && state === 'Active');
  add('the older record is accepted', true, (next) => {
    next[at.flags] = packFlags({ ...flags, accepted: records.rootBit(root?.keyIdentifier ?? ''), excused: true });
    next[at.newest] = 0;
  });
  const newest = row[at.newest] ?? 0;
  // Where it was not told before, nobody has kept it for this.
  if (newest === 0) return;
  add('the newest record is restored', true, (next) => {
    writeRecord(next, newest - 1);
    next[at.newest] = 0;
  });
}

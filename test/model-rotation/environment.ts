/** What happens by itself: time passes, nodes deliver and fail, consumers load. */
import type { Planning, WorldKind } from './observe.ts';
import type { Records } from './records.ts';
import { aged, at, handOf, packHand, packPromises, promisesOf, packReader, packSite, packView, readerOf, readyMax, replicas, silentMax, siteOf, viewOf, workloads, type Row, type Site, type Ticks, type Workload } from './state.ts';

/** Takes note of one thing that may happen: what it changes in a copy of the row. */
export type Add = (label: string, fair: boolean, change: (next: Row) => void) => void;

/** Time passes, but never past what a kubelet that is alive and a consumer are bound to have done. */
export function timePasses(row: Row, records: Records, planning: Planning, { ticks, fetches }: WorldKind, add: Add): void {
  const sites = workloads.map((workload) => siteOf(row[at.site(workload)] ?? 0));
  if (sites.some((site) => (!site.down && site.undelivered === ticks.propagationBound) || site.unloaded === ticks.consumerReload)) return;
  const reader = readerOf(row[at.reader] ?? 0);
  if (fetches && reader.age === ticks.fetch) return;
  const { issuer: signer, generation, record } = records.at(row[at.record] ?? 0);
  add('time passes', true, (next) => {
    next[at.record] = records.later(row[at.record] ?? 0);
    if ((row[at.newest] ?? 0) > 0) next[at.newest] = records.later((row[at.newest] ?? 0) - 1) + 1;
    if (fetches) next[at.reader] = packReader({ ...reader, age: reader.age + 1 });
    next[at.remembered] = planning.rememberedLater(row[at.remembered] ?? 0, generation, record.rotation?.switchEpoch);
    next[at.promised] = packPromises(promisesOf(row[at.promised] ?? 0).map((left) => Math.min(left, Math.max(1, left - 1))));
    next[at.leaseEnd] = Math.max(0, (row[at.leaseEnd] ?? 0) - 1);
    // A Lease that has ended says nothing any more.
    if (next[at.leaseEnd] === 0) next[at.holder] = next[at.leaseEpoch] = 0;
    for (const replica of replicas) {
      const left = Math.max(0, (row[at.term(replica)] ?? 0) - 1);
      next[at.term(replica)] = left;
      if (left === 0) next[at.termEpoch(replica)] = 0;
      const hand = handOf(row[at.hand(replica)] ?? 0);
      if (hand !== undefined && hand.kind !== 'step') next[at.hand(replica)] = packHand({ ...hand, content: aged(hand.content, signer) });
    }
    for (const workload of workloads) {
      const places = [at.secret, at.delivered, at.loaded] as const;
      for (const place of places) next[place(workload)] = aged(row[place(workload)] ?? 0, signer);
      const [secret, delivered, loaded] = places.map((place) => next[place(workload)]);
      // What has ended on its way need not arrive.
      const site = sites[workload] as Site;
      next[at.site(workload)] = packSite(later({ ...site, undelivered: secret === delivered ? 0 : site.undelivered, unloaded: delivered === loaded ? 0 : site.unloaded }, ticks));
    }
  });
}

function later(site: Site, ticks: Ticks): Site {
  const { undelivered, unloaded, down, silent, ready } = site;
  return {
    down,
    undelivered: undelivered === 0 ? 0 : Math.min(undelivered + 1, ticks.propagationBound),
    unloaded: unloaded === 0 ? 0 : unloaded + 1,
    silent: down ? Math.min(silent + 1, silentMax) : 0,
    ready: down ? ready : Math.min(ready + 1, readyMax),
  };
}

/**
 * Whoever reads the bundle over the network fetches it: as a replica serves it that stands by, or as the one that leads knows it.
 * A bundle that is older than what it has is refused by its sequence.
 */
export function fetching(row: Row, records: Records, add: Add): void {
  const before = readerOf(row[at.reader] ?? 0);
  const views = replicas.filter((replica) => (row[at.term(replica)] ?? 0) > 0).map((replica) => row[at.view(replica)] ?? 0);
  for (const view of new Set([packView(records.at(row[at.record] ?? 0)), ...views])) {
    if (view === 0) continue;
    const { generation, roots } = viewOf(view);
    const after = packReader({ ...(generation < before.generation ? before : { generation, roots }), age: 1 });
    if (after !== row[at.reader]) add('the reader fetches', true, (next) => (next[at.reader] = after));
  }
}

/** What comes to a workload, or does not. */
export function deliveries(row: Row, workload: Workload, kind: WorldKind, add: Add): void {
  const site = siteOf(row[at.site(workload)] ?? 0);
  const [secret, delivered, loaded] = [row[at.secret(workload)] ?? 0, row[at.delivered(workload)] ?? 0, row[at.loaded(workload)] ?? 0];
  const place = (next: Row, changed: Partial<Site>): void => void (next[at.site(workload)] = packSite({ ...site, ...changed }));
  if (!site.down && secret !== delivered) {
    add(`node${workload} delivers`, true, (next) => {
      next[at.delivered(workload)] = secret;
      place(next, { undelivered: 0, unloaded: loaded === secret ? 0 : Math.max(1, site.unloaded) });
    });
  }
  if (loaded !== delivered) {
    add(`p${workload} loads`, true, (next) => {
      next[at.loaded(workload)] = delivered;
      place(next, { unloaded: 0 });
    });
  }
  if (!kind.nodesFail) return;
  // One at a time: more would be more of the same.
  if (!site.down && !workloads.some((each) => siteOf(row[at.site(each)] ?? 0).down)) add(`node${workload} fails`, false, (next) => place(next, { down: true }));
  // One that comes back has its bound from then on. An absence that is too short to be seen is none.
  if (site.down && site.silent > 0) add(`node${workload} comes back`, true, (next) => place(next, { down: false, silent: 0, ready: 0, undelivered: secret === delivered ? 0 : 1 }));
}

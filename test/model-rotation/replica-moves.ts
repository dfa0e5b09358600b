/** What replicas do besides the rotation: they lead, they sign, they write Secrets. */
import { reservedMs, type Channel } from '../../src/authority/index.ts';
import { Term } from '../../src/controllers/leadership/term.ts';
import type { Add } from './environment.ts';
import type { Sabotage, WorldKind } from './observe.ts';
import { actsOnOlder } from './properties.ts';
import type { KnownRecord, Records } from './records.ts';
import { Sight } from './sight.ts';
import { at, contentOf, flagsOf, handOf, packContent, packFlags, packHand, packSite, packTold, replicas, siteOf, viewOf, type Hand, type Replica, type Row, type View, type Workload } from './state.ts';
import { nowMs, tickMs } from './times.ts';

const trustDomain = 'small.example';

/** The record becomes another one: who has read it before and is about to write it will fail. */
export function writeRecord(next: Row, record: number): void {
  next[at.record] = record;
  for (const replica of replicas) {
    const hand = handOf(next[at.hand(replica)] ?? 0);
    if (hand?.kind === 'step') next[at.hand(replica)] = packHand({ ...hand, fresh: false });
  }
}

/** The Secret of a workload becomes another one: it is on its way to the node, and who has read it before will fail. */
export function putSecret(next: Row, workload: Workload, content: number): void {
  if (content === next[at.secret(workload)]) return;
  next[at.secret(workload)] = content;
  const site = siteOf(next[at.site(workload)] ?? 0);
  next[at.site(workload)] = packSite({ ...site, undelivered: content === next[at.delivered(workload)] ? 0 : Math.max(1, site.undelivered) });
  for (const replica of replicas) {
    const hand = handOf(next[at.hand(replica)] ?? 0);
    if (hand !== undefined && hand.kind !== 'step' && hand.workload === workload) next[at.hand(replica)] = packHand({ ...hand, fresh: false });
  }
}

/** The replicas of one world. */
export class ReplicaMoves {
  readonly #records: Records;
  readonly #kind: WorldKind;
  readonly #sabotage: Sabotage;
  readonly #sight: Sight;
  readonly #permitted = new Map<number, boolean>();

  constructor(records: Records, kind: WorldKind, sabotage: Sabotage) {
    this.#records = records;
    this.#kind = kind;
    this.#sabotage = sabotage;
    this.#sight = new Sight(records, kind, sabotage);
  }

  leadership(row: Row, replica: Replica, add: Add): void {
    const name = `r${replica}`;
    const view = row[at.view(replica)] ?? 0;
    const [term, holder, end] = [row[at.term(replica)] ?? 0, row[at.holder] ?? 0, row[at.leaseEnd] ?? 0];
    const seen = this.#sight.look(row);
    const looks = view !== seen.view || seen.record !== row[at.record] || seen.told !== row[at.told];
    // What is seen is told and acted on by who leads; a view that is old is all the same without a term.
    if (looks && (this.#kind.restores !== 'never' ? term > 0 : view !== 0)) {
      add(`${name} sees the record`, true, (next) => {
        if (seen.record !== row[at.record]) writeRecord(next, seen.record);
        // It is told before anybody acts on it.
        if (this.#sabotage.tellsLate !== true) next[at.told] = seen.told;
        next[at.view(replica)] = seen.view;
      });
    }
    if (this.#sabotage.tellsLate === true && term > 0 && view !== 0) add('the trust domain says so', true, (next) => (next[at.told] = packTold(viewOf(view))));
    // Who begins to lead reads everything first. A record that is not in force says nothing of epochs.
    const current = this.#sight.view(row);
    const known = term > 0 ? view : current;
    const epoch = known === 0 ? (row[at.termEpoch(replica)] ?? 0) : viewOf(known).epoch;
    const write = (next: Row): void => {
      next[at.holder] = replica + 1;
      next[at.leaseEnd] = this.#kind.ticks.lease;
      next[at.leaseEpoch] = epoch;
    };
    const renews = holder === replica + 1 && term > 0 && (end < this.#kind.ticks.lease || (row[at.leaseEpoch] ?? 0) !== epoch || (row[at.termEpoch(replica)] ?? 0) !== epoch);
    if (renews || end === 0) {
      add(renews ? `${name} renews its lease` : `${name} takes the lease`, true, (next) => {
        write(next);
        if (!renews) next[at.view(replica)] = current;
        if (!renews && current !== 0 && this.#sabotage.tellsLate !== true) next[at.told] = seen.told;
        next[at.term(replica)] = this.#kind.ticks.lease;
        next[at.termEpoch(replica)] = epoch;
      });
    }
    if (!this.#kind.crashes) return;
    if (renews) add(`${name} renews its lease, unanswered`, false, write);
    if (view !== 0) add(`${name} dies and starts again`, false, (next) => {
      for (const place of [at.view, at.term, at.termEpoch, at.hand]) next[place(replica)] = 0;
      // What a canary came to was in its memory.
      next[at.flags] = packFlags({ ...flagsOf(row[at.flags] ?? 0), canary: 0 });
    });
  }

  /** It reads a Secret and decides what to write; it signs. Answers what must never happen, if it does. */
  issuing(row: Row, replica: Replica, workload: Workload, add: Add): string | undefined {
    const packed = row[at.view(replica)] ?? 0;
    if (packed === 0 || (row[at.hand(replica)] ?? 0) !== 0) return undefined;
    const view = viewOf(packed);
    const secret = contentOf(row[at.secret(workload)] ?? 0);
    let broken: string | undefined;
    if ((row[at.term(replica)] ?? 0) > 0 && secret.generation !== view.generation) {
      broken = actsOnOlder(row, view.generation, 'a bundle is written');
      const content = packContent({ ...secret, generation: view.generation, roots: view.roots });
      add(`r${replica} reads w${workload}: a new bundle`, true, (next) => (next[at.hand(replica)] = packHand({ kind: 'bundle', fresh: true, workload, content })));
    }
    if (!this.#permits(row, replica, view.epoch)) return broken;
    // A renewal that changes nothing matters only if it is written after a switch.
    const { rotation } = this.#records.at(row[at.record] ?? 0).record;
    const isWhole = secret.issuer === view.issuer && secret.left === this.#ttl(workload) + 1;
    if (isWhole && (rotation === undefined || rotation.switchedAtMs !== undefined)) return broken;
    return broken ?? this.#sign(row, replica, workload, view, add);
  }

  /** What it has in its hand is written, or the object has changed meanwhile. */
  write(row: Row, replica: Replica, add: Add): void {
    const hand = handOf(row[at.hand(replica)] ?? 0);
    if (hand === undefined || hand.kind === 'step') return;
    const lands = hand.fresh || this.#sabotage.withoutCompare === true || (hand.kind === 'leaf' && this.#isAlone(hand.workload));
    add(lands ? `r${replica} writes w${hand.workload}` : `r${replica} is refused`, true, (next) => {
      next[at.hand(replica)] = 0;
      if (lands) this.#writeSecret(next, hand);
    });
  }

  #writeSecret(next: Row, { kind, workload, content }: Exclude<Hand, { kind: 'step' }>): void {
    const before = contentOf(next[at.secret(workload)] ?? 0);
    const written = contentOf(content);
    // A leaf that left through a channel and the bundle of its workload are two objects.
    const merged = !this.#isAlone(workload) ? written : kind === 'leaf' ? { ...written, generation: before.generation, roots: before.roots } : { ...before, generation: written.generation, roots: written.roots };
    putSecret(next, workload, packContent(merged));
  }

  #sign(row: Row, replica: Replica, workload: Workload, { issuer, epoch, generation, roots }: View, add: Add): string | undefined {
    const known = this.#records.at(row[at.record] ?? 0);
    const ttl = this.#ttl(workload);
    const channel = this.#kind.leaves[workload];
    if (channel !== 'Secret' && this.#sabotage.withoutReservation !== channel) {
      const untilMs = nowMs + ttl * tickMs;
      const reserved = this.#records.reserve(known.index, issuer, channel, untilMs);
      // Nothing is reserved any more for one that retires: what was reserved before may be used.
      if (reserved === undefined && this.#reservedUntilMs(known, issuer, channel) < untilMs) return undefined;
      if (reserved !== undefined && reserved.index !== known.index) {
        add(`r${replica} reserves for w${workload}`, true, (next) => writeRecord(next, reserved.index));
        return undefined;
      }
    }
    const broken = mayNotSign(known, this.#records.issuerName(issuer), epoch, flagsOf(row[at.flags] ?? 0).restored) ?? actsOnOlder(row, generation, 'a leaf is signed');
    const content = packContent({ issuer, left: ttl + 1, generation, roots });
    add(`r${replica} signs for w${workload}`, true, (next) => (next[at.hand(replica)] = packHand({ kind: 'leaf', fresh: true, workload, content })));
    return broken;
  }

  #reservedUntilMs({ record }: KnownRecord, issuer: number, channel: Channel): number {
    const name = this.#records.issuerName(issuer);
    const authority = record.authorities.find(({ keyIdentifier }) => keyIdentifier === name);
    return authority === undefined ? 0 : (reservedMs(authority, channel) ?? 0);
  }

  #ttl(workload: Workload): number {
    return this.#isAlone(workload) ? this.#kind.ticks.requestedTtl : this.#kind.ticks.ttl;
  }

  /** Whether its leaf is in no Secret. */
  #isAlone(workload: Workload): boolean {
    return this.#kind.leaves[workload] !== 'Secret';
  }

  /** The product's own rule, on the term as this replica knows it. */
  #permits(row: Row, replica: Replica, epoch: number): boolean {
    if (this.#sabotage.withoutLease === true) return true;
    const [left, named] = [row[at.term(replica)] ?? 0, row[at.termEpoch(replica)] ?? 0];
    const key = left | (named << 4) | (epoch << 8);
    const known = this.#permitted.get(key);
    if (known !== undefined) return known;
    const term = new Term(() => ({ wallMs: nowMs, monotonicMs: nowMs }));
    const sentAt = nowMs + (left - this.#kind.ticks.lease) * tickMs;
    if (left > 0) term.extend({ wallMs: sentAt, monotonicMs: sentAt }, this.#kind.ticks.lease * tickMs, new Map([[trustDomain, named]]));
    const permitted = term.permits(trustDomain, epoch, nowMs);
    this.#permitted.set(key, permitted);
    return permitted;
  }
}

/**
 * No leaf comes from an authority that has left the record. Of a record that is gone, which an older one was put in place of,
 * nobody says so.
 */
function mayNotSign({ view, epoch: current }: KnownRecord, issuer: string, epoch: number, restored: boolean): string | undefined {
  if (view.authorities.some(({ keyIdentifier }) => keyIdentifier === issuer) || (restored && epoch >= current)) return undefined;
  return `a leaf is signed under epoch ${epoch} by an authority that has left the record, at epoch ${current}`;
}

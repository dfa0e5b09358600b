/** What replicas do besides the rotation: they lead, they sign, they write Secrets. */
import { Term } from '../../src/controllers/leadership/term.ts';
import type { Add } from './environment.ts';
import type { Sabotage, WorldKind } from './observe.ts';
import { nowMs, tickMs, type KnownRecord, type Records } from './records.ts';
import { abortFlag, at, contentOf, handOf, packContent, packHand, packSite, packView, replicas, siteOf, viewOf, type Hand, type Replica, type Row, type View, type Workload } from './state.ts';

const trustDomain = 'small.example';

/** The record becomes another one: who has read it before and is about to write it will fail. */
export function writeRecord(next: Row, record: number): void {
  next[at.record] = record;
  for (const replica of replicas) {
    const hand = handOf(next[at.hand(replica)] ?? 0);
    if (hand?.kind === 'step') next[at.hand(replica)] = packHand({ ...hand, fresh: false });
  }
}

/** The replicas of one world. */
export class ReplicaMoves {
  readonly #records: Records;
  readonly #kind: WorldKind;
  readonly #sabotage: Sabotage;
  readonly #permitted = new Map<number, boolean>();

  constructor(records: Records, kind: WorldKind, sabotage: Sabotage) {
    this.#records = records;
    this.#kind = kind;
    this.#sabotage = sabotage;
  }

  leadership(row: Row, replica: Replica, add: Add): void {
    const name = `r${replica}`;
    const view = row[at.view(replica)] ?? 0;
    const current = packView(this.#records.at(row[at.record] ?? 0));
    if (view !== current && view !== 0) add(`${name} sees the record`, true, (next) => (next[at.view(replica)] = current));
    const [term, holder, end] = [row[at.term(replica)] ?? 0, row[at.holder] ?? 0, row[at.leaseEnd] ?? 0];
    // Who begins to lead reads everything first.
    const { epoch } = viewOf(term > 0 ? view : current);
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
        next[at.term(replica)] = this.#kind.ticks.lease;
        next[at.termEpoch(replica)] = epoch;
      });
    }
    if (!this.#kind.crashes) return;
    if (renews) add(`${name} renews its lease, unanswered`, false, write);
    if (view !== 0) add(`${name} dies and starts again`, false, (next) => {
      for (const place of [at.view, at.term, at.termEpoch, at.hand]) next[place(replica)] = 0;
      // What a canary came to was in its memory.
      next[at.flags] = (row[at.flags] ?? 0) & abortFlag;
    });
  }

  /** It reads a Secret and decides what to write; it signs. Answers what must never happen, if it does. */
  issuing(row: Row, replica: Replica, workload: Workload, add: Add): string | undefined {
    const packed = row[at.view(replica)] ?? 0;
    if (packed === 0 || (row[at.hand(replica)] ?? 0) !== 0) return undefined;
    const view = viewOf(packed);
    const secret = contentOf(row[at.secret(workload)] ?? 0);
    if ((row[at.term(replica)] ?? 0) > 0 && secret.generation !== view.generation) {
      const content = packContent({ ...secret, generation: view.generation, roots: view.roots });
      add(`r${replica} reads w${workload}: a new bundle`, true, (next) => (next[at.hand(replica)] = packHand({ kind: 'bundle', fresh: true, workload, content })));
    }
    if (!this.#permits(row, replica, view.epoch)) return undefined;
    // A renewal that changes nothing matters only if it is written after a switch.
    const { rotation } = this.#records.at(row[at.record] ?? 0).record;
    const isWhole = secret.issuer === view.issuer && secret.left === this.#ttl(workload) + 1;
    if (isWhole && (rotation === undefined || rotation.switchedAtMs !== undefined)) return undefined;
    return this.#sign(row, replica, workload, view, add);
  }

  /** What it has in its hand is written, or the object has changed meanwhile. */
  write(row: Row, replica: Replica, add: Add): void {
    const hand = handOf(row[at.hand(replica)] ?? 0);
    if (hand === undefined || hand.kind === 'step') return;
    const lands = hand.fresh || this.#sabotage.withoutCompare === true || (hand.kind === 'leaf' && this.#isPod(hand.workload));
    add(lands ? `r${replica} writes w${hand.workload}` : `r${replica} is refused`, true, (next) => {
      next[at.hand(replica)] = 0;
      if (lands) this.#writeSecret(next, hand);
    });
  }

  #writeSecret(next: Row, { kind, workload, content }: Exclude<Hand, { kind: 'step' }>): void {
    const before = contentOf(next[at.secret(workload)] ?? 0);
    const written = contentOf(content);
    // A pod certificate and the bundle of its pod are two objects.
    const merged = !this.#isPod(workload) ? written : kind === 'leaf' ? { ...written, generation: before.generation, roots: before.roots } : { ...before, generation: written.generation, roots: written.roots };
    const after = packContent(merged);
    if (after === next[at.secret(workload)]) return;
    next[at.secret(workload)] = after;
    const site = siteOf(next[at.site(workload)] ?? 0);
    next[at.site(workload)] = packSite({ ...site, undelivered: after === next[at.delivered(workload)] ? 0 : Math.max(1, site.undelivered) });
    for (const replica of replicas) {
      const hand = handOf(next[at.hand(replica)] ?? 0);
      if (hand !== undefined && hand.kind !== 'step' && hand.workload === workload) next[at.hand(replica)] = packHand({ ...hand, fresh: false });
    }
  }

  #sign(row: Row, replica: Replica, workload: Workload, { issuer, epoch, generation, roots }: View, add: Add): string | undefined {
    const known = this.#records.at(row[at.record] ?? 0);
    const ttl = this.#ttl(workload);
    if (this.#isPod(workload) && this.#sabotage.withoutReservation !== true) {
      const untilMs = nowMs + ttl * tickMs;
      const reserved = this.#records.reserve(known.index, issuer, untilMs);
      // Nothing is reserved any more for one that retires: what was reserved before may be used.
      if (reserved === undefined && this.#reservedUntilMs(known, issuer) < untilMs) return undefined;
      if (reserved !== undefined && reserved.index !== known.index) {
        add(`r${replica} reserves for w${workload}`, true, (next) => writeRecord(next, reserved.index));
        return undefined;
      }
    }
    const broken = mayNotSign(known, this.#records.issuerName(issuer), epoch);
    const content = packContent({ issuer, left: ttl + 1, generation, roots });
    add(`r${replica} signs for w${workload}`, true, (next) => (next[at.hand(replica)] = packHand({ kind: 'leaf', fresh: true, workload, content })));
    return broken;
  }

  #reservedUntilMs({ view }: KnownRecord, issuer: number): number {
    const name = this.#records.issuerName(issuer);
    return view.authorities.find(({ keyIdentifier }) => keyIdentifier === name)?.reservedUntilMs ?? 0;
  }

  #ttl(workload: Workload): number {
    return this.#isPod(workload) ? this.#kind.ticks.podTtl : this.#kind.ticks.ttl;
  }

  #isPod(workload: Workload): boolean {
    return this.#kind.pod && workload === 1;
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

/** No leaf comes from an authority that has left the record. */
function mayNotSign({ view, epoch: current }: KnownRecord, issuer: string, epoch: number): string | undefined {
  if (view.authorities.some(({ keyIdentifier }) => keyIdentifier === issuer)) return undefined;
  return `a leaf is signed under epoch ${epoch} by an authority that has left the record, at epoch ${current}`;
}

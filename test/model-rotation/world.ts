/**
 * Everything that can happen in a small world: two replicas with the product's own lease rule, two workloads with a node
 * each, one rotation that the product's planner drives through the product's record changes. Whatever two parties do, they
 * may do in any order; every party may stop between any two steps for as long as it likes.
 */
import { deliveries, fetching, timePasses, type Add } from './environment.ts';
import { Planning, type Sabotage, type WorldKind } from './observe.ts';
import { forsakenLeaf, rootLetters, ruledByTwo, stillCarried, trustsDistrusted, untrustedLeaf } from './properties.ts';
import type { Records } from './records.ts';
import { ReplicaMoves } from './replica-moves.ts';
import { choosing, restoring } from './restores.ts';
import { RotationMoves } from './rotation-moves.ts';
import type { Move, Searchable } from './search.ts';
import { Sight } from './sight.ts';
import { at, contentOf, flagsOf, forgetIdle, packContent, packReader, packSite, packTold, packView, readyMax, replicas, rowLength, rowOf, siteOf, stateOf, viewOf, workloads, type Row } from './state.ts';
import { nowMs, tickMs } from './times.ts';

export class World implements Searchable {
  readonly initial: string;
  readonly #records: Records;
  readonly #kind: WorldKind;
  readonly #sabotage: Sabotage;
  readonly #planning: Planning;
  readonly #replicas: ReplicaMoves;
  readonly #rotation: RotationMoves;
  readonly #sight: Sight;
  readonly #areAlike: boolean;
  readonly #isListed: readonly boolean[];

  constructor(records: Records, kind: WorldKind, sabotage: Sabotage = {}) {
    this.#records = records;
    this.#kind = kind;
    this.#sabotage = sabotage;
    this.#planning = new Planning(records, kind, sabotage);
    this.#replicas = new ReplicaMoves(records, kind, sabotage);
    this.#rotation = new RotationMoves(records, kind, sabotage, this.#planning);
    this.#sight = new Sight(records, kind, sabotage);
    this.#areAlike = kind.leaves[0] === kind.leaves[1];
    this.#isListed = kind.leaves.map((leaf) => leaf === 'Secret');
    this.initial = this.#first();
  }

  moves(state: string): { readonly moves: readonly Move[]; readonly broken?: string | undefined } {
    try {
      return this.#moves(rowOf(state));
    } catch (error) {
      // The record changes refuse what must never be asked of them.
      return { moves: [], broken: `the product refuses what it planned: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  #moves(row: Row): { readonly moves: readonly Move[]; readonly broken?: string | undefined } {
    const moves: Move[] = [];
    let broken: string | undefined;
    const add: Add = (label, fair, change) => {
      const next = row.slice();
      change(next);
      if (this.#kind.isBrisk) this.#rotation.atOnce(next);
      if (this.#sabotage.withoutLease !== true && this.#sabotage.withoutCompare !== true) forgetIdle(next, this.#isListed);
      moves.push({ label, fair, to: stateOf(next, this.#areAlike) });
    };
    restoring(row, this.#records, this.#kind, this.#sight, add);
    if (this.#isOver(row)) return { moves };
    choosing(row, this.#records, this.#sight, add);
    timePasses(row, this.#records, this.#planning, this.#kind, add);
    if (this.#kind.fetches) fetching(row, this.#records, add);
    for (const workload of workloads) deliveries(row, workload, this.#kind, add);
    for (const replica of replicas) {
      this.#replicas.leadership(row, replica, add);
      for (const workload of workloads) broken ??= this.#replicas.issuing(row, replica, workload, add);
      this.#replicas.write(row, replica, add);
    }
    broken ??= this.#rotation.moves(row, add);
    return { moves, broken };
  }

  check(state: string): string | undefined {
    const row = rowOf(state);
    const { record } = this.#records.at(row[at.record] ?? 0);
    // An emergency waits for nobody; that there was one, a record that was restored may not know.
    const isUrgent = this.#kind.mode === 'Emergency' || (record.rotation ?? record.lastRotation)?.mode === 'Emergency';
    if (this.#kind.what === 'Issuing' && !isUrgent) return forsakenLeaf(row, this.#records);
    if (flagsOf(row[at.flags] ?? 0).excused) return undefined;
    return ruledByTwo(row, this.#records) ?? stillCarried(row, this.#records) ?? (isUrgent ? undefined : untrustedLeaf(row, this.#records));
  }

  done(state: string): boolean {
    const row = rowOf(state);
    const { record } = this.#records.at(row[at.record] ?? 0);
    const { abort, restored, accepted, emergency } = flagsOf(row[at.flags] ?? 0);
    if (restored && !this.#agree(row)) return false;
    if (this.#kind.pausesThen && accepted !== 0) return true;
    // One that was given up before its first step has ended too.
    if (record.rotation !== undefined || (record.lastRotation === undefined && (!abort || emergency !== 0))) return false;
    if (record.lastRotation !== undefined && !this.#rotation.isEnded(row)) return false;
    return record.lastRotation?.mode !== 'Emergency' || !trustsDistrusted(row, this.#records);
  }

  show(state: string): string {
    const row = rowOf(state);
    const { record, epoch, generation } = this.#records.at(row[at.record] ?? 0);
    const { rotation, lastRotation } = record;
    const word = rotation === undefined ? (lastRotation?.outcome ?? 'not begun') : rotation.retiredAtMs !== undefined ? 'retired' : rotation.switchedAtMs === undefined ? 'prepared' : `switched ${rotation.direction}`;
    const of = workloads.map((workload) => {
      const { down } = siteOf(row[at.site(workload)] ?? 0);
      return `w${workload}[${[at.secret, at.delivered, at.loaded].map((place) => showContent(row[place(workload)] ?? 0)).join(' ')}${down ? ' down' : ''}]`;
    });
    const who = replicas.map((replica) => {
      const view = row[at.view(replica)] ?? 0;
      return `r${replica}[${view === 0 ? 'knows nothing' : `e${viewOf(view).epoch} g${viewOf(view).generation}`}, may act for ${row[at.term(replica)] ?? 0} e${row[at.termEpoch(replica)] ?? 0}]`;
    });
    return `${word} e${epoch} g${generation} ${of.join(' ')} ${who.join(' ')} lease ${row[at.leaseEnd] ?? 0} e${row[at.leaseEpoch] ?? 0} passed: ${this.#planning.passed(row[at.remembered] ?? 0)}`;
  }

  /** It has ended, and nobody is about to do anything more than renew. */
  #isOver(row: Row): boolean {
    if (!this.#rotation.isEnded(row)) return false;
    if (flagsOf(row[at.flags] ?? 0).restored ? !this.#agree(row) : !this.#isSettled(row)) return false;
    return replicas.every((replica) => row[at.hand(replica)] === 0);
  }

  /** After a restore everybody is to agree again. */
  #agree(row: Row): boolean {
    return !this.#sight.isOlder(row) && this.#isSettled(row) && untrustedLeaf(row, this.#records) === undefined;
  }

  /** Whether everybody has what is written, and it is of the record. */
  #isSettled(row: Row): boolean {
    const { generation } = this.#records.at(row[at.record] ?? 0);
    return workloads.every((workload) => row[at.secret(workload)] === row[at.loaded(workload)] && contentOf(row[at.secret(workload)] ?? 0).generation === generation);
  }

  #first(): string {
    const { first } = this.#records;
    const row: Row = Array.from({ length: rowLength }, () => 0);
    row[at.record] = this.#reservedAtFirst();
    if (this.#kind.restores !== 'never') row[at.told] = packTold(first);
    if (this.#kind.fetches) row[at.reader] = packReader({ ...first, age: 1 });
    row[at.holder] = 1;
    row[at.leaseEnd] = this.#kind.ticks.lease;
    row[at.leaseEpoch] = first.epoch;
    row[at.view(0)] = packView(first);
    row[at.term(0)] = this.#kind.ticks.lease;
    row[at.termEpoch(0)] = first.epoch;
    for (const workload of workloads) {
      const ttl = this.#kind.leaves[workload] === 'Secret' ? this.#kind.ticks.ttl : this.#kind.ticks.requestedTtl;
      const content = packContent({ issuer: first.issuer, left: ttl + 1, generation: first.generation, roots: first.roots });
      for (const place of [at.secret, at.delivered, at.loaded]) row[place(workload)] = content;
      row[at.site(workload)] = packSite({ undelivered: 0, unloaded: 0, down: false, silent: 0, ready: readyMax });
    }
    return stateOf(row, this.#areAlike);
  }

  /** Reservations come in steps of two ticks: these end with the leaf, as tightly as can be. */
  #reservedAtFirst(): number {
    const { first } = this.#records;
    const untilMs = nowMs + (this.#kind.ticks.requestedTtl - 2) * tickMs;
    let { index } = first;
    for (const channel of this.#kind.leaves) {
      if (channel !== 'Secret' && channel !== this.#sabotage.withoutReservation) index = this.#records.reserve(index, first.issuer, channel, untilMs)?.index ?? index;
    }
    return index;
  }
}

/** `B2/3AB`: a leaf below root B for two more ticks, with the bundle of generation 3, which holds both roots. */
function showContent(packed: number): string {
  const { issuer, left, generation, roots } = contentOf(packed);
  return `${left === 0 ? '-' : (['', 'A', 'B', 'A', 'C', 'A'][issuer] ?? '')}${left}/${generation}${rootLetters(roots)}`;
}

/**
 * Everything that can happen in a small world: two replicas with the product's own lease rule, two workloads with a node
 * each, one rotation that the product's planner drives through the product's record changes. Whatever two parties do, they
 * may do in any order; every party may stop between any two steps for as long as it likes.
 */
import { deliveries, timePasses, type Add } from './environment.ts';
import { Planning, type Sabotage, type WorldKind } from './observe.ts';
import { stillCarried, untrustedLeaf } from './properties.ts';
import { nowMs, tickMs, type Records } from './records.ts';
import { ReplicaMoves } from './replica-moves.ts';
import { RotationMoves } from './rotation-moves.ts';
import type { Move, Searchable } from './search.ts';
import { abortFlag, at, contentOf, forgetIdle, packContent, packSite, packView, readyMax, replicas, rowLength, rowOf, siteOf, stateOf, viewOf, workloads, type Row } from './state.ts';

export class World implements Searchable {
  readonly initial: string;
  readonly #records: Records;
  readonly #kind: WorldKind;
  readonly #sabotage: Sabotage;
  readonly #planning: Planning;
  readonly #replicas: ReplicaMoves;
  readonly #rotation: RotationMoves;

  constructor(records: Records, kind: WorldKind, sabotage: Sabotage = {}) {
    this.#records = records;
    this.#kind = kind;
    this.#sabotage = sabotage;
    this.#planning = new Planning(records, kind, sabotage.judges);
    this.#replicas = new ReplicaMoves(records, kind, sabotage);
    this.#rotation = new RotationMoves(records, kind, sabotage, this.#planning);
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
    if (this.#isOver(row)) return { moves };
    let broken: string | undefined;
    const add: Add = (label, fair, change) => {
      const next = row.slice();
      change(next);
      if (this.#sabotage.withoutLease !== true && this.#sabotage.withoutCompare !== true) forgetIdle(next, this.#kind.pod);
      moves.push({ label, fair, to: stateOf(next, !this.#kind.pod) });
    };
    timePasses(row, this.#records, this.#planning, this.#kind.ticks, add);
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
    return stillCarried(row, this.#records) ?? (this.#kind.mode === 'Emergency' ? undefined : untrustedLeaf(row, this.#records));
  }

  done(state: string): boolean {
    const { record } = this.#records.at(state.charCodeAt(at.record));
    // One that was given up before its first step has ended too.
    return record.rotation === undefined && (record.lastRotation !== undefined || (state.charCodeAt(at.flags) & abortFlag) !== 0);
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
    const { record, generation } = this.#records.at(row[at.record] ?? 0);
    if (record.rotation !== undefined || record.lastRotation === undefined) return false;
    const settled = workloads.every((workload) => row[at.secret(workload)] === row[at.loaded(workload)] && contentOf(row[at.secret(workload)] ?? 0).generation === generation);
    return settled && replicas.every((replica) => row[at.hand(replica)] === 0);
  }

  #first(): string {
    const { first } = this.#records;
    const row: Row = Array.from({ length: rowLength }, () => 0);
    // Reservations come in steps of two ticks: this one ends with the leaf, as tightly as can be.
    const podUntilMs = nowMs + (this.#kind.ticks.podTtl - 2) * tickMs;
    row[at.record] = this.#kind.pod && this.#sabotage.withoutReservation !== true ? (this.#records.reserve(first.index, first.issuer, podUntilMs) ?? first).index : first.index;
    row[at.holder] = 1;
    row[at.leaseEnd] = this.#kind.ticks.lease;
    row[at.leaseEpoch] = first.epoch;
    row[at.view(0)] = packView(first);
    row[at.term(0)] = this.#kind.ticks.lease;
    row[at.termEpoch(0)] = first.epoch;
    for (const workload of workloads) {
      const ttl = this.#kind.pod && workload === 1 ? this.#kind.ticks.podTtl : this.#kind.ticks.ttl;
      const content = packContent({ issuer: first.issuer, left: ttl + 1, generation: first.generation, roots: first.roots });
      for (const place of [at.secret, at.delivered, at.loaded]) row[place(workload)] = content;
      row[at.site(workload)] = packSite({ undelivered: 0, unloaded: 0, down: false, silent: 0, ready: readyMax });
    }
    return stateOf(row, !this.#kind.pod);
  }
}

/** `B2/3AB`: a leaf below root B for two more ticks, with the bundle of generation 3, which holds both roots. */
function showContent(packed: number): string {
  const { issuer, left, generation, roots } = contentOf(packed);
  return `${left === 0 ? '-' : (['', 'A', 'B', 'A'][issuer] ?? '')}${left}/${generation}${['', 'A', 'B', 'AB'][roots] ?? ''}`;
}

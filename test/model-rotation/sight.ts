/** What a replica makes of the record: whether it is in force, and what its trust domain then says of it. */
import { activeAuthority } from '../../src/authority/index.ts';
import { planTrustDomain, type TrustDomainPlan } from '../../src/controllers/trust-domain/plan.ts';
import { deliveredOf, type Sabotage, type WorldKind } from './observe.ts';
import type { KnownRecord, Records } from './records.ts';
import { at, flagsOf, packTold, packView, toldOf, type Row } from './state.ts';
import { nowMs, tickMs } from './times.ts';

/** What a look at the record leads to. */
export interface Seen {
  /** The record, which an operator's choice may have changed. */
  readonly record: number;
  /** As a replica acts by it: see `packView`; 0: by none. */
  readonly view: number;
  /** What the status of the trust domain says then. */
  readonly told: number;
}

/** Looks at records as the product does. */
export class Sight {
  readonly #records: Records;
  readonly #kind: WorldKind;
  readonly #sabotage: Sabotage;
  readonly #seen = new Map<string, Seen>();

  constructor(records: Records, kind: WorldKind, sabotage: Sabotage) {
    this.#records = records;
    this.#kind = kind;
    this.#sabotage = sabotage;
  }

  look(row: Row): Seen {
    const record = row[at.record] ?? 0;
    if (this.#kind.restores === 'never') return { record, view: packView(this.#records.at(record)), told: 0 };
    return this.#looked(record, row[at.told] ?? 0, flagsOf(row[at.flags] ?? 0).accepted);
  }

  /** As whoever begins to lead knows the record, before it does anything about it. */
  view(row: Row): number {
    const seen = this.look(row);
    return seen.record === row[at.record] ? seen.view : 0;
  }

  /** Whether an operator has to choose. */
  isOlder(row: Row): boolean {
    return this.#kind.restores !== 'never' && this.#looked(row[at.record] ?? 0, row[at.told] ?? 0, 0).view === 0;
  }

  #looked(record: number, told: number, accepted: number): Seen {
    const key = `${record} ${told} ${accepted}`;
    const known = this.#seen.get(key) ?? this.#judge(record, told, accepted);
    this.#seen.set(key, known);
    return known;
  }

  #judge(record: number, told: number, accepted: number): Seen {
    const known = this.#records.at(record);
    const plan = this.#plan(known, told, accepted);
    if (plan.action === 'accept') return this.#judge(this.#records.accept(record, toldOf(told)).index, told, accepted);
    // When what signs no more is dropped from the record is all the same to everybody here.
    if (plan.action === 'drop') return { record, view: packView(known), told: packTold(known) };
    if (plan.action !== 'none') throw new Error(`nobody expects the plan to ${plan.action} here`);
    if (plan.problem !== undefined) return { record, view: 0, told };
    return { record, view: packView(known), told: packTold(known) };
  }

  #plan({ record }: KnownRecord, told: number, accepted: number): TrustDomainPlan {
    const nothing = { signerEpoch: 0, bundleGeneration: 0, bundleSha256: undefined };
    return planTrustDomain(
      {
        name: record.trustDomain,
        record: { kind: 'loaded', record },
        traces: ['a Secret'],
        lastRoot: activeAuthority(record, 'Root').keyIdentifier,
        newRoot: undefined,
        acceptRecord: this.#records.rootName(accepted),
        delivered: this.#sabotage.withoutDetection === true ? nothing : deliveredOf(told, this.#records, this.#sabotage),
        limits: { maxTtlMs: this.#kind.ticks.requestedTtl * tickMs, lifetimeMs: 1_000 * tickMs, leaseMs: this.#kind.ticks.lease * tickMs },
        recordLocation: 'the record',
      },
      nowMs,
    );
  }
}

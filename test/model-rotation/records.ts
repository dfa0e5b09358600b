/**
 * Authority records of the small world. All real: made and changed by the product's own functions, with keys that exist.
 * What is small is their number: a record is kept once, by what it says with times counted from now, so that a state can
 * name it by a number.
 */
import { randomBytes } from 'node:crypto';
import {
  acceptRestored,
  activeAuthority,
  bundleSha256,
  createRecord,
  distrustSooner,
  dropPrepared,
  finishRotation,
  hastenDistrust,
  makeEmergency,
  prepareIssuing,
  prepareRoot,
  prepareSuccessors,
  reserve,
  retireFrom,
  rootsOf,
  switchBack,
  switchTo,
  type Authority,
  type AuthorityRecord,
  type Channel,
  type Successors,
} from '../../src/authority/index.ts';
import { recordView, type RecordView } from '../../src/rotation/ca/index.ts';
import { parseTrustDomainName } from '../../src/spiffe/index.ts';
import { generateKeyPair } from '../../src/x509/index.ts';
import type { Step, Told } from './state.ts';
import { backedUp, moved, nowMs, tickMs } from './times.ts';

/** The rotation that the world is about. */
export const rotationNames = { uid: 'uid-1', name: 'small' };
/** The emergency that may be asked for beside it. */
export const emergencyNames = { uid: 'uid-2', name: 'urgent' };

/** What is broken on purpose in the records that are made. */
export interface RecordSabotage {
  /** Forgets what an emergency before had named a time. */
  readonly forgetsSooner?: boolean;
  /** Gives a root that was named a time another one. */
  readonly givesMoreTime?: boolean;
}

/** A record by its number, with what the world looks at. */
export interface KnownRecord {
  readonly index: number;
  readonly record: AuthorityRecord;
  readonly view: RecordView;
  readonly epoch: number;
  readonly generation: number;
  /** Which roots are in the bundle: bit 0 is the first root. */
  readonly roots: number;
  /** The authority that signs leaves, by its number. */
  readonly issuer: number;
}

/** What a step needs to know besides the record. */
export interface StepTimes {
  readonly leavesEndMs: number;
  readonly distrustAtMs: number;
  /** Whether a rotation was begun before, in a record that is gone: what is made now are other keys. */
  readonly again: boolean;
}

/** Authorities that a story can come to have. What is made a second time, after a restore, is another one. */
interface Cast {
  readonly roots: readonly [Successors, Successors];
  /** Issuing authorities below the first root: for the way back, or for a rotation of an issuing authority. */
  readonly issuing: readonly [Authority, Authority];
}

/** Where an issuing authority's root stands in `roots`, by the number of the authority. */
const rootBits = [0, 1, 2, 1, 4, 1];

export class Records {
  readonly #byText = new Map<string, KnownRecord>();
  readonly #known: KnownRecord[] = [];
  readonly #later: number[] = [];
  /** The record that one was made from, by its number. */
  readonly #before: (number | undefined)[] = [];
  readonly #reserved = new Map<string, KnownRecord | undefined>();
  readonly #sha256 = new Map<number, string>();
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #rootBit: ReadonlyMap<string, number>;
  readonly #cast: Cast;
  readonly first: KnownRecord;

  private constructor(record: AuthorityRecord, cast: Cast) {
    this.#cast = cast;
    const issuing = [activeAuthority(record, 'Issuing'), cast.roots[0].issuing, cast.issuing[0], cast.roots[1].issuing, cast.issuing[1]];
    this.#numbers = new Map(issuing.map(({ keyIdentifier }, index) => [keyIdentifier, index + 1]));
    const roots = [activeAuthority(record, 'Root'), cast.roots[0].root, cast.roots[1].root];
    this.#rootBit = new Map(roots.map((root, index) => [root?.keyIdentifier ?? '', 1 << index]));
    this.first = this.keep(record);
  }

  static async make(): Promise<Records> {
    const spec = { keyAlgorithm: 'ECDSAP256', lifetimeMs: 1_000 * tickMs } as const;
    const specs = { root: { ...spec, lifetimeMs: 10_000 * tickMs }, issuing: spec };
    const tools = { generateKeyPair, randomBytes: (length: number) => randomBytes(length) };
    // Long before, so that no authority is young or old in any state.
    const madeMs = nowMs - 100 * tickMs;
    const record = await createRecord(parseTrustDomainName('small.example'), specs, madeMs, tools);
    const successors = async (what: 'Root' | 'Issuing') => prepareSuccessors(record, what, specs, madeMs, tools);
    const issuing = [(await successors('Issuing')).issuing, (await successors('Issuing')).issuing] as const;
    return new Records(record, { roots: [await successors('Root'), await successors('Root')], issuing });
  }

  at(index: number): KnownRecord {
    const known = this.#known[index];
    if (known === undefined) throw new RangeError(`no record ${index}`);
    return known;
  }

  /** The key identifier of an issuing authority by its number. */
  issuerName(number: number): string {
    for (const [name, index] of this.#numbers) if (index === number) return name;
    return 'nobody';
  }

  issuerNumber(name: string): number {
    return this.#numbers.get(name) ?? 0;
  }

  /** The root of an issuing authority, as a bit. */
  rootOf(number: number): number {
    return rootBits[number] ?? 0;
  }

  /** A root by its key identifier, as a bit. */
  rootBit(name: string): number {
    return this.#rootBit.get(name) ?? 0;
  }

  rootName(bit: number): string | undefined {
    for (const [name, each] of this.#rootBit) if (each === bit) return name;
    return undefined;
  }

  /** SHA-256 over a bundle of these roots, as far as a record ever had them. */
  bundleSha256(roots: number): string | undefined {
    return this.#sha256.get(roots);
  }

  /** The record that a step makes; the same when the step changes nothing. @throws what the product throws */
  change(index: number, step: Step, times: StepTimes, sabotage: RecordSabotage): KnownRecord {
    return this.#after(index, sabotaged(this.#changed(this.at(index).record, step, times), times, sabotage));
  }

  /** An operator goes on with a record that a restore put back. */
  accept(index: number, { epoch, generation }: Told): KnownRecord {
    return this.#after(index, acceptRestored(this.at(index).record, { signerEpoch: epoch, bundleGeneration: generation }));
  }

  /** The record in which leaves that nobody lists may live until then; undefined when that authority signs no more. */
  reserve(index: number, issuer: number, channel: Channel, untilMs: number): KnownRecord | undefined {
    const key = `${index} ${issuer} ${channel} ${untilMs}`;
    if (this.#reserved.has(key)) return this.#reserved.get(key);
    const record = reserve(this.at(index).record, this.issuerName(issuer), channel, untilMs);
    const known = record === undefined ? undefined : this.#after(index, record);
    this.#reserved.set(key, known);
    return known;
  }

  /** The same record one tick later. */
  later(index: number): number {
    return (this.#later[index] ??= this.keep(moved(this.at(index).record), this.#before[index]).index);
  }

  /** Every record from which this one was made, as it comes back from a backup that was taken long ago. */
  backups(index: number): readonly number[] {
    const found = new Set<number>();
    for (let before = this.#before[index]; before !== undefined; before = this.#before[before]) found.add(this.keep(backedUp(this.at(before).record), this.#before[before]).index);
    found.delete(index);
    return [...found];
  }

  keep(record: AuthorityRecord, before?: number): KnownRecord {
    const text = JSON.stringify(record, (name, value: unknown) => (name === 'certificate' || name.endsWith('Pem') ? undefined : typeof value === 'bigint' ? String(value) : value));
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const next: KnownRecord = {
      index: this.#known.length,
      record,
      view: recordView(record),
      epoch: record.signerEpoch,
      generation: record.bundleGeneration,
      roots: rootsOf(record).reduce((bits, { keyIdentifier }) => bits | this.rootBit(keyIdentifier), 0),
      issuer: this.issuerNumber(activeAuthority(record, 'Issuing').keyIdentifier),
    };
    this.#known.push(next);
    this.#before.push(before);
    this.#byText.set(text, next);
    this.#sha256.set(next.roots, bundleSha256(record));
    return next;
  }

  #after(index: number, record: AuthorityRecord): KnownRecord {
    return record === this.at(index).record ? this.at(index) : this.keep(record, index);
  }

  #changed(record: AuthorityRecord, step: Step, { leavesEndMs, distrustAtMs, again }: StepTimes): AuthorityRecord {
    const nth = again ? 1 : 0;
    const successors = this.#cast.roots[nth];
    const issuing = this.#cast.issuing[nth];
    // Whose turn it is stands in the record.
    const current = record.rotation ?? rotationNames;
    switch (step) {
      case 'prepare':
        return prepareRoot(record, rotationNames, successors, nowMs);
      case 'prepare-issuing':
        return prepareIssuing(record, rotationNames, { root: undefined, issuing }, nowMs);
      case 'drop-prepared':
        return dropPrepared(record, rotationNames, nowMs);
      case 'switch':
        return switchTo(record, rotationNames, leavesEndMs, nowMs);
      case 'emergency':
        return makeEmergency(record, rotationNames, successors, { distrustAtMs, leavesEndMs }, nowMs);
      case 'switch-back':
        return switchBack(record, rotationNames, issuing, leavesEndMs, nowMs);
      case 'retire':
        return retireFrom(record, current, [], nowMs);
      case 'finish-complete':
        return finishRotation(record, current, 'Complete', nowMs);
      case 'finish-aborted':
        return finishRotation(record, current, 'Aborted', nowMs);
      case 'overtake':
        return makeEmergency(record, emergencyNames, this.#cast.roots[1], { distrustAtMs, leavesEndMs }, nowMs);
      case 'hasten':
        return hastenDistrust(record, emergencyNames, distrustAtMs, nowMs);
      case 'distrust-sooner':
        return distrustSooner(record, current, nowMs);
    }
  }
}

function sabotaged(record: AuthorityRecord, { distrustAtMs }: StepTimes, { forgetsSooner = false, givesMoreTime = false }: RecordSabotage): AuthorityRecord {
  if (forgetsSooner) return { ...record, authorities: record.authorities.map(({ distrustAtMs: _sooner, ...rest }) => rest) };
  if (!givesMoreTime || record.rotation?.mode !== 'Emergency' || record.rotation.startedAtMs !== nowMs) return record;
  return { ...record, rotation: { ...record.rotation, distrustAtMs } };
}

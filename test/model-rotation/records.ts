/**
 * Authority records of the small world. All real: made and changed by the product's own functions, with keys that exist.
 * What is small is their number: a record is kept once, by what it says with times counted from now, so that a state can
 * name it by a number.
 */
import { randomBytes } from 'node:crypto';
import {
  activeAuthority,
  createRecord,
  dropPrepared,
  finishRotation,
  makeEmergency,
  prepareRoot,
  prepareSuccessors,
  reserve,
  retireFrom,
  rootsOf,
  switchBack,
  switchTo,
  type Authority,
  type AuthorityRecord,
  type RotationInRecord,
  type Successors,
} from '../../src/authority/index.ts';
import { recordView, type RecordView } from '../../src/rotation/ca/index.ts';
import { parseTrustDomainName } from '../../src/spiffe/index.ts';
import { generateKeyPair } from '../../src/x509/index.ts';

/** One step of the world's time. An hour, because reservations come in hours. */
export const tickMs = 3_600_000;
/** Now, in every state: times are kept as distances from it. */
export const nowMs = Date.parse('2026-01-05T00:00:00Z');
/** What happened longer ago than this many ticks is all the same: no gate looks further back. */
const horizonTicks = 5;

/** The rotation that the world is about. */
export const rotationNames = { uid: 'uid-1', name: 'small' };

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

/** The rotation's steps as record changes. */
export type RecordChange = 'prepare' | 'drop-prepared' | 'switch' | 'emergency' | 'switch-back' | 'retire' | 'finish-complete' | 'finish-aborted';

export class Records {
  readonly #byText = new Map<string, KnownRecord>();
  readonly #known: KnownRecord[] = [];
  readonly #later: number[] = [];
  readonly #reserved = new Map<string, KnownRecord | undefined>();
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #successors: Successors;
  readonly #back: Authority;
  readonly first: KnownRecord;
  /** Key identifier of the root that is active at first. */
  readonly firstRoot: string;

  private constructor(record: AuthorityRecord, successors: Successors, back: Authority) {
    this.#successors = successors;
    this.#back = back;
    const issuing = [activeAuthority(record, 'Issuing'), successors.issuing, back];
    this.#numbers = new Map(issuing.map(({ keyIdentifier }, index) => [keyIdentifier, index + 1]));
    this.firstRoot = activeAuthority(record, 'Root').keyIdentifier;
    this.first = this.keep(record);
  }

  static async make(): Promise<Records> {
    const spec = { keyAlgorithm: 'ECDSAP256', lifetimeMs: 1_000 * tickMs } as const;
    const specs = { root: { ...spec, lifetimeMs: 10_000 * tickMs }, issuing: spec };
    const tools = { generateKeyPair, randomBytes: (length: number) => randomBytes(length) };
    // Long before, so that no authority is young or old in any state.
    const madeMs = nowMs - 100 * tickMs;
    const record = await createRecord(parseTrustDomainName('small.example'), specs, madeMs, tools);
    const successors = await prepareSuccessors(record, 'Root', specs, madeMs, tools);
    const { issuing } = await prepareSuccessors(record, 'Issuing', specs, madeMs, tools);
    return new Records(record, successors, issuing);
  }

  get size(): number {
    return this.#known.length;
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
    return number === 2 ? 2 : 1;
  }

  /** The record that a step makes; undefined when the step changes nothing. @throws what the product throws */
  change(index: number, change: RecordChange, leavesEndMs: number, distrustAtMs: number): KnownRecord {
    return this.keep(this.#changed(this.at(index).record, change, leavesEndMs, distrustAtMs));
  }

  /** The record in which leaves that nobody lists may live until then; undefined when that authority signs no more. */
  reserve(index: number, issuer: number, untilMs: number): KnownRecord | undefined {
    const key = `${index} ${issuer} ${untilMs}`;
    if (this.#reserved.has(key)) return this.#reserved.get(key);
    const record = reserve(this.at(index).record, this.issuerName(issuer), 'pod-certificate', untilMs);
    const known = record === undefined ? undefined : this.keep(record);
    this.#reserved.set(key, known);
    return known;
  }

  /** The same record one tick later. */
  later(index: number): number {
    return (this.#later[index] ??= this.keep(moved(this.at(index).record)).index);
  }

  keep(record: AuthorityRecord): KnownRecord {
    const text = JSON.stringify(record, (name, value: unknown) => (name === 'certificate' || name.endsWith('Pem') ? undefined : typeof value === 'bigint' ? String(value) : value));
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const next: KnownRecord = {
      index: this.#known.length,
      record,
      view: recordView(record),
      epoch: record.signerEpoch,
      generation: record.bundleGeneration,
      roots: rootsOf(record).reduce((bits, { keyIdentifier }) => bits | (keyIdentifier === this.#successors.root?.keyIdentifier ? 2 : 1), 0),
      issuer: this.#numbers.get(activeAuthority(record, 'Issuing').keyIdentifier) ?? 0,
    };
    this.#known.push(next);
    this.#byText.set(text, next);
    return next;
  }

  #changed(record: AuthorityRecord, change: RecordChange, leavesEndMs: number, distrustAtMs: number): AuthorityRecord {
    switch (change) {
      case 'prepare':
        return prepareRoot(record, rotationNames, this.#successors, nowMs);
      case 'drop-prepared':
        return dropPrepared(record, rotationNames, nowMs);
      case 'switch':
        return switchTo(record, rotationNames, leavesEndMs, nowMs);
      case 'emergency':
        return makeEmergency(record, rotationNames, this.#successors, { distrustAtMs, leavesEndMs }, nowMs);
      case 'switch-back':
        return switchBack(record, rotationNames, this.#back, leavesEndMs, nowMs);
      case 'retire':
        return retireFrom(record, rotationNames, [], nowMs);
      case 'finish-complete':
        return finishRotation(record, rotationNames, 'Complete', nowMs);
      case 'finish-aborted':
        return finishRotation(record, rotationNames, 'Aborted', nowMs);
    }
  }
}

/** A time one tick later, seen from then; what is over the horizon stays there. */
export function earlier(ms: number): number {
  return Math.max(ms - tickMs, nowMs - horizonTicks * tickMs);
}

function moved(record: AuthorityRecord): AuthorityRecord {
  const authorities = record.authorities.map((authority) => ({
    ...authority,
    retiredAtMs: authority.retiredAtMs === undefined ? undefined : 0,
    // As long as it signs, what is reserved moves on with the leaves that are renewed.
    ...(authority.reserved === undefined || authority.state === 'Active' ? {} : { reserved: Object.fromEntries(Object.entries(authority.reserved).map(([channel, ms]) => [channel, Math.max(ms - tickMs, nowMs - tickMs)])) }),
  }));
  const { rotation, lastRotation } = record;
  return {
    ...record,
    authorities,
    ...(rotation === undefined ? {} : { rotation: movedRotation(rotation) }),
    // What has ended has no times that matter.
    ...(lastRotation === undefined ? {} : { lastRotation: { ...lastRotation, startedAtMs: 0, finishedAtMs: 0, switchedAtMs: undefined, retiredAtMs: lastRotation.retiredAtMs === undefined ? undefined : 0 } }),
  };
}

/**
 * Of a rotation only what is to come is told apart. When it was switched serves to tell one switch from the other, and a
 * status that speaks of another one is forgotten with the tick: see `rememberedLater`.
 */
function movedRotation(rotation: RotationInRecord): RotationInRecord {
  const { switchedAtMs, leavesEndMs, distrustAtMs, retiredAtMs } = rotation;
  if (retiredAtMs !== undefined) return { ...rotation, startedAtMs: 0, switchedAtMs: 0, leavesEndMs: 0, distrustAtMs: undefined, retiredAtMs: 0 };
  const toCome = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.max(ms - tickMs, nowMs - tickMs));
  return { ...rotation, startedAtMs: 0, switchedAtMs: switchedAtMs === undefined ? undefined : 0, leavesEndMs: toCome(leavesEndMs), distrustAtMs: toCome(distrustAtMs) };
}

/**
 * A world that is about reservations alone: one authority that signs leaves which nobody lists, one process at a time, and a
 * record that comes back from a backup at any moment, alone or with the status as it was then. All that is decided is decided
 * by the product: what is reserved, what that covers, and what the record is raised to.
 */
import { activeAuthority, latestNotAfterMs, reserve, type AuthorityRecord } from '../../src/authority/index.ts';
import { ReservedEnds } from '../../src/controllers/index.ts';
import { withKnownReservations } from '../../src/controllers/trust-domain/lost-reservations.ts';
import type { TrustDomain } from '../../src/resources/index.ts';
import type { Move, Searchable } from './search.ts';
import { nowMs, tickMs } from './times.ts';

/** What is broken on purpose. */
export type Forgetful = 'nothing' | 'status' | 'memory' | 'both';

/** Everything in ticks from now; 0: it has ended, or never was. */
interface State {
  /** What the record says. */
  readonly record: number;
  /** What status says. */
  readonly status: number;
  /** The latest that the process knows, and what it read or wrote last. */
  readonly latest: number;
  readonly read: number;
  /** The backup of the record and of status. */
  readonly savedRecord: number;
  readonly savedStatus: number;
  /** The end of the last leaf. */
  readonly leaf: number;
  readonly phase: 0 | 1 | 2;
  /** 0: no process runs, 1: one has begun and not looked yet, 2: it has. */
  readonly process: 0 | 1 | 2;
}

const names = ['record', 'status', 'latest', 'read', 'savedRecord', 'savedStatus', 'leaf', 'phase', 'process'] as const;
const phases = ['signs', 'retires', 'is gone'] as const;

export class ReservationWorld implements Searchable {
  readonly initial = pack({ record: 0, status: 0, latest: 0, read: 0, savedRecord: 0, savedStatus: 0, leaf: 0, phase: 0, process: 1 });
  readonly #active: AuthorityRecord;
  readonly #signer: string;
  readonly #ttl: number;
  readonly #forgets: Forgetful;
  readonly #known = new Map<string, number>();

  constructor(active: AuthorityRecord, ttl: number, forgets: Forgetful = 'nothing') {
    this.#active = active;
    this.#signer = activeAuthority(active, 'Issuing').keyIdentifier;
    this.#ttl = ttl;
    this.#forgets = forgets;
  }

  check(packed: string): string | undefined {
    const { phase, leaf } = unpack(packed);
    return phase === 2 && leaf > 0 ? 'the authority is gone, and a certificate of it lives' : undefined;
  }

  done(packed: string): boolean {
    return unpack(packed).phase === 2;
  }

  show(packed: string): string {
    const state = unpack(packed);
    return `${names.map((name) => `${name} ${state[name]}`).join(', ')}: it ${phases[state.phase]}`;
  }

  moves(packed: string): { readonly moves: readonly Move[] } {
    const state = unpack(packed);
    const moves: Move[] = [];
    const add = (label: string, fair: boolean, change: Partial<State>): void => void moves.push({ label, fair, to: pack({ ...state, ...change }) });
    if (state.phase === 2) return { moves };
    add('time passes', true, later(state));
    if (state.savedRecord !== state.record || state.savedStatus !== state.status) {
      add('a backup is taken', false, { savedRecord: state.record, savedStatus: state.status });
      this.#restore(state, { record: state.savedRecord }, 'the record is restored', add);
      this.#restore(state, { record: state.savedRecord, status: state.savedStatus }, 'everything is restored', add);
    }
    if (state.process === 0) add('the next process starts', true, { process: 1 });
    else this.#living(state, add);
    return { moves };
  }

  #living(state: State, add: (label: string, fair: boolean, change: Partial<State>) => void): void {
    const raised = this.#raised(state);
    const seen = { record: raised, read: raised, latest: Math.max(state.latest, raised), process: 2 } as const;
    add('it looks at the record', true, seen);
    if (state.process === 2) add('status is written', true, { status: state.read });
    if (this.#covers(state)) add('it signs', false, { leaf: this.#ttl });
    else if (state.phase === 0) {
      const end = this.#reserved(raised);
      add('it reserves', false, { ...seen, record: end, read: end, latest: Math.max(state.latest, end) });
    }
    if (state.phase === 0) add('it retires the authority', true, { ...seen, phase: 1 });
    else if (this.#isDrained(raised)) add('the authority goes', true, { ...seen, phase: 2 });
    // What only a process knows dies with it: the operator waits then, as the page on restores says.
    if (knows(state)) add('it dies', false, { process: 0, latest: 0, read: 0 });
  }

  #restore(state: State, change: Partial<State>, label: string, add: (label: string, fair: boolean, change: Partial<State>) => void): void {
    if (state.latest >= state.leaf || knows({ ...state, ...change })) add(label, false, change);
  }

  /** What the record is raised to by who reads it now. */
  #raised({ record, status, latest, read }: State): number {
    const [told, remembered] = [this.#forgets === 'status' || this.#forgets === 'both' ? 0 : status, this.#forgets === 'memory' || this.#forgets === 'both' ? 0 : latest];
    return this.#once(`raise ${record} ${told} ${remembered} ${read}`, () => {
      const loaded = { state: { kind: 'loaded', record: this.#recordOf(record) }, precondition: 'absent' } as const;
      const { state } = withKnownReservations(loaded, this.#statusOf(told), this.#memoryOf(remembered, remembered === 0 ? 0 : read).latest(), nowMs);
      return state.kind === 'loaded' ? this.#endIn(state.record) : 0;
    });
  }

  #covers({ latest, read }: State): boolean {
    return this.#once(`covers ${latest} ${read}`, () => Number(this.#memoryOf(latest, read).covers(this.#signer, 'csr', nowMs + this.#ttl * tickMs))) === 1;
  }

  #reserved(end: number): number {
    return this.#once(`reserve ${end}`, () => this.#endIn(reserve(this.#recordOf(end), this.#signer, 'csr', nowMs + this.#ttl * tickMs) ?? this.#active));
  }

  #isDrained(end: number): boolean {
    const authority = activeAuthority(this.#recordOf(end), 'Issuing');
    return (latestNotAfterMs(authority) ?? 0) <= nowMs;
  }

  #recordOf(end: number): AuthorityRecord {
    if (end === 0) return this.#active;
    const authorities = this.#active.authorities.map((authority) => (authority.keyIdentifier === this.#signer ? { ...authority, reserved: { csr: nowMs + end * tickMs } } : authority));
    return { ...this.#active, authorities };
  }

  #endIn(record: AuthorityRecord): number {
    const endMs = latestNotAfterMs(activeAuthority(record, 'Issuing'));
    return endMs === undefined ? 0 : (endMs - nowMs) / tickMs;
  }

  #statusOf(end: number): Pick<TrustDomain, 'status'> {
    const { certificate } = activeAuthority(this.#active, 'Issuing');
    const [notBefore, notAfter] = [certificate.notBeforeMs, certificate.notAfterMs].map((ms) => new Date(ms).toISOString()) as [string, string];
    const reserved = end === 0 ? {} : { reserved: { csr: new Date(nowMs + end * tickMs).toISOString() } };
    return { status: { authorities: [{ keyIdentifier: this.#signer, role: 'Issuing', state: 'Active', notBefore, notAfter, ...reserved }] } };
  }

  #memoryOf(latest: number, read: number): ReservedEnds {
    const memory = new ReservedEnds();
    for (const end of [latest, read]) memory.note(this.#recordOf(end), nowMs);
    return memory;
  }

  #once(question: string, answer: () => number): number {
    const known = this.#known.get(question) ?? answer();
    this.#known.set(question, known);
    return known;
  }
}

/** Whether record or status name the end of everything that was signed. */
function knows({ record, status, leaf }: Pick<State, 'record' | 'status' | 'leaf'>): boolean {
  return Math.max(record, status) >= leaf;
}

function later({ record, status, latest, read, savedRecord, savedStatus, leaf }: State): Partial<State> {
  const [nextRecord, nextStatus, nextLatest, nextRead, nextSavedRecord, nextSavedStatus, nextLeaf] = [record, status, latest, read, savedRecord, savedStatus, leaf].map((end) => Math.max(0, end - 1)) as [number, number, number, number, number, number, number];
  return { record: nextRecord, status: nextStatus, latest: nextLatest, read: nextRead, savedRecord: nextSavedRecord, savedStatus: nextSavedStatus, leaf: nextLeaf };
}

function pack(state: State): string {
  return String.fromCharCode(...names.map((name) => state[name]));
}

function unpack(packed: string): State {
  return Object.fromEntries(names.map((name, index) => [name, packed.charCodeAt(index)])) as unknown as State;
}

import { reserve, reservedMs, type AuthorityRecord, type Channel } from '../authority/index.ts';
import { isMtlsdError, MtlsdError } from '../errors/index.ts';
import type { ControllerContext } from './context.ts';
import { loadRecord, saveRecord } from './trust-domain/record-store.ts';

/** The record changes seldom: who loses more races than this has another trouble. */
const racesMax = 4;

/**
 * Keeps, before anything is signed, the end until which leaves of an authority that leave through one channel may live, in the
 * authority record: nobody keeps a list of them. In coarse steps, and once for all who wait: a herd of requests leads to one write.
 */
export class Reservations {
  readonly #context: ControllerContext;
  readonly #channel: Channel;
  /** By key identifier: what is known to be written. */
  readonly #written = new Map<string, number>();
  readonly #writing = new Map<string, Promise<void>>();

  constructor(context: ControllerContext, channel: Channel) {
    this.#context = context;
    this.#channel = channel;
  }

  /** Whether a leaf that ends at `wantedMs` (milliseconds since the epoch) is covered already. `record` is as it was last read. */
  covers(record: AuthorityRecord, keyIdentifier: string, wantedMs: number): boolean {
    const authority = record.authorities.find((known) => known.keyIdentifier === keyIdentifier);
    const read = authority === undefined ? undefined : reservedMs(authority, this.#channel);
    return wantedMs <= Math.max(read ?? 0, this.#written.get(keyIdentifier) ?? 0);
  }

  /**
   * Resolves when a reservation was written that covers `wantedMs`, or one that somebody else was writing: ask `covers` again.
   * @throws ISSUANCE_NOT_RESERVED when that authority signs no leaves any more, or its record cannot be used; STORE_…
   */
  async extend(record: AuthorityRecord, keyIdentifier: string, wantedMs: number): Promise<void> {
    const writing = this.#writing.get(keyIdentifier) ?? this.#write(record, keyIdentifier, wantedMs);
    this.#writing.set(keyIdentifier, writing);
    try {
      await writing;
    } finally {
      this.#writing.delete(keyIdentifier);
    }
  }

  async #write({ trustDomain }: AuthorityRecord, keyIdentifier: string, wantedMs: number): Promise<void> {
    for (let races = 0; ; races += 1) {
      const { state, precondition } = await loadRecord(this.#context, trustDomain);
      if (state.kind !== 'loaded') throw notReserved(trustDomain, state.kind === 'absent' ? `${this.#context.recordLocation(trustDomain)} is gone` : state.problem.message);
      const next = reserve(state.record, keyIdentifier, this.#channel, wantedMs);
      if (next === undefined) throw notReserved(trustDomain, `authority ${keyIdentifier} is not the active issuing authority any more`);
      try {
        if (next !== state.record) await saveRecord(this.#context, next, precondition);
        this.#note(next, keyIdentifier);
        return;
      } catch (error) {
        if (!isMtlsdError(error, 'STORE_CONFLICT') || races === racesMax) throw error;
      }
    }
  }

  #note(record: AuthorityRecord, keyIdentifier: string): void {
    const authority = record.authorities.find((known) => known.keyIdentifier === keyIdentifier);
    const untilMs = authority === undefined ? undefined : reservedMs(authority, this.#channel);
    if (untilMs !== undefined) this.#written.set(keyIdentifier, untilMs);
  }
}

function notReserved(trustDomain: string, why: string): MtlsdError<'ISSUANCE_NOT_RESERVED'> {
  return new MtlsdError('ISSUANCE_NOT_RESERVED', `no certificate of trust domain ${trustDomain} was signed, as the authority record does not take the end of its life: ${why}`, { details: { trustDomain } });
}

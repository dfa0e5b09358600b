import { raiseReservations, reserve, type AuthorityRecord, type Channel } from '../authority/index.ts';
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
  /** By key identifier. */
  readonly #writing = new Map<string, Promise<void>>();

  constructor(context: ControllerContext, channel: Channel) {
    this.#context = context;
    this.#channel = channel;
  }

  /** Whether a leaf that ends at `wantedMs` (milliseconds since the epoch) is covered already. */
  covers(keyIdentifier: string, wantedMs: number): boolean {
    return this.#context.reserved.covers(keyIdentifier, this.#channel, wantedMs);
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
    const { reserved, clock } = this.#context;
    for (let races = 0; ; races += 1) {
      const latest = reserved.latest();
      const { state, precondition } = await loadRecord(this.#context, trustDomain);
      if (state.kind !== 'loaded') throw notReserved(trustDomain, state.kind === 'absent' ? `${this.#context.recordLocation(trustDomain)} is gone` : state.problem.message);
      reserved.note(state.record, clock.nowMs());
      // What a restore took out of the record comes back with the first write.
      const next = reserve(raiseReservations(state.record, latest, clock.nowMs()), keyIdentifier, this.#channel, wantedMs);
      if (next === undefined) throw notReserved(trustDomain, `authority ${keyIdentifier} is not the active issuing authority any more`);
      try {
        if (next !== state.record) await saveRecord(this.#context, next, precondition);
        reserved.note(next, clock.nowMs());
        return;
      } catch (error) {
        if (!isMtlsdError(error, 'STORE_CONFLICT') || races === racesMax) throw error;
      }
    }
  }
}

function notReserved(trustDomain: string, why: string): MtlsdError<'ISSUANCE_NOT_RESERVED'> {
  return new MtlsdError('ISSUANCE_NOT_RESERVED', `no certificate of trust domain ${trustDomain} was signed, as the authority record does not take the end of its life: ${why}`, { details: { trustDomain } });
}

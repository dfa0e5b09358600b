import { rootBehind, type AuthorityRecord, type Channel, type KnownReservation, type KnownReservations } from '../authority/index.ts';

/** How long an end that has passed is still remembered: more than any clock is wrong. */
const keptMs = 24 * 3_600_000;

/**
 * Until when leaves may live that nobody lists, as far as this process knows. A restore may put an earlier record back, or take
 * status back with it: what was reserved since stays known in here, from one term of leading to the next, until it has passed.
 */
export class ReservedEnds {
  /** By key identifier, then by channel: the latest that was ever read or written. */
  readonly #latest = new Map<string, KnownReservation>();
  /** The same as it was read or written last. */
  readonly #inRecord = new Map<string, Readonly<Record<string, number>>>();

  /** Notes what a record says that was read or written at about `nowMs`. */
  note({ authorities }: AuthorityRecord, nowMs: number): void {
    for (const authority of authorities) {
      const { keyIdentifier, reserved } = authority;
      if (reserved === undefined) {
        this.#inRecord.delete(keyIdentifier);
        continue;
      }
      const latest = { ...this.#latest.get(keyIdentifier)?.ends };
      for (const [channel, ms] of Object.entries(reserved)) latest[channel] = Math.max(ms, latest[channel] ?? 0);
      this.#latest.set(keyIdentifier, { root: rootBehind(authority), ends: latest });
      this.#inRecord.set(keyIdentifier, reserved);
    }
    for (const [keyIdentifier, { ends }] of this.#latest) {
      if (Object.values(ends).some((ms) => ms + keptMs > nowMs)) continue;
      this.#latest.delete(keyIdentifier);
      this.#inRecord.delete(keyIdentifier);
    }
  }

  /**
   * Whether the record covers a leaf of that authority that ends at `wantedMs`. Only what was read or written last counts: by
   * what a restore has taken out of the record nothing is signed until it is back in.
   */
  covers(keyIdentifier: string, channel: Channel, wantedMs: number): boolean {
    return wantedMs <= (this.#inRecord.get(keyIdentifier)?.[channel] ?? 0);
  }

  /** The latest ends that are known now. To be asked before a record is read: what is written meanwhile is not lost. */
  latest(): KnownReservations {
    return new Map(this.#latest);
  }
}

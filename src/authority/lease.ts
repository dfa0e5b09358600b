/**
 * The right to sign, for a while. It names the signer epoch of each trust domain, so that everything an old epoch can have
 * signed ends by the end of its lease plus the longest TTL, even when a process was paused in between.
 */
export interface SigningLease {
  /**
   * Whether this replica may sign for that epoch of the trust domain at `nowMs` (milliseconds since the epoch). The caller
   * takes notAfter from the same reading of the clock.
   */
  permits(trustDomain: string, signerEpoch: number, nowMs: number): boolean;

  /** Has the lease name the epoch from now on, instead of an earlier one: whoever reads it knows what is signed with. */
  acknowledge(trustDomain: string, signerEpoch: number): Promise<void>;
}

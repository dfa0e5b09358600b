import type { LeafInSecret } from './inventory.ts';

/** One that was released and has no new certificate after this long stands in nobody's way any more: something else holds it. */
const stuckAfterMs = 30_000;
/** What was released and is not done is at most what this long a time allows: a store that is slow slows the pace. */
const aheadMs = 1_000;
/** After a push-back nothing is released for this long, at least. */
const pushBackMs = 5_000;

interface Pace {
  /** By `namespace/name`, when it was released. */
  readonly released: Map<string, number>;
  budget: number;
  filledAtMs: number | undefined;
}

/**
 * Which identities a rotation lets have their certificate of the new authority: the nearest expiry first, at a pace, and
 * never many more than the store answers for. The identity that mtlsd serves with goes last: whoever is late can still
 * reach it for what it lacks. The identities' reconciler asks; the rotation's says who is next.
 */
export class Reissues {
  /** By trust domain. */
  readonly #paces = new Map<string, Pace>();
  readonly #last: string | undefined;
  #heldUntilMs = 0;

  /** @param last identity, `namespace/name`, that goes after all others: what mtlsd itself serves with */
  constructor(last?: string) {
    this.#last = last;
  }

  /** Whether this identity, `namespace/name`, may be re-issued because of a rotation. */
  isReleased(identity: string): boolean {
    for (const { released } of this.#paces.values()) if (released.has(identity)) return true;
    return false;
  }

  /** Notes that the store could not answer: nothing is released for a while from `atMs` on. */
  pushBack(atMs: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, atMs + pushBackMs);
  }

  /**
   * Lets the next ones go. @param old leaves that are to be replaced. Returns the identities that were released just now,
   * `namespace/name`.
   */
  release(trustDomain: string, old: readonly LeafInSecret[], pacePerSecond: number, nowMs: number): readonly string[] {
    const pace = this.#paces.get(trustDomain) ?? { released: new Map<string, number>(), budget: 0, filledAtMs: undefined };
    this.#paces.set(trustDomain, pace);
    const waiting = new Map(old.flatMap((leaf) => (leaf.identity === undefined ? [] : [[leaf.identity, leaf] as const])));
    for (const identity of pace.released.keys()) if (!waiting.has(identity)) pace.released.delete(identity);
    const isUnderWay = (atMs: number): boolean => nowMs - atMs < stuckAfterMs;
    const underWay = [...pace.released.values()].filter(isUnderWay).length;
    const aheadMax = Math.max(1, Math.ceil((pacePerSecond * aheadMs) / 1000));
    const allowed = nowMs < this.#heldUntilMs ? 0 : Math.min(fill(pace, pacePerSecond, nowMs), aheadMax - underWay);
    const isAlone = [...waiting.keys()].every((identity) => identity === this.#last || !isUnderWay(pace.released.get(identity) ?? nowMs));
    const next = [...waiting]
      .filter(([identity]) => !pace.released.has(identity) && (identity !== this.#last || isAlone))
      .sort(([, a], [, b]) => a.notAfterMs - b.notAfterMs)
      .slice(0, Math.max(0, allowed))
      .map(([identity]) => identity);
    for (const identity of next) pace.released.set(identity, nowMs);
    pace.budget -= next.length;
    return next;
  }

  /** Nothing of this trust domain is released any more: its rotation stands still, or has ended. */
  clear(trustDomain: string): void {
    this.#paces.delete(trustDomain);
  }
}

/** How many the pace allows now: at most a second's worth at once. */
function fill(pace: Pace, perSecond: number, nowMs: number): number {
  const passedMs = Math.max(0, nowMs - (pace.filledAtMs ?? nowMs - 1000 / perSecond));
  pace.filledAtMs = nowMs;
  pace.budget = Math.min(Math.max(1, perSecond), pace.budget + (passedMs * perSecond) / 1000);
  // A sum of thirds is a hair below one.
  return Math.floor(pace.budget + 1e-9);
}

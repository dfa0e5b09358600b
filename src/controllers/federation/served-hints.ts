import { activeAuthority, backdateMs } from '../../authority/index.ts';
import type { DomainState } from '../domains.ts';
import { hintMaxSeconds, refreshHintSeconds } from './refresh-hint.ts';

/** Whoever fetches has new keys after this many refresh hints (SPIFFE-30). */
export const hintsToFetch = 5;
/** Nobody goes by a hint that was given longer ago. */
const rememberedMs = hintsToFetch * hintMaxSeconds * 1000;

interface ToldHint {
  readonly seconds: number;
  /** When it was told last. */
  readonly untilMs: number;
}

/**
 * Which refresh hints readers of our bundles may go by. A hint that was shortened is shorter only for who has fetched since.
 * Kept in memory: what was told before this process began is not known, and counts as the longest there is.
 */
export class ServedHints {
  /** Since when bundles are served that this process answers for, milliseconds since the epoch. */
  readonly beganAtMs: number;
  readonly #told = new Map<string, readonly ToldHint[]>();
  /** Trust domains of which everything is known. */
  readonly #known = new Set<string>();

  constructor(nowMs: number) {
    this.beganAtMs = nowMs;
  }

  /** Takes note of the hint that is told now. */
  note(domain: DomainState, nowMs: number): void {
    const { name } = domain.object.metadata;
    if (this.#isKnownFromTheBeginning(domain)) this.#known.add(name);
    const seconds = refreshHintSeconds(domain.object);
    const [last, ...earlier] = [...(this.#told.get(name) ?? [])].reverse();
    // What was told until now is told last now, whatever is told from now on.
    const before = last === undefined ? [] : [...earlier.reverse().filter(({ untilMs }) => untilMs > nowMs - rememberedMs), { ...last, untilMs: nowMs }];
    this.#told.set(name, last?.seconds === seconds ? before : [...before, { seconds, untilMs: nowMs }]);
  }

  /** The longest hint that anybody may go by now, seconds. */
  longestSeconds(domain: DomainState, nowMs: number): number {
    const toldSeconds = this.toldSeconds(domain, nowMs);
    const isKnown = this.#known.has(domain.object.metadata.name) || nowMs >= this.beganAtMs + rememberedMs;
    return isKnown ? toldSeconds : hintMaxSeconds;
  }

  /** The longest of those that were told since this process began, seconds. */
  toldSeconds(domain: DomainState, nowMs: number): number {
    this.note(domain, nowMs);
    return Math.max(...(this.#told.get(domain.object.metadata.name) ?? []).map(({ seconds }) => seconds));
  }

  /** Whether no bundle of it was ever served before this process began, or with another hint. */
  #isKnownFromTheBeginning({ object, record }: DomainState): boolean {
    if (record?.bundleGeneration !== 1) return false;
    const bornMs = activeAuthority(record, 'Root').certificate.notBeforeMs + backdateMs;
    const { generation, creationTimestamp } = object.metadata;
    // To the second.
    return bornMs >= Math.floor(this.beganAtMs / 1000) * 1000 || (generation === 1 && bornMs >= Date.parse(creationTimestamp));
  }
}

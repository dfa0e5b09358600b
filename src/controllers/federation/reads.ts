import type { ReaderView } from '../../rotation/ca/index.ts';
import type { Clock } from '../../telemetry/index.ts';
import type { DomainState } from '../domains.ts';
import { refreshHintSeconds } from './refresh-hint.ts';

/** Whoever fetches has new keys after this many refresh hints (SPIFFE-30). */
const hintsToFetch = 5;
/** Nobody reads a bundle that was not fetched here for this many hints: so many that replicas which stand by cannot have had all of them. */
const hintsSilent = 20;

/**
 * When the bundles of our trust domains were fetched last. Nobody is asked who fetches: a rotation waits until all had time to,
 * as long as anybody does. What a process before this one has seen is not known: until it is, somebody does.
 */
export class BundleReads {
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #sinceMs: number;
  readonly #lastMs = new Map<string, number>();

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock;
    this.#sinceMs = clock.nowMs();
  }

  /** Notes that the bundle of a trust domain was fetched. */
  note(trustDomain: string): void {
    this.#lastMs.set(trustDomain, this.#clock.nowMs());
  }

  /** Whom a rotation of the trust domain waits for. */
  readers({ object, record }: DomainState): readonly ReaderView[] {
    const rotation = record?.rotation;
    if (rotation === undefined) return [];
    const hintMs = refreshHintSeconds(object) * 1000;
    const lastMs = this.#lastMs.get(record?.trustDomain ?? '') ?? this.#sinceMs;
    if (this.#clock.nowMs() - lastMs > hintsSilent * hintMs) return [];
    // Which generation each of them has is not known: that the oldest of them had time for it is.
    return [{ name: 'readers of the bundle endpoint', generation: (record?.bundleGeneration ?? 0) - 1, fetchedByMs: rotation.startedAtMs + hintsToFetch * hintMs }];
  }
}

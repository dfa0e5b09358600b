import type { ReaderView } from '../../rotation/ca/index.ts';
import type { DomainState } from '../domains.ts';
import { refreshHintSeconds } from './refresh-hint.ts';

/** Whoever fetches has new keys after this many refresh hints (SPIFFE-30). */
const hintsToFetch = 5;

/**
 * Whom a rotation of the trust domain waits for, where bundles are served at all: all who may fetch this one. Nobody is asked
 * who that is. A replica that has not seen anybody knows nothing of readers that stay with another one, nor of those that came
 * before it began: so somebody is always waited for.
 */
export function bundleReaders({ object, record }: Pick<DomainState, 'object' | 'record'>): readonly ReaderView[] {
  if (record?.rotation === undefined) return [];
  // Which generation each of them has is not known: that the slowest of them had time for it is.
  return [{ name: 'readers of the bundle endpoint', generation: record.bundleGeneration - 1, fetchesWithinMs: hintsToFetch * refreshHintSeconds(object) * 1000 }];
}

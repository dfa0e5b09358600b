import type { ReaderView } from '../../rotation/ca/index.ts';
import type { DomainState } from '../domains.ts';
import { hintMaxSeconds, refreshHintSeconds } from './refresh-hint.ts';
import { hintsToFetch } from './served-hints.ts';

/**
 * Whom a rotation of the trust domain waits for, where bundles are served at all: all who may fetch this one. Nobody is asked
 * who that is. A replica that has not seen anybody knows nothing of readers that stay with another one, nor of those that came
 * before it began: so somebody is always waited for.
 * @param servedSinceMs since when it is served without a break, as far as is known, milliseconds since the epoch
 */
export function bundleReaders({ object, record }: Pick<DomainState, 'object' | 'record'>, servedSinceMs: number): readonly ReaderView[] {
  if (record?.rotation === undefined) return [];
  const hintSeconds = Math.max(refreshHintSeconds(object), record.rotation.hintSeconds ?? hintMaxSeconds);
  // Which generation each of them has is not known: that the slowest of them had time for it is.
  return [{ name: 'readers of the bundle endpoint', generation: record.bundleGeneration - 1, fetchesWithinMs: hintsToFetch * hintSeconds * 1000, servedSinceMs }];
}

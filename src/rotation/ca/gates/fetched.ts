import type { GateJudge, ReaderView } from '../types.ts';

/**
 * Fetched: whoever fetches the bundle over the network has the newest, or had time for it by the hint that it was given. The time
 * counts from Written: whoever leads may have served the bundle before for a while after the record had another. Time in which
 * nobody is known to have served it does not count.
 */
export const fetched: GateJudge = (view) => {
  const { observed, record, nowMs } = view;
  const writtenAtMs = view.passedAtMs('Written');
  const hasHadTimeAtMs = ({ servedSinceMs = 0, fetchesWithinMs }: ReaderView): number => Math.max(writtenAtMs, servedSinceMs) + fetchesWithinMs;
  const older = observed.readers.filter(({ generation }) => generation < record.bundleGeneration);
  const behind = older.filter((reader) => nowMs < hasHadTimeAtMs(reader));
  return {
    done: observed.readers.length - behind.length,
    total: observed.readers.length,
    stragglers: [],
    waitsFor: behind.length === 0 ? undefined : 'the time in which readers of the bundle fetch it again',
    untilMs: behind.length === 0 ? undefined : Math.max(...behind.map(hasHadTimeAtMs)),
    evidence: [older.length === 0 ? 'observed' : 'bounded'],
    because: observed.readers.length === 0 ? 'nobody is known to fetch the bundle over the network' : 'every reader of the bundle has the newest, or had time for it',
  };
};

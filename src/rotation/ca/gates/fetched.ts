import type { GateJudge } from '../types.ts';

/**
 * Fetched: whoever fetches the bundle over the network has the newest, or had time for it by the hint that it was given. The time
 * counts from Written: whoever leads may have served the bundle before for a while after the record had another.
 */
export const fetched: GateJudge = (view) => {
  const { observed, record, nowMs } = view;
  const servedAtMs = view.passedAtMs('Written');
  const behind = observed.readers.filter(({ generation, fetchesWithinMs }) => generation < record.bundleGeneration && nowMs < servedAtMs + fetchesWithinMs);
  const untilMs = behind.length === 0 ? undefined : servedAtMs + Math.max(...behind.map(({ fetchesWithinMs }) => fetchesWithinMs));
  return {
    done: observed.readers.length - behind.length,
    total: observed.readers.length,
    stragglers: [],
    waitsFor: behind.length === 0 ? undefined : 'the time in which readers of the bundle fetch it again',
    untilMs,
    evidence: ['observed'],
    because: observed.readers.length === 0 ? 'nobody is known to fetch the bundle over the network' : 'every reader of the bundle has the newest, or had time for it',
  };
};

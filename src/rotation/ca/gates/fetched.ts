import type { GateJudge } from '../types.ts';

/** Fetched: whoever fetches the bundle over the network has the newest, or had time for it by the hint that it was given. */
export const fetched: GateJudge = ({ observed, record, nowMs }) => {
  const behind = observed.readers.filter(({ generation, fetchedByMs }) => generation < record.bundleGeneration && nowMs < fetchedByMs);
  const untilMs = behind.length === 0 ? undefined : Math.max(...behind.map(({ fetchedByMs }) => fetchedByMs));
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

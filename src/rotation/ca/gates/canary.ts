import type { GateJudge } from '../types.ts';

/** Canary: a leaf of the new authority shook hands both ways through what was delivered. */
export const canary: GateJudge = ({ observed, rotation }) => {
  const result = observed.canary?.authority === rotation.toIssuing ? observed.canary : undefined;
  const passed = result !== undefined && result.failed === undefined;
  return {
    done: passed ? 1 : 0,
    total: 1,
    stragglers: [],
    waitsFor: passed ? undefined : result === undefined ? 'a handshake with a leaf of the new authority' : `a handshake that works: ${result.failed ?? ''}`,
    evidence: ['observed'],
    because: 'a leaf of the new authority shook hands both ways through what was delivered',
  };
};

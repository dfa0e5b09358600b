import type { GateJudge } from '../types.ts';

/** Acknowledged: no replica can sign below the old authority any more: its lease names the new epoch, or has run out. */
export const acknowledged: GateJudge = ({ observed, rotation, record, nowMs }) => {
  const epoch = rotation.switchEpoch ?? record.signerEpoch;
  const behind = observed.replicas.filter(({ signerEpoch, leaseEndsAtMs }) => signerEpoch !== undefined && signerEpoch < epoch && nowMs < leaseEndsAtMs);
  return {
    done: observed.replicas.length - behind.length,
    total: observed.replicas.length,
    stragglers: behind.map(({ name, signerEpoch }) => ({ kind: 'Replica', name, reason: `its lease still names signer epoch ${signerEpoch ?? 0}, not yet ${epoch}` })),
    waitsFor: undefined,
    untilMs: behind.length === 0 ? undefined : Math.min(...behind.map(({ leaseEndsAtMs }) => leaseEndsAtMs)),
    evidence: ['observed'],
    because: `every replica signs under epoch ${epoch}, or its lease has run out`,
  };
};

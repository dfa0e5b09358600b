import type { GateJudge } from '../types.ts';

/** Acknowledged: no replica can sign below the old authority any more: its lease names the new epoch, or has run out. */
export const acknowledged: GateJudge = ({ observed, rotation, record, nowMs }) => {
  const epoch = rotation.switchEpoch ?? record.signerEpoch;
  const behind = observed.replicas.filter(({ signerEpoch, leaseEndsAtMs }) => signerEpoch !== undefined && signerEpoch < epoch && nowMs < leaseEndsAtMs);
  const nextEndMs = Math.min(...behind.map(({ leaseEndsAtMs }) => leaseEndsAtMs));
  return {
    done: observed.replicas.length - behind.length,
    total: observed.replicas.length,
    stragglers: behind.map(({ name, signerEpoch }) => ({ kind: 'Replica', name, reason: `its lease still names signer epoch ${signerEpoch ?? 0}, not yet ${epoch}` })),
    waitsFor: undefined,
    // What does not end by itself has no time at which it does.
    untilMs: Number.isFinite(nextEndMs) ? nextEndMs : undefined,
    evidence: ['observed'],
    because: `every replica signs under epoch ${epoch}, or its lease has run out`,
  };
};

import type { RotationInRecord } from '../../../authority/index.ts';
import { signOfLife, unseenNodes } from './delivered.ts';
import type { GateJudge, GateView, RecordView } from '../types.ts';

/**
 * Drained: no leaf below the old authority is in anybody's hands. A leaf that was replaced in its Secret is still valid,
 * and a slow consumer may still present it: so every leaf has ended, of every channel; or, where an operator promised how
 * fast consumers reload, that time has passed since the last was replaced. What nobody lists ends with its reservation. An
 * emergency waits for its named time alone.
 */
export const drained: GateJudge = (view) => {
  const { observed, rotation, nowMs } = view;
  const untilMs = rotation.mode === 'Emergency' ? (rotation.distrustAtMs ?? nowMs) : drainedAtMs(view);
  // The promise is about consumers that see what is written: their nodes have to be alive for that.
  const isPromised = rotation.mode === 'Graceful' && observed.bounds.reloadIsPromised && nowMs >= untilMs && nowMs < leavesEndMs(view);
  const { late, awaited } = isPromised ? unseenNodes(view, view.passedAtMs('Reissued') + observed.bounds.propagationBoundMs) : { late: [], awaited: 0 };
  const waits = nowMs < untilMs;
  return {
    done: waits || late.length + awaited > 0 ? 0 : 1,
    total: 1,
    stragglers: late,
    waitsFor: waits ? (rotation.mode === 'Emergency' ? 'the named time of distrust' : 'the end of the last certificate of the old authority that may be in use') : signOfLife(awaited),
    untilMs: waits ? untilMs : undefined,
    evidence: ['bounded'],
    because: rotation.mode === 'Emergency' ? 'the named time of distrust has come' : 'every certificate of the old authority has ended, or its consumers had the time to load another',
  };
};

/** When nothing below the old authority is in use any more. */
function drainedAtMs(view: GateView): number {
  const { bounds } = view.observed;
  const promisedMs = view.passedAtMs('Reissued') + bounds.propagationBoundMs + bounds.consumerReloadMs;
  const listedMs = bounds.reloadIsPromised ? Math.min(leavesEndMs(view), promisedMs) : leavesEndMs(view);
  // Who holds such a leaf, or judges it, may have a clock that is behind ours.
  return Math.max(listedMs, reservedUntilMs(view.record, view.rotation) + bounds.clockToleranceMs);
}

/** When the last leaf ends that went into a Secret: what was seen, and what a replica may have signed until it was stopped. */
export function leavesEndMs(view: GateView): number {
  const stoppedMs = view.passedAtMs('Acknowledged') + view.observed.bounds.longestTtlMs;
  return Math.max(view.rotation.leavesEndMs ?? 0, stoppedMs) + view.observed.bounds.clockToleranceMs;
}

/** When the last leaf ends that nobody lists. */
function reservedUntilMs(record: RecordView, rotation: RotationInRecord): number {
  const old = record.authorities.filter(({ role, root, keyIdentifier, state }) =>
    rotation.what === 'Root' ? role === 'Issuing' && root !== rotation.to : keyIdentifier === rotation.from || (role === 'Issuing' && state === 'Retiring' && keyIdentifier !== rotation.to),
  );
  return Math.max(0, ...old.map((authority) => authority.reservedUntilMs ?? 0));
}

import { isExempted } from '../exemption.ts';
import type { ConsumerView, GateJudge, GateView, NodeView, Straggler } from '../types.ts';

/**
 * Delivered: consumers can see what was written. kubelet shows a change within its bound, if it is alive: so the bound has
 * passed, and every node that runs a consumer was seen alive at its end. A mount that can never update counts once its pod
 * started after the writing.
 */
export const delivered: GateJudge = (view) => {
  const { observed, nowMs } = view;
  const { propagationBoundMs } = observed.bounds;
  const boundAtMs = view.passedAtMs('Written') + propagationBoundMs;
  const { nodes = [], consumers = [], consumersUnknown } = observed;
  const { late, awaited } = unseenNodes(view, boundAtMs);
  const frozen = consumers.filter(({ neverUpdates }) => neverUpdates !== undefined);
  const stale = frozen.flatMap((pod) => stalePod(pod, view));
  const isBounded = propagationBoundMs > 0;
  return {
    done: nodes.length - late.length - awaited + frozen.length - stale.length,
    total: nodes.length + frozen.length,
    // Within the bound nobody is late yet.
    stragglers: nowMs < boundAtMs ? stale : [...late, ...stale],
    waitsFor: consumersUnknown ?? (nowMs < boundAtMs ? 'the time in which a change reaches consumers' : signOfLife(awaited)),
    untilMs: consumersUnknown === undefined && nowMs < boundAtMs ? boundAtMs : undefined,
    evidence: isBounded ? ['bounded', ...(nodes.length > 0 ? (['observed'] as const) : [])] : ['observed'],
    because: isBounded
      ? `${propagationBoundMs / 1000}s have passed since the bundle was written${nodes.length > 0 ? ', and every node with a consumer was alive at their end' : ''}`
      : 'consumers see what is written at once',
  };
};

/** What is waited for while nodes that seem alive are due to be seen; undefined when none is. */
export function signOfLife(awaited: number): string | undefined {
  if (awaited === 0) return undefined;
  return awaited === 1 ? 'the next sign of life of 1 node' : `the next sign of life of ${awaited} nodes`;
}

/**
 * Nodes with consumers that were not seen alive at `boundAtMs`: those that are late, by name, and how many are still within the
 * time in which one that is alive renews its Lease.
 */
export function unseenNodes(view: GateView, boundAtMs: number): { readonly late: readonly Straggler[]; readonly awaited: number } {
  const unseen = (view.observed.nodes ?? []).flatMap((node) => unseenNode(node, view, boundAtMs));
  // For one that a person gave up nobody waits.
  const late = unseen.filter(({ straggler, lateFromMs }) => view.nowMs >= lateFromMs || isExempted(straggler, view.observed.spec.exemptions, view.nowMs));
  return { late: late.map(({ straggler }) => straggler), awaited: unseen.length - late.length };
}

/** A kubelet that came back later needs its bound from then on. */
function unseenNode({ name, renewedAtMs, readySinceMs, watchedSinceMs = 0, renewsWithinMs = 0 }: NodeView, view: GateView, boundAtMs: number): { readonly straggler: Straggler; readonly lateFromMs: number }[] {
  const neededMs = Math.max(boundAtMs, (readySinceMs ?? 0) + view.observed.bounds.propagationBoundMs);
  if (renewedAtMs !== undefined && renewedAtMs >= neededMs) return [];
  const seen = renewedAtMs === undefined ? 'its Lease was not seen to be renewed' : `its Lease was last renewed at ${new Date(renewedAtMs).toISOString()}`;
  const straggler: Straggler = { kind: 'Node', name, reason: `${seen}: what its pods have is not known; bring it back, drain it, or exempt it` };
  return [{ straggler, lateFromMs: Math.max(neededMs, watchedSinceMs) + renewsWithinMs }];
}

function stalePod({ namespace, name, startedAtMs, neverUpdates }: ConsumerView, view: GateView): Straggler[] {
  if (startedAtMs !== undefined && startedAtMs >= view.passedAtMs('Written') + view.observed.bounds.clockToleranceMs) return [];
  return [{ kind: 'Pod', namespace, name, reason: `${neverUpdates ?? ''}: it never sees a new bundle; restart it` }];
}

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
  const late = lateNodes(view, boundAtMs);
  const frozen = consumers.filter(({ neverUpdates }) => neverUpdates !== undefined);
  const stale = frozen.flatMap((pod) => stalePod(pod, view));
  const isBounded = propagationBoundMs > 0;
  return {
    done: nodes.length - late.length + frozen.length - stale.length,
    total: nodes.length + frozen.length,
    // Within the bound nobody is late yet.
    stragglers: nowMs < boundAtMs ? stale : [...late, ...stale],
    waitsFor: consumersUnknown ?? (nowMs < boundAtMs ? 'the time in which a change reaches consumers' : undefined),
    untilMs: consumersUnknown === undefined && nowMs < boundAtMs ? boundAtMs : undefined,
    evidence: isBounded ? ['bounded', ...(nodes.length > 0 ? (['observed'] as const) : [])] : ['observed'],
    because: isBounded
      ? `${propagationBoundMs / 1000}s have passed since the bundle was written${nodes.length > 0 ? ', and every node with a consumer was alive at their end' : ''}`
      : 'consumers see what is written at once',
  };
};

/** Nodes with consumers that were not seen alive at `boundAtMs`. */
export function lateNodes(view: GateView, boundAtMs: number): readonly Straggler[] {
  return (view.observed.nodes ?? []).flatMap((node) => lateNode(node, view, boundAtMs));
}

/** A kubelet that came back later needs its bound from then on. */
function lateNode({ name, renewedAtMs, readySinceMs }: NodeView, view: GateView, boundAtMs: number): Straggler[] {
  const neededMs = Math.max(boundAtMs, (readySinceMs ?? 0) + view.observed.bounds.propagationBoundMs);
  if (renewedAtMs !== undefined && renewedAtMs >= neededMs) return [];
  const seen = renewedAtMs === undefined ? 'its Lease was not seen to be renewed' : `its Lease was last renewed at ${new Date(renewedAtMs).toISOString()}`;
  return [{ kind: 'Node', name, reason: `${seen}: what its pods have is not known; bring it back, drain it, or exempt it` }];
}

function stalePod({ namespace, name, startedAtMs, neverUpdates }: ConsumerView, view: GateView): Straggler[] {
  if (startedAtMs !== undefined && startedAtMs >= view.passedAtMs('Written') + view.observed.bounds.clockToleranceMs) return [];
  return [{ kind: 'Pod', namespace, name, reason: `${neverUpdates ?? ''}: it never sees a new bundle; restart it` }];
}

import type { Condition } from './object.ts';

/** metav1.Time has seconds: with milliseconds the API server would give back another text than it got. */
function rfc3339Seconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/u, 'Z');
}

/**
 * `conditions` with `next` in it, at the place of the old one of that type or at the end. `lastTransitionTime` changes only
 * when `status` changes. Returns the very same array when nothing changed, so that the caller can leave out a write.
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  next: Omit<Condition, 'lastTransitionTime'>,
  nowMs: number,
): readonly Condition[] {
  const list = conditions ?? [];
  const old = list.find((condition) => condition.type === next.type);
  if (old === undefined) return [...list, { ...next, lastTransitionTime: rfc3339Seconds(nowMs) }];
  if (
    old.status === next.status &&
    old.reason === next.reason &&
    old.message === next.message &&
    old.observedGeneration === next.observedGeneration
  ) {
    return list;
  }
  const lastTransitionTime = old.status === next.status ? old.lastTransitionTime : rfc3339Seconds(nowMs);
  return list.map((condition) => (condition === old ? { ...next, lastTransitionTime } : condition));
}

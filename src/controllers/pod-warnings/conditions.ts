import { setCondition, type Condition } from '../../resources/index.ts';
import type { PodFindings } from './judge.ts';

/** The conditions of an identity with what its pods tell: `undefined` leaves them as they are, what is no longer so is left out. */
export function withPodFindings(conditions: readonly Condition[], findings: PodFindings | undefined, observedGeneration: number, nowMs: number): readonly Condition[] {
  if (findings === undefined) return conditions;
  const told = [
    { type: 'Mounted', finding: findings.mounted },
    { type: 'Warnings', finding: findings.warnings },
  ];
  return told.reduce<readonly Condition[]>(
    (all, { type, finding }) => (finding === undefined ? all.filter((condition) => condition.type !== type) : setCondition(all, { type, ...finding, observedGeneration }, nowMs)),
    conditions,
  );
}

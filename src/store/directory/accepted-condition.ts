import { setCondition, type Condition } from '../../resources/index.ts';

/** Says that the newest version of an object's manifest is not in force. Ours alone: controllers neither set nor lose it. */
const acceptedType = 'Accepted';
const messageLengthMax = 1_024;

/** A status as any kind with conditions has it. */
interface StatusWithConditions {
  readonly conditions?: readonly Condition[];
}

/** What the condition is to say: why the manifest is not in force, for which generation, since when at the latest. */
export interface Rejection {
  readonly why: string;
  readonly observedGeneration: number | undefined;
  readonly nowMs: number;
}

/** The condition in a status, if it is there. */
export function acceptedIn(status: unknown): Condition | undefined {
  return conditionsOf(status).find(({ type }) => type === acceptedType);
}

/** The status with the condition as given, or without it; undefined when nothing is left. */
export function withAccepted(status: unknown, accepted: Condition | undefined): unknown {
  const others = conditionsOf(status).filter(({ type }) => type !== acceptedType);
  const conditions = accepted === undefined ? others : [...others, accepted];
  const { conditions: _replaced, ...rest } = (status ?? {}) as StatusWithConditions;
  const whole = conditions.length === 0 ? rest : { ...rest, conditions };
  return Object.keys(whole).length === 0 ? undefined : whole;
}

/** The condition for a rejection; its time stays while it says the same. */
export function rejected(status: unknown, { why, observedGeneration, nowMs }: Rejection): Condition | undefined {
  const message = why.length > messageLengthMax ? `${why.slice(0, messageLengthMax - 1)}…` : why;
  const generation = observedGeneration === undefined ? {} : { observedGeneration };
  const next = { type: acceptedType, status: 'False', reason: 'Invalid', message, ...generation } as const;
  return setCondition(conditionsOf(status), next, nowMs).find(({ type }) => type === acceptedType);
}

function conditionsOf(status: unknown): readonly Condition[] {
  return ((status ?? {}) as StatusWithConditions).conditions ?? [];
}

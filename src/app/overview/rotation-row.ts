import type { CARotation } from '../../resources/index.ts';

/** One rotation of an authority, as people are shown it. Times are RFC 3339. */
export interface RotationRow {
  readonly name: string;
  readonly trustDomain: string;
  readonly what: 'Root' | 'Issuing';
  readonly mode: 'Graceful' | 'Emergency';
  /** Where it stands; undefined until somebody has looked at it. */
  readonly phase: string | undefined;
  /** Whether it has come to its end, whichever. */
  readonly ended: boolean;
  readonly direction: 'Forward' | 'Back';
  /** The gate that it stands at, how much of it is done, and how many objects hold it up. */
  readonly gate: string | undefined;
  readonly progress: string | undefined;
  readonly stragglers: number;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
  /** When time alone brings the next step. */
  readonly nextTime: string | undefined;
}

const ends: ReadonlySet<string> = new Set(['Complete', 'Aborted', 'Superseded']);

/** Whether a rotation has come to its end. */
export function hasEnded({ status }: CARotation): boolean {
  return ends.has(status?.phase ?? '');
}

/** Status tells that there is none by an empty text, too. */
function textOf(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** A rotation as a row. */
export function rotationRow(rotation: CARotation): RotationRow {
  const { spec, status = {} } = rotation;
  return {
    name: rotation.metadata.name,
    trustDomain: spec.trustDomain,
    what: spec.what,
    mode: spec.mode ?? 'Graceful',
    phase: status.phase,
    ended: hasEnded(rotation),
    direction: status.direction ?? 'Forward',
    gate: textOf(status.gate),
    progress: textOf(status.progress),
    stragglers: status.stragglers ?? 0,
    startedAt: status.startedAt,
    finishedAt: status.finishedAt,
    nextTime: status.nextTime,
  };
}

/** The gate at which nothing but a person's word is missing, of those that were to wait for one. */
export function gateToApprove({ spec, status }: CARotation): NonNullable<CARotation['spec']['approvals']>[number] | undefined {
  const waiting = status?.gates?.find(({ state }) => state === 'Waiting');
  if (waiting === undefined || !(spec.approvals ?? []).includes(waiting.name) || (spec.approved ?? []).includes(waiting.name)) return undefined;
  const evident = waiting.done >= waiting.total && (waiting.stragglerCount ?? 0) === 0 && waiting.until === undefined;
  return evident ? waiting.name : undefined;
}

/** Why a rotation stands still. */
export interface Standstill {
  readonly reason: string;
  readonly message: string;
  /** Whether only a person ends it; otherwise it may pass by itself (an API server that is away). */
  readonly needsPerson: boolean;
}

const personReasons: ReadonlySet<string> = new Set(['Paused', 'WaitsForRotation']);
/** A rotation that is told of a wish that it cannot grant goes on. */
const notedReasons: ReadonlySet<string> = new Set(['PastTheSwitch']);

/** Why a rotation stands still; undefined while it goes on, or has ended. */
export function standstill(rotation: CARotation): Standstill | undefined {
  if (hasEnded(rotation)) return undefined;
  const progressing = rotation.status?.conditions?.find(({ type }) => type === 'Progressing');
  if (progressing?.status === 'False' && !notedReasons.has(progressing.reason)) {
    return { reason: progressing.reason, message: progressing.message, needsPerson: personReasons.has(progressing.reason) };
  }
  const gate = gateToApprove(rotation);
  if (gate === undefined) return undefined;
  return { reason: 'AwaitingApproval', message: `gate ${gate} has all its evidence, and waits for a person to approve it`, needsPerson: true };
}

import type { CARotation } from '../resources/index.ts';

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
    gate: status.gate,
    progress: status.progress,
    stragglers: status.stragglers ?? 0,
    startedAt: status.startedAt,
    finishedAt: status.finishedAt,
    nextTime: status.nextTime,
  };
}

/** Why a rotation stands still until somebody does something; undefined while it goes on, or has ended. */
export function standstill(rotation: CARotation): { readonly reason: string; readonly message: string } | undefined {
  const progressing = rotation.status?.conditions?.find(({ type }) => type === 'Progressing');
  return hasEnded(rotation) || progressing?.status !== 'False' ? undefined : { reason: progressing.reason, message: progressing.message };
}

/** Times of the small world: distances from a now that stands still. */
import type { AuthorityRecord, FinishedRotation, RotationInRecord } from '../../src/authority/index.ts';

/** One step of the world's time. Ten minutes, because reservations come in those. */
export const tickMs = 600_000;
/** Now, in every state: times are kept as distances from it. */
export const nowMs = Date.parse('2026-01-05T00:00:00Z');
/** What happened longer ago than this many ticks is all the same: no gate looks further back. */
const horizonTicks = 5;
/** Something to come that has come. */
const pastMs = nowMs - tickMs;

/** A time one tick later, seen from then; what is over the horizon stays there. */
export function earlier(ms: number): number {
  return Math.max(ms - tickMs, nowMs - horizonTicks * tickMs);
}

/** A record one tick later. */
export function moved(record: AuthorityRecord): AuthorityRecord {
  const toCome = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.max(ms - tickMs, pastMs));
  return withTimes(record, toCome, false);
}

/** A record as it comes back from a backup: nothing that was to come then is still to come, and what was reserved since is lost. */
export function backedUp(record: AuthorityRecord): AuthorityRecord {
  return withTimes(record, (ms) => (ms === undefined ? undefined : pastMs), true);
}

type Move = (ms: number | undefined) => number | undefined;

function withTimes(record: AuthorityRecord, toCome: Move, signerToo: boolean): AuthorityRecord {
  const authorities = record.authorities.map((authority) => ({
    ...authority,
    retiredAtMs: authority.retiredAtMs === undefined ? undefined : 0,
    // As long as it signs, what is reserved moves on with the leaves that are renewed.
    ...(authority.distrustAtMs === undefined ? {} : { distrustAtMs: toCome(authority.distrustAtMs) }),
    ...(authority.reserved === undefined || (authority.state === 'Active' && !signerToo) ? {} : { reserved: Object.fromEntries(Object.entries(authority.reserved).map(([channel, ms]) => [channel, toCome(ms) ?? 0])) }),
  }));
  const { rotation, lastRotation } = record;
  return {
    ...record,
    authorities,
    ...(rotation === undefined ? {} : { rotation: movedRotation(rotation, toCome) }),
    ...(lastRotation === undefined ? {} : { lastRotation: ended(lastRotation) }),
  };
}

/** What has ended has no times that matter. */
function ended({ overtook, ...rotation }: FinishedRotation): FinishedRotation {
  const before = overtook === undefined ? {} : { overtook: overtook.map(ended) };
  return { ...rotation, ...before, startedAtMs: 0, finishedAtMs: 0, switchedAtMs: undefined, retiredAtMs: rotation.retiredAtMs === undefined ? undefined : 0 };
}

/** Of a rotation only what is to come is told apart. */
function movedRotation({ overtook, ...moving }: RotationInRecord, toCome: Move): RotationInRecord {
  const rotation = overtook === undefined ? moving : { ...moving, overtook: overtook.map(ended) };
  const { switchedAtMs, leavesEndMs, distrustAtMs, retiredAtMs } = rotation;
  if (retiredAtMs !== undefined) return { ...rotation, startedAtMs: 0, switchedAtMs: 0, leavesEndMs: 0, distrustAtMs: undefined, retiredAtMs: 0 };
  return { ...rotation, startedAtMs: 0, switchedAtMs: switchedAtMs === undefined ? undefined : 0, leavesEndMs: toCome(leavesEndMs), distrustAtMs: toCome(distrustAtMs) };
}

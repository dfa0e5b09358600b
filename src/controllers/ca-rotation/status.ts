import { finishedRotation, type AuthorityRecord, type FinishedRotation, type RotationInRecord } from '../../authority/index.ts';
import { setCondition, type CARotation, type CARotationStatus, type Condition } from '../../resources/index.ts';
import type { GateReport, RememberedRotation, RotationPlan } from '../../rotation/ca/index.ts';

type GateStatus = NonNullable<CARotationStatus['gates']>[number];

/** Status names this many stragglers of a gate; the count has all. */
const stragglersMax = 20;
const phasesMax = 32;
const textMax = 500;

/** What the status of a rotation is made of. */
export interface RotationStatusInputs {
  readonly object: CARotation;
  readonly plan: RotationPlan;
  /** The record as it is now, after the step. */
  readonly record: AuthorityRecord | undefined;
  /** Why the last step failed, if it did. */
  readonly failure: { readonly reason: string; readonly message: string } | undefined;
}

/** Whether a rotation has come to its end. */
export function hasEnded({ status }: CARotation): boolean {
  return isEnd(status?.phase);
}

/** What the last status said, as a plan takes it. */
export function remembered({ status }: CARotation): RememberedRotation {
  const gates = (status?.gates ?? []).flatMap(({ name, state, since }) => {
    const sinceMs = Date.parse(since ?? '');
    return Number.isNaN(sinceMs) ? [] : [{ name, state, sinceMs }];
  });
  return { bundleGeneration: status?.bundleGeneration, switchEpoch: status?.switchEpoch, gates };
}

/** The status of a rotation: what the plan found, and what the record says of it. */
export function rotationStatus({ object, plan, record, failure }: RotationStatusInputs, nowMs: number): CARotationStatus {
  const { nextTime: _next, drainedAt: _drained, ...before } = object.status ?? {};
  const phase = plan.phase ?? before.phase ?? 'Preflight';
  const gates = mergeGates(before.gates ?? [], plan.gates);
  const held = plan.gates.find(({ state }) => state === 'Waiting');
  const drained = gates.find(({ name, state }) => name === 'Drained' && state === 'Passed');
  return {
    ...before,
    observedGeneration: object.metadata.generation ?? 1,
    phase,
    gate: held?.name ?? '',
    progress: held === undefined ? '' : progressOf(held),
    stragglers: held?.stragglers.length ?? 0,
    ...factsOf(object, record),
    ...(gates.length === 0 ? {} : { gates }),
    phases: phasesOf(before, phase, nowMs),
    ...reissuesOf(plan.gates),
    ...(drained?.since === undefined ? {} : { drainedAt: drained.since }),
    ...(plan.expectedAtMs === undefined ? {} : { nextTime: time(plan.expectedAtMs) }),
    conditions: [...conditionsOf(object, plan, phase, held, failure, nowMs)],
  };
}

function reissuesOf(reports: readonly GateReport[]): Partial<CARotationStatus> {
  const reissue = reports.find(({ name, state }) => name === 'Reissued' && state !== 'Pending');
  return reissue === undefined ? {} : { reissued: reissue.done, remaining: reissue.total - reissue.done };
}

/** Gates of an earlier stage stay as they were reported last. */
function mergeGates(before: readonly GateStatus[], reports: readonly GateReport[]): readonly GateStatus[] {
  const now = new Map(reports.map((report) => [report.name, gateStatus(report)]));
  const kept = before.filter(({ name }) => !now.has(name));
  return [...kept, ...now.values()];
}

function gateStatus(report: GateReport): GateStatus {
  const { name, phase, state, evidence, done, total, exempted, sinceMs, untilMs, message, stragglers } = report;
  return {
    name,
    phase,
    state,
    done,
    total,
    ...(evidence.length === 0 ? {} : { evidence: [...new Set(evidence)] }),
    ...(exempted === 0 ? {} : { exempted }),
    ...(sinceMs === undefined ? {} : { since: time(sinceMs) }),
    ...(untilMs === undefined ? {} : { until: time(untilMs) }),
    ...(message === '' ? {} : { message: message.slice(0, textMax) }),
    ...(stragglers.length === 0
      ? {}
      : {
          stragglerCount: stragglers.length,
          stragglers: [...stragglers]
            .sort((a, b) => (`${a.kind} ${a.namespace ?? ''}/${a.name}` < `${b.kind} ${b.namespace ?? ''}/${b.name}` ? -1 : 1))
            .slice(0, stragglersMax)
            .map(({ kind, namespace, name: straggler, reason }) => ({ kind, ...(namespace === undefined ? {} : { namespace }), name: straggler, reason: reason.slice(0, textMax) })),
        }),
  };
}

function progressOf({ done, total, untilMs }: GateReport): string {
  return untilMs === undefined ? `${done}/${total}` : `${done}/${total} until ${new Date(untilMs).toISOString().slice(11, 19)}`;
}

/** What the record says of the rotation, under way or ended. */
function factsOf({ metadata, status }: CARotation, record: AuthorityRecord | undefined): Partial<CARotationStatus> {
  if (record?.rotation?.uid === metadata.uid) {
    const { rotation } = record;
    return {
      direction: rotation.direction,
      toIssuer: rotation.toIssuing,
      bundleGeneration: record.bundleGeneration,
      signerEpoch: record.signerEpoch,
      ...timesOf(rotation),
      ...(rotation.distrustAtMs === undefined ? {} : { distrustAt: time(rotation.distrustAtMs) }),
      ...(rotation.switchEpoch === undefined ? {} : { switchEpoch: rotation.switchEpoch }),
    };
  }
  const ended = record === undefined ? undefined : finishedRotation(record, metadata.uid);
  if (record === undefined || ended === undefined) return {};
  return { ...timesOf(ended), finishedAt: time(ended.finishedAtMs), ...(status?.bundleGeneration === undefined ? {} : { bundleGeneration: record.bundleGeneration }) };
}

function timesOf({ from, to, startedAtMs, switchedAtMs, retiredAtMs }: RotationInRecord | FinishedRotation): Partial<CARotationStatus> {
  return {
    fromAuthority: from,
    toAuthority: to,
    startedAt: time(startedAtMs),
    ...(switchedAtMs === undefined ? {} : { switchedAt: time(switchedAtMs) }),
    ...(retiredAtMs === undefined ? {} : { retiredAt: time(retiredAtMs) }),
  };
}

function phasesOf(before: CARotationStatus, phase: NonNullable<CARotationStatus['phase']>, nowMs: number): NonNullable<CARotationStatus['phases']> {
  const known = before.phases ?? [];
  if (known.at(-1)?.phase === phase) return known;
  return [...known, { phase, startedAt: time(nowMs) }].slice(-phasesMax);
}

type Phase = NonNullable<CARotationStatus['phase']>;

function conditionsOf(object: CARotation, plan: RotationPlan, phase: Phase, held: GateReport | undefined, failure: RotationStatusInputs['failure'], nowMs: number): readonly Condition[] {
  const observedGeneration = object.metadata.generation ?? 1;
  const ended = isEnd(phase);
  const told = ended ? (plan.blocker ?? { reason: phase, message: sentenceOf(phase) }) : (failure ?? plan.blocker ?? standing(phase, held));
  const goesOn = !ended && failure === undefined && plan.blocker === undefined;
  const { reason, message } = told;
  const progressing = { type: 'Progressing', status: goesOn ? ('True' as const) : ('False' as const), reason, message, observedGeneration };
  const complete = { type: 'Complete', status: phase === 'Complete' ? ('True' as const) : ('False' as const), ...(ended ? told : { reason: 'UnderWay', message: 'the rotation has not ended' }), observedGeneration };
  return setCondition(setCondition(object.status?.conditions, progressing, nowMs), complete, nowMs);
}

function isEnd(phase: Phase | undefined): boolean {
  return phase === 'Complete' || phase === 'Aborted' || phase === 'Superseded';
}

/** Where a rotation stands that nothing stops. */
function standing(phase: Phase, held: GateReport | undefined): { readonly reason: string; readonly message: string } {
  return held === undefined ? { reason: phase, message: sentenceOf(phase) } : { reason: `WaitsFor${held.name}`, message: `${held.phase}: ${held.message}` };
}

function sentenceOf(phase: NonNullable<CARotationStatus['phase']>): string {
  if (phase === 'Complete') return 'the new authority signs, and the old one is gone with its key';
  if (phase === 'Aborted') return 'the rotation was given up: the authority before it signs';
  if (phase === 'Superseded') return 'another authority is active already: nothing was done';
  return `the rotation is in its phase ${phase}`;
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}

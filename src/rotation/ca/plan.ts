import { finishedRotation, type FinishedRotation, type RotationInRecord } from '../../authority/index.ts';
import { isExempted } from './exemption.ts';
import { gateJudges, judgeStage, pending, type GatePlace, type Stage } from './gate.ts';
import { isBelowOld } from './gates/reissued.ts';
import type { CanaryResult, GateReport, LeafView, ObservedRotation, RecordView, RotationBlocker, RotationPhase, RotationPlan, RotationStep } from './types.ts';

const place = (name: GatePlace['name'], phase: RotationPhase, holds = true): GatePlace => ({ name, phase, holds });

/** Before the switch: consumers must trust what is to come. An issuing authority changes no bundle. */
const beforeRoot = [place('Written', 'Distribute'), place('Delivered', 'Confirm'), place('Loaded', 'Confirm'), place('Fetched', 'Confirm'), place('Canary', 'Canary')];
const beforeIssuing = [place('Canary', 'Canary')];
/** After it: nothing may need what was replaced. */
const after = [place('Acknowledged', 'Switch'), place('Reissued', 'Reissue'), place('Drained', 'Drain')];
/** An emergency tells who is late, and waits for nobody. */
const afterEmergency = [place('Acknowledged', 'Switch', false), place('Reissued', 'Reissue', false), place('Drained', 'Drain')];
/** In the end nobody trusts it any more. */
const end = [place('Withdrawn', 'Retire')];

/** How long after a canary that failed the next one is tried. */
const canaryRetryMs = 30_000;
/** How often a canary is sent again while identities are re-issued. */
const canaryEveryMs = 60_000;

const nothing = { gates: [], step: undefined, blocker: undefined, reissues: false, nextAtMs: undefined, expectedAtMs: undefined } as const;

/**
 * What a rotation does next: the phase that it is in, every gate with its evidence, and at most one step. Pure, and safe
 * to be called with a stale or a lost status: what it does not remember it waits for again. The record is the truth.
 * @param judges the gates' judges; another set only to show what each of them is good for
 */
export function planRotation(observed: ObservedRotation, nowMs: number, judges: Stage['judges'] = gateJudges): RotationPlan {
  const { record, uid } = observed;
  if (record === undefined) return { ...nothing, phase: undefined, blocker: { reason: 'TrustDomainNotReady', message: observed.notReady ?? 'the authorities of the trust domain are not known yet' } };
  if (record.rotation?.uid === uid) return planUnderWay(observed, record, record.rotation, nowMs, judges);
  const ended = finishedRotation(record, uid);
  if (ended !== undefined) return { ...nothing, phase: ended.outcome, blocker: overtaken(ended) };
  return observed.spec.mode === 'Emergency' ? planEmergency(observed, record) : planStart(observed, record);
}

/** What is told of a rotation that an emergency has put an end to. */
function overtaken({ overtakenBy, switchedAtMs, from, what }: FinishedRotation): RotationBlocker | undefined {
  if (overtakenBy === undefined) return undefined;
  const left = switchedAtMs === undefined ? 'before the switch, and dropped what was prepared' : what === 'Root' ? `after the switch; when root authority ${from} goes, it says` : 'after the switch';
  return { reason: 'Overtaken', message: `the emergency CARotation ${overtakenBy} took over, ${left}` };
}

/** An emergency waits for nobody: a rotation that is under way ends by it. */
function planEmergency(observed: ObservedRotation, record: RecordView): RotationPlan {
  const { spec, name } = observed;
  if (spec.abort) return { ...nothing, phase: 'Aborted' };
  const stolen = record.authorities.find(({ role, keyIdentifier }) => role === 'Root' && keyIdentifier === spec.fromAuthority);
  if (stolen === undefined) return superseded(`root authority ${spec.fromAuthority} is in the record no more: nobody trusts it`);
  if (stolen.state === 'Prepared') {
    return superseded(`root authority ${spec.fromAuthority} is only prepared, and nothing was signed below it: give CARotation ${record.rotation?.name ?? ''} up, and it is dropped at once`);
  }
  if (spec.paused) return { ...nothing, phase: 'Preflight', blocker: paused(name) };
  // Whoever asked before the switch named the root that signed then, and knew nothing of another: then none but a new one is trusted.
  const isAfterSwitch = stolen.state === 'Retiring' && observed.askedAtMs >= (record.rotation?.switchedAtMs ?? Infinity);
  return { ...nothing, phase: 'Prepare', gates: [...afterEmergency, ...end].map(pending), step: { do: isAfterSwitch ? 'hasten' : 'emergency' } };
}

function superseded(message: string): RotationPlan {
  return { ...nothing, phase: 'Superseded', blocker: { reason: 'Superseded', message: `${message}: nothing is rotated` } };
}

function planStart(observed: ObservedRotation, record: RecordView): RotationPlan {
  const { spec } = observed;
  if (spec.abort) return { ...nothing, phase: 'Aborted' };
  const active = record.authorities.find(({ role, state }) => role === spec.what && state === 'Active');
  if (active?.keyIdentifier !== spec.fromAuthority) {
    return superseded(`${spec.what} authority ${spec.fromAuthority} is not the active one, which is ${active?.keyIdentifier ?? 'not known'}`);
  }
  const blocker = obstacleToStart(observed, record);
  if (blocker !== undefined) return { ...nothing, phase: 'Preflight', blocker };
  const places = spec.what === 'Issuing' ? [...beforeIssuing, ...after] : [...beforeRoot, ...after, ...end];
  return { ...nothing, phase: 'Prepare', gates: places.map(pending), step: { do: 'prepare' } };
}

function obstacleToStart({ rival, spec, name }: ObservedRotation, record: RecordView): RotationBlocker | undefined {
  const other = record.rotation?.name ?? rival?.name;
  if (other !== undefined) {
    const orGiveUp = record.rotation?.mode === 'Emergency' ? '' : `, or abort it (mtlsd rotate abort ${other})`;
    return { reason: 'WaitsForRotation', message: `CARotation ${other} of the same trust domain goes first: wait for it${orGiveUp}` };
  }
  return spec.paused ? paused(name) : undefined;
}

function planUnderWay(observed: ObservedRotation, record: RecordView, rotation: RotationInRecord, nowMs: number, judges: Stage['judges']): RotationPlan {
  const stage = (remembers: boolean): Stage => ({ observed, record, rotation, remembers, judges });
  const sameBundle = observed.remembered.bundleGeneration === record.bundleGeneration;
  if (rotation.retiredAtMs !== undefined) return planEnd(stage(sameBundle), nowMs);
  if (rotation.switchedAtMs === undefined) return planPrepared(stage(sameBundle), nowMs);
  return planSwitched(stage(observed.remembered.switchEpoch === rotation.switchEpoch), nowMs);
}

/** The new authority is there and signs nothing yet. */
function planPrepared(stage: Stage, nowMs: number): RotationPlan {
  const { observed, record, rotation } = stage;
  const isRoot = rotation.what === 'Root';
  if (observed.spec.abort) return { ...nothing, phase: 'Prepare', step: { do: 'drop-prepared' } };
  const gates = judgeStage(isRoot ? beforeRoot : beforeIssuing, stage, nowMs);
  const all = [...gates, ...[...after, ...(isRoot ? end : [])].map(pending)];
  const held = gates.find(({ state }) => state !== 'Passed');
  const phase = held?.phase ?? 'Switch';
  if (observed.spec.paused) return { ...nothing, phase, gates: all, blocker: paused(observed.name) };
  const nextAtMs = nextLook(gates, observed, nowMs);
  if (isStale(record, rotation, nowMs)) return { ...nothing, phase, gates: all, step: { do: 'renew-prepared' } };
  if (held === undefined) return { ...nothing, phase, gates: all, step: { do: 'switch' } };
  if (held.name !== 'Canary') return { ...nothing, phase, gates: all, nextAtMs, expectedAtMs: held.untilMs };
  const dueAtMs = canaryDueAtMs(observed.canary, rotation.toIssuing);
  // One that went well is not sent again: then the gate waits for a person.
  if (nowMs >= dueAtMs) return { ...nothing, phase, gates: all, step: { do: 'canary' }, blocker: canaryBlocker(observed.canary) };
  const againAtMs = observed.canary?.failed === undefined ? undefined : dueAtMs;
  return { ...nothing, phase, gates: all, blocker: canaryBlocker(observed.canary), nextAtMs: earliest(nextAtMs, againAtMs), expectedAtMs: againAtMs };
}

/** The new authority signs; what it replaced is drained. */
function planSwitched(stage: Stage, nowMs: number): RotationPlan {
  const { observed, rotation } = stage;
  const back = planBack(stage, nowMs);
  if (back?.step !== undefined) return { ...nothing, phase: 'Switch', step: back.step };
  const places = rotation.mode === 'Emergency' ? afterEmergency : after;
  const gates = judgeStage(places, stage, nowMs);
  const all = [...gates, ...(rotation.what === 'Root' ? end : []).map(pending)];
  const held = gates.find(({ state }, index) => state !== 'Passed' && places[index]?.holds === true);
  // The first that is not passed tells where it stands, whether it holds or not.
  const phase = held !== undefined ? gates.find(({ state }) => state !== 'Passed')?.phase : 'Retire';
  const rest = { ...nothing, phase, gates: all, blocker: back?.blocker };
  if (observed.spec.paused) return { ...rest, blocker: paused(observed.name) };
  if (held === undefined) return { ...rest, step: { do: 'retire' } };
  const soonerAtMs = earliest(...stage.record.authorities.map(({ distrustAtMs }) => distrustAtMs));
  if (soonerAtMs !== undefined && nowMs >= soonerAtMs) return { ...rest, reissues: true, step: { do: 'distrust-sooner' } };
  const waits = { ...rest, nextAtMs: earliest(nextLook(gates, observed, nowMs), soonerAtMs), expectedAtMs: earliest(held.untilMs, soonerAtMs) };
  const isReissuing = gates.some(({ name, state }) => name === 'Reissued' && state === 'Waiting');
  return isReissuing ? planReissue(stage, waits, nowMs) : waits;
}

/** Identities are re-issued as long as canaries go well. In an emergency nothing is worth waiting for. */
function planReissue({ observed, record, rotation }: Stage, rest: RotationPlan, nowMs: number): RotationPlan {
  const { nextAtMs } = rest;
  if (rotation.mode === 'Emergency') return { ...rest, reissues: true };
  const signer = record.authorities.find(({ role, state }) => role === 'Issuing' && state === 'Active')?.keyIdentifier ?? '';
  const dueAtMs = canaryDueAtMs(observed.canary, signer, canaryEveryMs);
  if (nowMs >= dueAtMs) return { ...rest, step: { do: 'canary' }, blocker: canaryBlocker(observed.canary) ?? rest.blocker };
  const failed = canaryBlocker(observed.canary);
  // One more canary that goes well takes nothing further: it is not told as the next step.
  return { ...rest, blocker: failed ?? rest.blocker, reissues: failed === undefined, nextAtMs: earliest(nextAtMs, dueAtMs), expectedAtMs: failed === undefined ? rest.expectedAtMs : dueAtMs };
}

/** What an abort leads to after the switch. */
function planBack({ observed, record, rotation }: Stage, nowMs: number): { readonly step?: RotationStep; readonly blocker?: RotationBlocker } | undefined {
  if (!observed.spec.abort || rotation.direction === 'Back') return undefined;
  if (rotation.what === 'Issuing') {
    return { blocker: { reason: 'PastTheSwitch', message: `the issuing authority was switched and the key of the one before is gone: the rotation goes on to its end; to leave the new one, rotate from it` } };
  }
  const old = record.authorities.find(({ keyIdentifier }) => keyIdentifier === rotation.from);
  if (old?.hasKey === true && nowMs < old.notAfterMs) return { step: { do: 'switch-back' } };
  return { blocker: { reason: 'PastTheSwitch', message: `root authority ${rotation.from} cannot take over again: ${old?.hasKey === true ? 'it has ended' : 'its key is gone'}; the rotation goes on to its end` } };
}

/** The old authority is gone from the record. */
function planEnd(stage: Stage, nowMs: number): RotationPlan {
  const { observed, rotation } = stage;
  const outcome = rotation.direction === 'Back' ? 'Aborted' : 'Complete';
  const gates = rotation.what === 'Root' ? judgeStage(end, stage, nowMs) : [];
  const passed = gates.every(({ state }) => state === 'Passed');
  const isTooLate = observed.spec.abort && rotation.direction === 'Forward';
  const blocker = isTooLate ? { reason: 'PastTheSwitch', message: `${rotation.what} authority ${rotation.from} is gone with its key: the rotation goes on to its end; to leave the new one, rotate from it` } : undefined;
  // Nothing is left that a pause could hold.
  return { ...nothing, phase: 'Retire', gates, blocker, step: passed ? { do: 'finish', outcome } : undefined, nextAtMs: nextLook(gates, observed, nowMs) };
}

/** Whether what was prepared has waited for so long that it would have to be replaced as soon as it signs. */
function isStale(record: RecordView, { toIssuing }: RotationInRecord, nowMs: number): boolean {
  const issuing = record.authorities.find(({ keyIdentifier }) => keyIdentifier === toIssuing);
  return issuing !== undefined && nowMs >= issuing.notBeforeMs + (issuing.notAfterMs - issuing.notBeforeMs) / 2;
}

/** The live leaves that keep the old authority from being retired, but for those that a person gave up. */
export function leavesInTheWay(observed: ObservedRotation, nowMs: number): readonly LeafView[] {
  const { record, leaves, spec } = observed;
  const rotation = record?.rotation;
  if (record === undefined || rotation === undefined || rotation.mode === 'Emergency') return [];
  return leaves.filter((leaf) => leaf.notAfterMs > nowMs && isBelowOld(leaf, record, rotation) && !isExempted(leaf, spec.exemptions, nowMs));
}

function canaryDueAtMs(result: CanaryResult | undefined, authority: string, againMs = Infinity): number {
  if (result === undefined || result.authority !== authority) return 0;
  return result.atMs + (result.failed === undefined ? againMs : canaryRetryMs);
}

function canaryBlocker(result: CanaryResult | undefined): RotationBlocker | undefined {
  if (result?.failed === undefined) return undefined;
  return { reason: 'CanaryFailed', message: `a handshake with a certificate of the new authority failed: ${result.failed}; nothing goes on until one works` };
}

function paused(name: string): RotationBlocker {
  return { reason: 'Paused', message: `the rotation is paused: no step is taken until spec.paused is false (mtlsd rotate resume ${name})` };
}

/** When time alone changes what a gate finds. */
function nextLook(gates: readonly GateReport[], { spec }: ObservedRotation, nowMs: number): number | undefined {
  const untils = gates.filter(({ state }) => state === 'Waiting').map(({ untilMs }) => untilMs);
  const exemptions = spec.exemptions.map(({ untilMs }) => (untilMs > nowMs ? untilMs : undefined));
  return earliest(...untils, ...exemptions);
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

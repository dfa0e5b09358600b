import type { RotationInRecord } from '../../authority/index.ts';
import type { RotationExemption, RotationGate } from '../../resources/index.ts';
import type { EvidenceKind } from '../receipt/index.ts';
import { isExempted } from './exemption.ts';
import { acknowledged } from './gates/acknowledged.ts';
import { canary } from './gates/canary.ts';
import { delivered } from './gates/delivered.ts';
import { drained } from './gates/drained.ts';
import { fetched } from './gates/fetched.ts';
import { loaded } from './gates/loaded.ts';
import { reissued } from './gates/reissued.ts';
import { withdrawn } from './gates/withdrawn.ts';
import { written } from './gates/written.ts';
import type { GateFinding, GateJudge, GateReport, ObservedRotation, RecordView, RotationPhase, Straggler } from './types.ts';

/** The judge of each gate. */
export const gateJudges: Readonly<Record<RotationGate, GateJudge>> = {
  Written: written,
  Delivered: delivered,
  Loaded: loaded,
  Fetched: fetched,
  Canary: canary,
  Acknowledged: acknowledged,
  Reissued: reissued,
  Drained: drained,
  Withdrawn: withdrawn,
};

/** A gate in the order of a stage. One that does not hold is told of, and passed by. */
export interface GatePlace {
  readonly name: RotationGate;
  readonly phase: RotationPhase;
  readonly holds: boolean;
}

/** What the gates of a stage are judged on. */
export interface Stage {
  readonly observed: ObservedRotation;
  readonly record: RecordView;
  readonly rotation: RotationInRecord;
  /** Whether what the last status said of this stage's gates is about the same bundle and the same switch. */
  readonly remembers: boolean;
  readonly judges: Readonly<Record<RotationGate, GateJudge>>;
}

/** Judges the gates of a stage in their order: what comes after one that holds is not reached yet. */
export function judgeStage(places: readonly GatePlace[], stage: Stage, nowMs: number): readonly GateReport[] {
  const passedAt = new Map<RotationGate, number>();
  const reports: GateReport[] = [];
  let heldUp = false;
  // A gate cannot have been passed before the one that comes before it.
  let earliestMs = 0;
  for (const place of places) {
    if (heldUp) {
      reports.push(pending(place));
      continue;
    }
    const passedAtMs = (gate: RotationGate): number => {
      const at = passedAt.get(gate);
      if (at === undefined) throw new Error(`invariant broken: gate ${place.name} looks at ${gate}, which was not passed`);
      return at;
    };
    const finding = stage.judges[place.name]({ ...stage, nowMs, passedAtMs });
    const report = reportOf(place, finding, stage, earliestMs, nowMs);
    reports.push(report);
    if (report.state !== 'Passed') {
      heldUp = place.holds;
      continue;
    }
    passedAt.set(place.name, report.sinceMs ?? nowMs);
    if (place.holds) earliestMs = report.sinceMs ?? nowMs;
  }
  return reports;
}

/** A gate that is not reached yet. */
export function pending({ name, phase }: GatePlace): GateReport {
  return { name, phase, state: 'Pending', evidence: [], done: 0, total: 0, exempted: 0, sinceMs: undefined, untilMs: undefined, message: '', stragglers: [] };
}

function reportOf(place: GatePlace, finding: GateFinding, stage: Stage, earliestMs: number, nowMs: number): GateReport {
  const { spec } = stage.observed;
  const { held, exempted } = withoutExempted(finding.stragglers, spec.exemptions, nowMs);
  const wantsApproval = spec.approvals.includes(place.name);
  const evident = held.length === 0 && finding.waitsFor === undefined;
  const passed = evident && (!wantsApproval || spec.approved.includes(place.name));
  const evidence: readonly EvidenceKind[] = [...finding.evidence, ...(exempted > 0 ? (['exempted'] as const) : []), ...(wantsApproval ? (['approved'] as const) : [])];
  const state = passed ? 'Passed' : 'Waiting';
  return {
    name: place.name,
    phase: place.phase,
    state,
    evidence: passed ? evidence : [],
    done: finding.done,
    total: finding.total,
    exempted,
    sinceMs: sinceOf(place.name, state, stage, earliestMs, nowMs),
    untilMs: passed ? undefined : finding.untilMs,
    message: passed ? becauseOf(finding, exempted) : evident ? `waits for a person to approve ${place.name}` : `waits for ${finding.waitsFor ?? `${held.length} of ${finding.total}`}`,
    stragglers: held,
  };
}

function becauseOf({ because }: GateFinding, exempted: number): string {
  return exempted === 0 ? because : `${because}; ${exempted} exempted`;
}

function sinceOf(name: RotationGate, state: 'Passed' | 'Waiting', stage: Stage, earliestMs: number, nowMs: number): number {
  const known = stage.remembers ? stage.observed.remembered.gates.find((gate) => gate.name === name && gate.state === state) : undefined;
  // A time to come was written on another clock: wait again.
  const sinceMs = known === undefined || known.sinceMs > nowMs ? nowMs : known.sinceMs;
  return Math.max(sinceMs, earliestMs);
}

function withoutExempted(stragglers: readonly Straggler[], exemptions: readonly RotationExemption[], nowMs: number): { readonly held: readonly Straggler[]; readonly exempted: number } {
  const held = stragglers.filter((straggler) => !isExempted(straggler, exemptions, nowMs));
  return { held, exempted: stragglers.length - held.length };
}

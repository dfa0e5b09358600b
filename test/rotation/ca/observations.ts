import type { RotationInRecord } from '../../../src/authority/index.ts';
import type { ResolvedRotationSpec } from '../../../src/resources/index.ts';
import { planRotation, type AuthorityView, type GateReport, type ObservedRotation, type RecordView, type RotationPlan } from '../../../src/rotation/ca/index.ts';

export const startMs = Date.parse('2026-03-01T12:00:00Z');
const hourMs = 3_600_000;
const lifeMs = 1000 * hourMs;

/** Seconds after the start. */
export const at = (seconds: number): number => startMs + seconds * 1000;

export const root = (keyIdentifier: string, state: AuthorityView['state'], more: Partial<AuthorityView> = {}): AuthorityView => ({
  keyIdentifier, role: 'Root', state, root: keyIdentifier, notBeforeMs: startMs - hourMs, notAfterMs: startMs + lifeMs, hasKey: true, reservedUntilMs: undefined, ...more,
});
export const issuing = (keyIdentifier: string, below: string, state: AuthorityView['state'], more: Partial<AuthorityView> = {}): AuthorityView => ({
  keyIdentifier, role: 'Issuing', state, root: below, notBeforeMs: startMs - hourMs, notAfterMs: startMs + lifeMs, hasKey: state !== 'Retiring', reservedUntilMs: undefined, ...more,
});

export const spec = (more: Partial<ResolvedRotationSpec> = {}): ResolvedRotationSpec => ({
  trustDomain: 'a.example', what: 'Root', fromAuthority: 'rootA', mode: 'Graceful', distrustAfterMs: 900_000, approvals: [], approved: [], pacePerSecond: 50, exemptions: [], paused: false, abort: false, ...more,
});

export const recordBefore: RecordView = { signerEpoch: 1, bundleGeneration: 1, authorities: [root('rootA', 'Active'), issuing('issA', 'rootA', 'Active')], rotation: undefined, lastRotation: undefined };

export const rotationPart: RotationInRecord = {
  uid: 'u1', name: 'r1', what: 'Root', mode: 'Graceful', direction: 'Forward', from: 'rootA', to: 'rootB', toIssuing: 'issB', startedAtMs: startMs,
  switchedAtMs: undefined, switchEpoch: undefined, leavesEndMs: undefined, distrustAtMs: undefined, retiredAtMs: undefined,
};
export const recordPrepared: RecordView = {
  ...recordBefore, bundleGeneration: 2, rotation: rotationPart,
  authorities: [...recordBefore.authorities, root('rootB', 'Prepared'), issuing('issB', 'rootB', 'Prepared')],
};
export const recordSwitched: RecordView = {
  ...recordPrepared, signerEpoch: 2, rotation: { ...rotationPart, switchedAtMs: startMs, switchEpoch: 2, leavesEndMs: at(3600) },
  authorities: [root('rootA', 'Retiring'), issuing('issA', 'rootA', 'Retiring'), root('rootB', 'Active'), issuing('issB', 'rootB', 'Active')],
};
export const recordRetired: RecordView = {
  ...recordSwitched, bundleGeneration: 3, rotation: { ...rotationPart, switchedAtMs: startMs, switchEpoch: 2, leavesEndMs: at(3600), retiredAtMs: at(7200) },
  authorities: [root('rootB', 'Active'), issuing('issB', 'rootB', 'Active')],
};

/** A small world: one Secret of each of two identities, one ConfigMap, a node, a pod, a replica. */
export const observed = (record: RecordView | undefined, more: Partial<ObservedRotation> = {}): ObservedRotation => {
  const generation = record?.bundleGeneration ?? 0;
  const signer = record?.authorities.find(({ role, state }) => role === 'Issuing' && state === 'Active')?.keyIdentifier ?? 'issA';
  return {
    uid: 'u1', name: 'r1', spec: spec(), askedAtMs: startMs, record, notReady: undefined, rival: undefined,
    remembered: { bundleGeneration: undefined, switchEpoch: undefined, gates: [] },
    targets: [
      { kind: 'Secret', namespace: 'shop', name: 'cart-mtls', generation },
      { kind: 'Secret', namespace: 'shop', name: 'pay-mtls', generation },
      { kind: 'ConfigMap', namespace: 'shop', name: 'mtlsd-bundle-a.example', generation },
    ],
    leaves: [
      { kind: 'Secret', namespace: 'shop', name: 'cart-mtls', issuer: signer, notAfterMs: at(3600) },
      { kind: 'Secret', namespace: 'shop', name: 'pay-mtls', issuer: signer, notAfterMs: at(1800) },
    ],
    nodes: [{ name: 'n1', renewedAtMs: startMs, readySinceMs: startMs - hourMs }],
    consumers: [{ namespace: 'shop', name: 'cart-1', startedAtMs: startMs - hourMs, neverUpdates: undefined }],
    consumersUnknown: undefined, unseenReaders: 0,
    replicas: [{ name: 'mtlsd-1', signerEpoch: record?.signerEpoch, leaseEndsAtMs: at(1e6) }],
    readers: [], canary: undefined,
    bounds: { propagationBoundMs: 120_000, consumerReloadMs: 3_600_000, reloadIsPromised: false, longestTtlMs: 3_600_000, clockToleranceMs: 60_000 },
    ...more,
  };
};

export const gate = (plan: RotationPlan, name: GateReport['name']): GateReport => {
  const found = plan.gates.find((report) => report.name === name);
  if (found === undefined) throw new Error(`the plan has no gate ${name}`);
  return found;
};

/** What a status would remember of a plan. */
const remember = (plan: RotationPlan, record: RecordView): ObservedRotation['remembered'] => ({
  bundleGeneration: record.bundleGeneration,
  switchEpoch: record.rotation?.switchEpoch,
  gates: plan.gates.flatMap(({ name, state, sinceMs }) => (sinceMs === undefined ? [] : [{ name, state, sinceMs }])),
});

/** Plans at several times, each with the status that the one before left. Returns the last plan. */
export function planThrough(world: ObservedRotation, ...times: readonly number[]): RotationPlan {
  let remembered = world.remembered;
  let plan: RotationPlan | undefined;
  for (const nowMs of times) {
    plan = planRotation({ ...world, remembered, nodes: world.nodes?.map((node) => ({ ...node, renewedAtMs: node.renewedAtMs === undefined ? undefined : nowMs })) }, nowMs);
    if (world.record !== undefined) remembered = remember(plan, world.record);
  }
  if (plan === undefined) throw new Error('no time was given');
  return plan;
}

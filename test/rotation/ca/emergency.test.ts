import { describe, expect, test } from 'vitest';
import { leavesInTheWay, planRotation } from '../../../src/rotation/ca/index.ts';
import { at, gate, issuing, observed, recordBefore, recordPrepared, recordRetired, recordSwitched, root, rotationPart, spec, startMs } from './observations.ts';

describe('an emergency', () => {
  const urgent = { ...recordSwitched, rotation: { ...rotationPart, mode: 'Emergency' as const, switchedAtMs: startMs, switchEpoch: 2, leavesEndMs: at(3600), distrustAtMs: at(900) } };
  const late = { spec: spec({ mode: 'Emergency' }), leaves: [{ kind: 'Secret' as const, namespace: 'a', name: 'b', issuer: 'issA', notAfterMs: at(3000) }], replicas: [{ name: 'mtlsd-2', signerEpoch: 1, leaseEndsAtMs: at(9999) }] };

  test('re-issues at once, without a canary, and tells who is late', () => {
    const plan = planRotation(observed(urgent, late), at(1));
    expect(plan).toMatchObject({ reissues: true, step: undefined, nextAtMs: at(900) });
    expect(gate(plan, 'Reissued').stragglers).toHaveLength(1);
  });

  test('distrusts at the named time, whoever is late', () => {
    expect(planRotation(observed(urgent, late), at(899)).step).toBeUndefined();
    expect(planRotation(observed(urgent, late), at(900)).step).toEqual({ do: 'retire' });
    expect(leavesInTheWay(observed(urgent, late), at(900))).toEqual([]);
  });

  test('waits while it is paused', () => {
    expect(planRotation(observed(urgent, { ...late, spec: spec({ mode: 'Emergency', paused: true }) }), at(900)).step).toBeUndefined();
  });
});

describe('an emergency beside another rotation', () => {
  const wanted = { uid: 'u2', name: 'stolen', spec: spec({ mode: 'Emergency' }), rival: { name: 'r1' } };
  const about = (fromAuthority: string) => ({ ...wanted, spec: spec({ mode: 'Emergency', fromAuthority }) });

  test('takes over at once, whatever that waits for', () => {
    expect(planRotation(observed(recordBefore, wanted), startMs).step).toEqual({ do: 'emergency' });
    expect(planRotation(observed(recordPrepared, wanted), startMs).step).toEqual({ do: 'emergency' });
    expect(planRotation(observed(recordSwitched, about('rootB')), startMs).step).toEqual({ do: 'emergency' });
    expect(planRotation(observed(recordRetired, about('rootB')), startMs).step).toEqual({ do: 'emergency' });
    const issuingOnly = { ...recordBefore, rotation: { ...rotationPart, what: 'Issuing' as const, from: 'issA', to: 'issB' } };
    expect(planRotation(observed(issuingOnly, wanted), startMs).step).toEqual({ do: 'emergency' });
  });

  test('about the root that is being replaced becomes its end', () => {
    expect(planRotation(observed(recordSwitched, about('rootA')), startMs).step).toEqual({ do: 'hasten' });
  });

  test('that was asked for before the switch trusts neither of the two: the new one was in the record that was stolen', () => {
    expect(planRotation(observed(recordSwitched, { ...about('rootA'), askedAtMs: startMs - 1 }), startMs).step).toEqual({ do: 'emergency' });
  });

  test('about a root that signs nothing, or is gone, does nothing and says what to do', () => {
    const prepared = planRotation(observed(recordPrepared, about('rootB')), startMs);
    expect(prepared).toMatchObject({ phase: 'Superseded', step: undefined });
    expect(prepared.blocker?.message).toMatch(/only prepared.*give CARotation r1 up/u);
    expect(planRotation(observed(recordRetired, about('rootA')), startMs).blocker?.message).toMatch(/is in the record no more/u);
  });

  test('takes nothing over while it is paused, nor when it is given up', () => {
    expect(planRotation(observed(recordSwitched, { ...wanted, spec: spec({ mode: 'Emergency', fromAuthority: 'rootB', paused: true }) }), startMs)).toMatchObject({ step: undefined, blocker: { reason: 'Paused' } });
    expect(planRotation(observed(recordSwitched, { ...wanted, spec: spec({ mode: 'Emergency', fromAuthority: 'rootB', abort: true }) }), startMs)).toMatchObject({ step: undefined, phase: 'Aborted' });
  });

  test('is what the other one ends by, and never the other way round', () => {
    const { uid, name, what, mode, from, to, startedAtMs } = rotationPart;
    const overtook = [{ uid, name, what, mode, from, to, startedAtMs, switchedAtMs: startMs, retiredAtMs: undefined, outcome: 'Aborted' as const, finishedAtMs: at(5), overtakenBy: 'stolen' }];
    const taken = { ...recordSwitched, rotation: { ...rotationPart, uid: 'u2', name: 'stolen', mode: 'Emergency' as const, switchedAtMs: startMs, switchEpoch: 2, overtook } };
    for (const record of [taken, { ...recordRetired, rotation: undefined, lastRotation: { ...overtook[0], uid: 'u2', name: 'stolen', outcome: 'Complete' as const, overtook } as never }]) {
      for (const wish of [spec(), spec({ mode: 'Emergency' })]) {
        const plan = planRotation(observed(record, { spec: wish }), at(6));
        expect(plan).toMatchObject({ phase: 'Aborted', step: undefined, blocker: { reason: 'Overtaken' } });
        expect(plan.blocker?.message).toMatch(/the emergency CARotation stolen took over, after the switch/u);
      }
    }
  });

  test('leaves every old root at its own time', () => {
    const authorities = [root('rootA', 'Retiring', { distrustAtMs: at(300) }), issuing('issA', 'rootA', 'Retiring'), root('rootB', 'Retiring'), issuing('issB', 'rootB', 'Retiring'), root('rootC', 'Active'), issuing('issC', 'rootC', 'Active')];
    const rotation = { ...rotationPart, uid: 'u2', name: 'stolen', mode: 'Emergency' as const, from: 'rootB', to: 'rootC', toIssuing: 'issC', switchedAtMs: startMs, switchEpoch: 3, leavesEndMs: at(3600), distrustAtMs: at(900) };
    const record = { ...recordSwitched, signerEpoch: 3, rotation, authorities };
    const leaf = (issuer: string) => ({ kind: 'Secret' as const, namespace: 'a', name: issuer, issuer, notAfterMs: at(3000) });
    const world = observed(record, { ...wanted, leaves: [leaf('issA'), leaf('issB'), leaf('issC')] });
    const plan = planRotation(world, at(299));
    expect(plan).toMatchObject({ step: undefined, reissues: true, nextAtMs: at(300), expectedAtMs: at(300) });
    expect(gate(plan, 'Reissued').stragglers.map(({ name }) => name)).toEqual(['issA', 'issB']);
    expect(planRotation(world, at(300)).step).toEqual({ do: 'distrust-sooner' });
    expect(planRotation({ ...world, spec: spec({ mode: 'Emergency', paused: true }) }, at(300)).step).toBeUndefined();
    expect(planRotation(world, at(900)).step).toEqual({ do: 'retire' });
    expect(planRotation({ ...world, record: { ...record, authorities: authorities.slice(2) } }, at(301))).toMatchObject({ step: undefined, nextAtMs: at(900) });
  });
});

import { describe, expect, test } from 'vitest';
import { planRotation } from '../../../src/rotation/ca/index.ts';
import { at, observed, planThrough, recordPrepared, recordSwitched, rotationPart, spec, startMs } from './observations.ts';

const good = { authority: 'issB', atMs: startMs, failed: undefined };

describe('what a person is told to wait for', () => {
  const exemptions = [{ kind: 'Secret' as const, namespace: 'shop', name: 'else', reason: 'switched off', untilMs: at(50) }];
  const old = [{ kind: 'Secret' as const, namespace: 'shop', name: 'cart-mtls', issuer: 'issA', notAfterMs: at(3600) }];

  test('is the end of what waits on time, not that of an exemption', () => {
    expect(planRotation(observed(recordPrepared, { spec: spec({ exemptions }) }), startMs)).toMatchObject({ nextAtMs: at(50), expectedAtMs: at(120) });
    const failed = observed(recordPrepared, { canary: { ...good, atMs: at(3720), failed: 'refused' } });
    expect(planThrough(failed, startMs, at(120), at(3720)).expectedAtMs).toBe(at(3750));
    expect(planThrough(observed(recordSwitched, { canary: good }), startMs, at(3659)).expectedAtMs).toBe(at(3660));
  });

  test('is nothing while identities are re-issued: no canary that goes well takes that further', () => {
    const reissuing = observed(recordSwitched, { canary: good, leaves: old });
    expect(planRotation(reissuing, at(1))).toMatchObject({ phase: 'Reissue', nextAtMs: at(60), expectedAtMs: undefined });
    expect(planRotation({ ...reissuing, canary: { ...good, failed: 'refused' } }, at(1)).expectedAtMs).toBe(at(30));
  });

  test('is the named time in an emergency, whatever ends before', () => {
    const rotation = { ...rotationPart, mode: 'Emergency' as const, switchedAtMs: startMs, switchEpoch: 2, leavesEndMs: at(3600), distrustAtMs: at(900) };
    const plan = planRotation(observed({ ...recordSwitched, rotation }, { spec: spec({ mode: 'Emergency' }), leaves: old, replicas: [{ name: 'mtlsd-2', signerEpoch: 1, leaseEndsAtMs: at(30) }] }), at(1));
    expect(plan).toMatchObject({ nextAtMs: at(30), expectedAtMs: at(900) });
  });
});

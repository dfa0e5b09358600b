import { describe, expect, test } from 'vitest';
import { leavesInTheWay, planRotation } from '../../../src/rotation/ca/index.ts';
import { at, gate, issuing, observed, planThrough, recordBefore, recordPrepared, recordRetired, recordSwitched, root, rotationPart, spec, startMs } from './observations.ts';

const good = { authority: 'issB', atMs: startMs, failed: undefined };

describe('at the start', () => {
  test('the new authority is prepared', () => {
    const plan = planRotation(observed(recordBefore), startMs);
    expect(plan).toMatchObject({ phase: 'Prepare', step: { do: 'prepare' } });
    expect(plan.gates.map(({ name }) => name)).toEqual(['Written', 'Delivered', 'Loaded', 'Fetched', 'Canary', 'Acknowledged', 'Reissued', 'Drained', 'Withdrawn']);
  });

  test('an emergency switches at once', () => {
    expect(planRotation(observed(recordBefore, { spec: spec({ mode: 'Emergency' }) }), startMs).step).toEqual({ do: 'emergency' });
  });

  test('a rotation of an issuing authority has no gates of bundles', () => {
    const plan = planRotation(observed(recordBefore, { spec: spec({ what: 'Issuing', fromAuthority: 'issA' }) }), startMs);
    expect(plan.gates.map(({ name }) => name)).toEqual(['Canary', 'Acknowledged', 'Reissued', 'Drained']);
  });

  test('a manifest that is applied again rotates nothing', () => {
    const plan = planRotation(observed(recordRetired, { uid: 'u9' }), startMs);
    expect(plan).toMatchObject({ phase: 'Superseded', step: undefined });
    expect(plan.blocker?.message).toMatch(/rootA is not the active one, which is rootB/u);
  });

  test('of two rotations the older goes first, whether it has begun or not', () => {
    for (const world of [observed(recordBefore, { rival: { name: 'older' } }), observed({ ...recordPrepared, rotation: { ...rotationPart, uid: 'u0', name: 'older' } })]) {
      const plan = planRotation(world, startMs);
      expect(plan).toMatchObject({ phase: 'Preflight', step: undefined, blocker: { reason: 'WaitsForRotation' } });
      expect(plan.blocker?.message).toContain('CARotation older');
    }
  });

  test('paused or aborted nothing is begun', () => {
    expect(planRotation(observed(recordBefore, { spec: spec({ paused: true }) }), startMs)).toMatchObject({ step: undefined, blocker: { reason: 'Paused' } });
    expect(planRotation(observed(recordBefore, { spec: spec({ abort: true }) }), startMs)).toMatchObject({ phase: 'Aborted', step: undefined });
  });

  test('without authorities nothing can be said', () => {
    expect(planRotation(observed(undefined, { notReady: 'the record is lost' }), startMs)).toMatchObject({ phase: undefined, step: undefined, blocker: { reason: 'TrustDomainNotReady', message: 'the record is lost' } });
  });
});

describe('before the switch', () => {
  test('gates are passed one after the other, and each waits its time', () => {
    const world = observed(recordPrepared);
    expect(planRotation(world, startMs)).toMatchObject({ phase: 'Confirm', step: undefined, nextAtMs: at(120) });
    expect(planThrough(world, startMs, at(119)).phase).toBe('Confirm');
    const delivered = planThrough(world, startMs, at(120));
    expect(gate(delivered, 'Delivered')).toMatchObject({ state: 'Passed', evidence: ['bounded', 'observed'], sinceMs: at(120) });
    expect(delivered.nextAtMs).toBe(at(3720));
    const loaded = planThrough(world, startMs, at(120), at(3720));
    expect(loaded).toMatchObject({ phase: 'Canary', step: { do: 'canary' } });
    expect(gate(loaded, 'Fetched')).toMatchObject({ state: 'Passed', done: 0, total: 0 });
    expect(planThrough({ ...world, canary: { ...good, atMs: at(3720) } }, startMs, at(120), at(3720))).toMatchObject({ phase: 'Switch', step: { do: 'switch' } });
  });

  test('a lost status makes the gates wait again, and nothing else', () => {
    const plan = planRotation(observed(recordPrepared), at(9999));
    expect(plan).toMatchObject({ phase: 'Confirm', step: undefined, nextAtMs: at(9999 + 120) });
  });

  test('a status about another bundle counts for nothing', () => {
    const gates = (['Written', 'Delivered', 'Loaded'] as const).map((name) => ({ name, state: 'Passed' as const, sinceMs: startMs }));
    const stale = observed(recordPrepared, { remembered: { bundleGeneration: 1, switchEpoch: undefined, gates } });
    expect(planRotation(stale, at(9999)).phase).toBe('Confirm');
    const fresh = observed(recordPrepared, { remembered: { bundleGeneration: 2, switchEpoch: undefined, gates }, nodes: [{ name: 'n1', renewedAtMs: at(9999), readySinceMs: 0 }] });
    expect(planRotation(fresh, at(9999)).phase).toBe('Canary');
  });

  test('a status from the future waits again', () => {
    const gates = [{ name: 'Written' as const, state: 'Passed' as const, sinceMs: at(500) }];
    expect(planRotation(observed(recordPrepared, { remembered: { bundleGeneration: 2, switchEpoch: undefined, gates } }), at(100)).nextAtMs).toBe(at(220));
  });

  test('a place that falls back sends the rotation back to it', () => {
    const world = observed(recordPrepared, { canary: good });
    const lost = { ...world, targets: world.targets.map((target, index) => (index === 0 ? { ...target, generation: 1 } : target)) };
    const through = planThrough(world, startMs, at(120), at(3720));
    expect(through.step).toEqual({ do: 'switch' });
    const remembered = { bundleGeneration: 2, switchEpoch: undefined, gates: through.gates.flatMap(({ name, state, sinceMs }) => (sinceMs === undefined ? [] : [{ name, state, sinceMs }])) };
    const back = planRotation({ ...lost, remembered }, at(4000));
    expect(back).toMatchObject({ phase: 'Distribute', step: undefined });
    expect(gate(back, 'Written').stragglers).toEqual([{ kind: 'Secret', namespace: 'shop', name: 'cart-mtls', reason: 'it carries generation 1 of the bundle, not yet 2' }]);
    // And when it has come back, consumers get their time once more, whatever the status still says of later gates.
    expect(planRotation({ ...world, remembered: { ...remembered, gates: [{ name: 'Written', state: 'Passed', sinceMs: at(4001) }, ...remembered.gates.filter(({ name }) => name !== 'Written')] } }, at(4002)).phase).toBe('Confirm');
  });

  test('an abort drops what was prepared, paused or not', () => {
    expect(planRotation(observed(recordPrepared, { spec: spec({ abort: true, paused: true }) }), startMs).step).toEqual({ do: 'drop-prepared' });
  });

  test('a pause holds every step', () => {
    const world = observed(recordPrepared, { spec: spec({ paused: true }), canary: good });
    expect(planThrough(world, startMs, at(120), at(3720))).toMatchObject({ phase: 'Switch', step: undefined, blocker: { reason: 'Paused' } });
  });

  test('an issuing authority that has waited for half of its life is made anew', () => {
    const old = { ...recordPrepared, authorities: [...recordPrepared.authorities.slice(0, 3), issuing('issB', 'rootB', 'Prepared', { notBeforeMs: startMs - 100_000, notAfterMs: startMs + 99_000 })] };
    expect(planRotation(observed(old), startMs).step).toEqual({ do: 'renew-prepared' });
  });

  test('a canary that failed is tried again after a while, and says why it holds', () => {
    const failed = observed(recordPrepared, { canary: { ...good, atMs: at(3720), failed: 'the client was refused' } });
    const plan = planThrough(failed, startMs, at(120), at(3720));
    expect(plan).toMatchObject({ phase: 'Canary', step: undefined, nextAtMs: at(3750), blocker: { reason: 'CanaryFailed' } });
    expect(planThrough(failed, startMs, at(120), at(3720), at(3750)).step).toEqual({ do: 'canary' });
  });

  test('a canary of another authority counts for nothing', () => {
    expect(planThrough(observed(recordPrepared, { canary: { ...good, authority: 'issX' } }), startMs, at(120), at(3720)).step).toEqual({ do: 'canary' });
  });
});

describe('approvals and exemptions', () => {
  test('a gate that wants a person waits for one even when its evidence is there', () => {
    const world = observed(recordPrepared, { spec: spec({ approvals: ['Canary'] }), canary: good });
    const plan = planThrough(world, startMs, at(120), at(3720));
    expect(plan).toMatchObject({ phase: 'Canary', step: undefined });
    expect(gate(plan, 'Canary')).toMatchObject({ state: 'Waiting', message: 'waits for a person to approve Canary' });
    const approved = planThrough({ ...world, spec: spec({ approvals: ['Canary'], approved: ['Canary'] }) }, startMs, at(120), at(3720));
    expect(approved.step).toEqual({ do: 'switch' });
    expect(gate(approved, 'Canary').evidence).toEqual(['observed', 'approved']);
  });

  test('an approval is no evidence', () => {
    const world = observed(recordPrepared, { spec: spec({ approvals: ['Written'], approved: ['Written', 'Delivered', 'Loaded'] }), targets: [{ kind: 'Secret', namespace: 'a', name: 'b', generation: 1 }] });
    expect(planRotation(world, startMs).phase).toBe('Distribute');
  });

  test('an exempted object is not waited for, until the exemption ends', () => {
    const exemptions = [{ kind: 'Secret' as const, namespace: 'shop', name: 'cart-mtls', reason: 'switched off', untilMs: at(1000) }];
    const world = observed(recordPrepared, { spec: spec({ exemptions }), targets: [{ kind: 'Secret', namespace: 'shop', name: 'cart-mtls', generation: 1 }] });
    const plan = planRotation(world, startMs);
    expect(gate(plan, 'Written')).toMatchObject({ state: 'Passed', evidence: ['observed', 'exempted'], exempted: 1, done: 0, total: 1, stragglers: [] });
    expect(planRotation(world, at(1000)).phase).toBe('Distribute');
    const nearly = [{ ...exemptions[0], kind: 'ConfigMap' as const }, { ...exemptions[0], namespace: 'other' }, { ...exemptions[0], name: 'pay-mtls' }] as typeof exemptions;
    expect(planRotation({ ...world, spec: spec({ exemptions: nearly }) }, startMs).phase).toBe('Distribute');
  });
});

describe('after the switch', () => {
  const world = observed(recordSwitched, { canary: good });
  const old = { kind: 'Secret' as const, namespace: 'shop', name: 'cart-mtls', issuer: 'issA', notAfterMs: at(3600) };

  test('nothing is re-issued before every replica signs under the new epoch or its lease has run out', () => {
    const slow = { ...world, leaves: [old], replicas: [{ name: 'mtlsd-2', signerEpoch: 1, leaseEndsAtMs: at(30) }] };
    const plan = planRotation(slow, startMs);
    expect(plan).toMatchObject({ phase: 'Switch', reissues: false, nextAtMs: at(30) });
    expect(gate(plan, 'Acknowledged').stragglers).toEqual([{ kind: 'Replica', name: 'mtlsd-2', reason: 'its lease still names signer epoch 1, not yet 2' }]);
    expect(planThrough(slow, startMs, at(30))).toMatchObject({ phase: 'Reissue', reissues: true });
    expect(planRotation({ ...slow, replicas: [{ name: 'mtlsd-2', signerEpoch: undefined, leaseEndsAtMs: at(30) }] }, startMs).phase).toBe('Reissue');
  });

  test('identities of the old authority are re-issued as long as canaries go well', () => {
    const some = { ...world, leaves: [old, ...world.leaves] };
    expect(planRotation(some, at(1))).toMatchObject({ phase: 'Reissue', reissues: true, step: undefined });
    expect(planRotation({ ...some, canary: undefined }, at(1))).toMatchObject({ reissues: false, step: { do: 'canary' } });
    expect(planRotation(some, at(60)).step).toEqual({ do: 'canary' });
    expect(planRotation({ ...some, canary: { ...good, failed: 'refused' } }, at(1))).toMatchObject({ reissues: false, step: undefined, blocker: { reason: 'CanaryFailed' } });
    expect(planRotation({ ...some, spec: spec({ paused: true }) }, at(1))).toMatchObject({ reissues: false, step: undefined, blocker: { reason: 'Paused' } });
    expect(gate(planRotation(some, at(1)), 'Reissued')).toMatchObject({ done: 2, total: 3 });
  });

  test('a leaf of an issuer that nobody knows counts as old, one that has ended does not count', () => {
    expect(planRotation({ ...world, leaves: [{ ...old, issuer: 'lost' }] }, at(1)).phase).toBe('Reissue');
    expect(planRotation({ ...world, leaves: [{ ...old, notAfterMs: at(1) }] }, at(1)).phase).toBe('Drain');
  });

  test('it is drained when the last leaf has ended that was seen or may have been signed, by the clock of a node that is behind', () => {
    const plan = planThrough(world, startMs, at(3659));
    expect(plan).toMatchObject({ phase: 'Drain', step: undefined, nextAtMs: at(3660) });
    expect(planThrough(world, startMs, at(3660)).step).toEqual({ do: 'retire' });
    const late = { ...world, record: { ...recordSwitched, rotation: { ...rotationPart, switchedAtMs: startMs, switchEpoch: 2, leavesEndMs: at(9000) } } };
    expect(planThrough(late, startMs, at(3660))).toMatchObject({ phase: 'Drain', nextAtMs: at(9060) });
  });

  test('a replica that was stopped late may have signed late', () => {
    const slow = { ...world, replicas: [{ name: 'mtlsd-2', signerEpoch: 1, leaseEndsAtMs: at(1000) }] };
    expect(planThrough(slow, startMs, at(1000), at(4659)).nextAtMs).toBe(at(4660));
    expect(planThrough(slow, startMs, at(1000), at(4660)).step).toEqual({ do: 'retire' });
  });

  test('what nobody lists ends with its reservation, by the slowest clock', () => {
    const authorities = recordSwitched.authorities.map((authority) => (authority.keyIdentifier === 'issA' ? { ...authority, reservedUntilMs: at(86_400) } : authority));
    const reserved = { ...world, record: { ...recordSwitched, authorities }, bounds: { ...world.bounds, reloadIsPromised: true, consumerReloadMs: 5000 } };
    expect(planThrough(reserved, startMs, at(3660))).toMatchObject({ phase: 'Drain', step: undefined, nextAtMs: at(86_460) });
    expect(planThrough(reserved, startMs, at(86_460)).step).toEqual({ do: 'retire' });
  });

  test('a promise of how fast consumers reload shortens the drain, for nodes that are alive', () => {
    const promised = { ...world, bounds: { ...world.bounds, reloadIsPromised: true, consumerReloadMs: 5000 } };
    expect(planThrough(promised, startMs, at(124)).nextAtMs).toBe(at(125));
    expect(planThrough(promised, startMs, at(125)).step).toEqual({ do: 'retire' });
    const dead = { ...promised, nodes: [{ name: 'n1', renewedAtMs: undefined, readySinceMs: 0 }] };
    const plan = planThrough(dead, startMs, at(125));
    expect(gate(plan, 'Drained').stragglers.map(({ name }) => name)).toEqual(['n1']);
    expect(planThrough(dead, startMs, at(3660)).step).toEqual({ do: 'retire' });
  });

  test('a status about the other direction counts for nothing', () => {
    const gates = (['Acknowledged', 'Reissued'] as const).map((name) => ({ name, state: 'Passed' as const, sinceMs: startMs - 9_000_000 }));
    expect(planRotation({ ...world, remembered: { bundleGeneration: 2, switchEpoch: 1, gates } }, at(3600)).nextAtMs).toBe(at(7260));
  });

  test('an old pair that is put back sends it back to be re-issued', () => {
    expect(planThrough({ ...world, leaves: [old] }, startMs, at(3599)).phase).toBe('Reissue');
  });

  test('what stands in the way of retiring is named, what was exempted is not', () => {
    const some = { ...world, leaves: [old, ...world.leaves] };
    expect(leavesInTheWay(some, at(1)).map(({ name, issuer }) => `${name} ${issuer}`)).toEqual(['cart-mtls issA']);
    const exemptions = [{ kind: 'Secret' as const, namespace: 'shop', name: 'cart-mtls', reason: 'x', untilMs: at(10) }];
    expect(leavesInTheWay({ ...some, spec: spec({ exemptions }) }, at(1))).toEqual([]);
    expect(leavesInTheWay({ ...some, spec: spec({ exemptions }) }, at(10))).toHaveLength(1);
  });
});

describe('an abort after the switch', () => {
  const aborted = { spec: spec({ abort: true }) };

  test('is a rotation back', () => {
    expect(planRotation(observed(recordSwitched, aborted), at(1)).step).toEqual({ do: 'switch-back' });
  });

  test('goes through the same gates with from and to exchanged, and ends as aborted', () => {
    const rotation = { ...rotationPart, direction: 'Back' as const, from: 'rootB', to: 'rootA', toIssuing: 'issA2', switchedAtMs: at(10), switchEpoch: 3, leavesEndMs: at(3610) };
    const back = { ...recordSwitched, signerEpoch: 3, rotation, authorities: [root('rootA', 'Active'), issuing('issA', 'rootA', 'Retiring'), root('rootB', 'Retiring'), issuing('issB', 'rootB', 'Retiring'), issuing('issA2', 'rootA', 'Active')] };
    const world = observed(back, { ...aborted, canary: { authority: 'issA2', atMs: at(10), failed: undefined } });
    expect(planRotation({ ...world, leaves: [{ kind: 'Secret', namespace: 'a', name: 'b', issuer: 'issB', notAfterMs: at(3000) }] }, at(11))).toMatchObject({ phase: 'Reissue', reissues: true });
    // One from before the rotation verifies, but its Secret would still take what a paused replica signed below the abandoned root.
    expect(planRotation({ ...world, leaves: [{ kind: 'Secret', namespace: 'a', name: 'b', issuer: 'issA', notAfterMs: at(3000) }] }, at(11))).toMatchObject({ phase: 'Reissue', reissues: true });
    expect(planRotation({ ...world, leaves: [{ kind: 'Secret', namespace: 'a', name: 'b', issuer: 'issA2', notAfterMs: at(3000) }] }, at(11)).phase).toBe('Drain');
    expect(planThrough(world, at(10), at(3670)).step).toEqual({ do: 'retire' });
    const gone = { ...back, bundleGeneration: 3, rotation: { ...rotation, retiredAtMs: at(3700) }, authorities: [root('rootA', 'Active'), issuing('issA2', 'rootA', 'Active')] };
    expect(planRotation(observed(gone, aborted), at(3701)).step).toEqual({ do: 'finish', outcome: 'Aborted' });
  });

  test('is refused in words when there is no way back, and the rotation goes on', () => {
    const keyless = { ...recordSwitched, authorities: recordSwitched.authorities.map((authority) => ({ ...authority, hasKey: authority.state === 'Active' })) };
    expect(planThrough(observed(keyless, { ...aborted, canary: good }), startMs, at(3660))).toMatchObject({ step: { do: 'retire' }, blocker: { reason: 'PastTheSwitch' } });
    const ended = { ...recordSwitched, authorities: recordSwitched.authorities.map((authority) => (authority.keyIdentifier === 'rootA' ? { ...authority, notAfterMs: at(1) } : authority)) };
    expect(planRotation(observed(ended, aborted), at(2)).blocker?.message).toMatch(/it has ended/u);
    const issuingOnly = { ...recordSwitched, rotation: { ...rotationPart, what: 'Issuing' as const, from: 'issA', to: 'issB', switchedAtMs: startMs, switchEpoch: 2, leavesEndMs: at(3600) } };
    expect(planRotation(observed(issuingOnly, aborted), at(2)).blocker?.message).toMatch(/the key of the one before is gone/u);
  });

  test('after the old root is gone changes nothing', () => {
    expect(planRotation(observed(recordRetired, aborted), at(7201)).step).toEqual({ do: 'finish', outcome: 'Complete' });
  });
});

describe('at the end', () => {
  test('the old root has to be out of every place before it is complete', () => {
    const behind = observed(recordRetired, { targets: [{ kind: 'ConfigMap', namespace: 'a', name: 'b', generation: 2 }] });
    expect(planRotation(behind, at(7201))).toMatchObject({ phase: 'Retire', step: undefined });
    expect(planRotation(observed(recordRetired), at(7201)).step).toEqual({ do: 'finish', outcome: 'Complete' });
  });

  test('what has ended stays ended', () => {
    const { uid, name, what, mode, from, to, startedAtMs } = rotationPart;
    for (const outcome of ['Complete', 'Aborted'] as const) {
      const ended = { ...recordRetired, rotation: undefined, lastRotation: { uid, name, what, mode, from, to, startedAtMs, switchedAtMs: startMs, retiredAtMs: at(7200), outcome, finishedAtMs: at(7300) } };
      expect(planRotation(observed(ended), at(7301))).toMatchObject({ phase: outcome, step: undefined });
    }
  });
});

import { describe, expect, test } from 'vitest';
import { planRotation } from '../../../src/rotation/ca/index.ts';
import { at, gate, observed, planThrough, recordPrepared, recordSwitched, spec, startMs } from './observations.ts';

const pod = { namespace: 'shop', name: 'cart-1', startedAtMs: startMs - 1000, neverUpdates: undefined };

describe('Written', () => {
  test('names every place that is behind, with what keeps it there', () => {
    const plan = planRotation(
      observed(recordPrepared, {
        targets: [
          { kind: 'Secret', namespace: 'a', name: 'x', generation: 1, problem: 'its namespace is being deleted' },
          { kind: 'ClusterTrustBundle', name: 'y', generation: 0 },
          { kind: 'ConfigMap', namespace: 'a', name: 'z', generation: 2 },
        ],
      }),
      startMs,
    );
    expect(gate(plan, 'Written')).toMatchObject({ state: 'Waiting', done: 1, total: 3 });
    expect(gate(plan, 'Written').stragglers.map(({ kind, name, reason }) => `${kind} ${name}: ${reason}`)).toEqual([
      'Secret x: its namespace is being deleted',
      'ClusterTrustBundle y: it carries generation 0 of the bundle, not yet 2',
    ]);
    expect(gate(plan, 'Delivered').state).toBe('Pending');
  });
});

describe('Delivered', () => {
  test('waits for the bound, and then for every node that was not seen alive at its end', () => {
    const dead = { name: 'n2', renewedAtMs: undefined, readySinceMs: startMs - 1000 };
    const world = observed(recordPrepared, { nodes: [{ name: 'n1', renewedAtMs: startMs, readySinceMs: 0 }, dead] });
    expect(gate(planRotation(world, startMs), 'Delivered')).toMatchObject({ state: 'Waiting', untilMs: at(120), stragglers: [], done: 0, total: 2 });
    const plan = planThrough(world, startMs, at(121));
    expect(gate(plan, 'Delivered')).toMatchObject({ state: 'Waiting', done: 1, total: 2, untilMs: undefined });
    expect(gate(plan, 'Delivered').stragglers).toMatchObject([{ kind: 'Node', name: 'n2' }]);
  });

  test('a node that renewed before the end of the bound is not known to have shown anything', () => {
    const gates = [{ name: 'Written' as const, state: 'Passed' as const, sinceMs: startMs }];
    const world = (renewedAtMs: number, readySinceMs = 0) => observed(recordPrepared, { remembered: { bundleGeneration: 2, switchEpoch: undefined, gates }, nodes: [{ name: 'n1', renewedAtMs, readySinceMs }] });
    expect(gate(planRotation(world(at(119)), at(500)), 'Delivered').state).toBe('Waiting');
    expect(gate(planRotation(world(at(120)), at(500)), 'Delivered').state).toBe('Passed');
    // One that was away meanwhile needs its bound since it came back.
    expect(gate(planRotation(world(at(300), at(200)), at(500)), 'Delivered').state).toBe('Waiting');
    expect(gate(planRotation(world(at(320), at(200)), at(500)), 'Delivered').state).toBe('Passed');
  });

  test('names no node that is alive before its next renewal may have come, nor after a start before it was looked at for so long', () => {
    const gates = [{ name: 'Written' as const, state: 'Passed' as const, sinceMs: startMs }];
    const world = (nowS: number, more: object) =>
      gate(planRotation(observed(recordPrepared, { remembered: { bundleGeneration: 2, switchEpoch: undefined, gates }, nodes: [{ name: 'n1', renewedAtMs: at(115), readySinceMs: 0, renewsWithinMs: 20_000, ...more }] }), at(nowS)), 'Delivered');
    expect(world(121, {})).toMatchObject({ state: 'Waiting', done: 0, total: 1, stragglers: [], message: 'waits for the next sign of life of 1 node' });
    expect(world(140, {}).stragglers).toMatchObject([{ kind: 'Node', name: 'n1' }]);
    expect(world(121, { renewedAtMs: at(120) }).state).toBe('Passed');
    // Another replica has begun to look: it knows of no renewal yet.
    expect(world(510, { renewedAtMs: undefined, watchedSinceMs: at(500) })).toMatchObject({ state: 'Waiting', stragglers: [] });
    expect(world(520, { renewedAtMs: undefined, watchedSinceMs: at(500) }).stragglers).toHaveLength(1);
    // Of one that is known to be away nothing is expected.
    expect(world(121, { renewedAtMs: undefined, renewsWithinMs: undefined }).stragglers).toHaveLength(1);
  });

  test('waits for no sign of life of a node that was exempted', () => {
    const gates = [{ name: 'Written' as const, state: 'Passed' as const, sinceMs: startMs }];
    const exemptions = [{ kind: 'Node' as const, namespace: undefined, name: 'n1', reason: 'scrapped', untilMs: at(1000) }];
    const world = observed(recordPrepared, { spec: spec({ exemptions }), remembered: { bundleGeneration: 2, switchEpoch: undefined, gates }, nodes: [{ name: 'n1', renewedAtMs: at(1), readySinceMs: 0, renewsWithinMs: 20_000 }] });
    expect(gate(planRotation(world, at(121)), 'Delivered')).toMatchObject({ state: 'Passed', exempted: 1, message: expect.stringMatching(/; 1 exempted$/u) as unknown });
  });

  test('a mount that can never update counts once its pod was started anew', () => {
    const frozen = { ...pod, neverUpdates: 'it mounts the Secret by subPath' };
    const world = observed(recordPrepared, { consumers: [frozen] });
    expect(gate(planThrough(world, startMs, at(200)), 'Delivered').stragglers).toEqual([{ kind: 'Pod', namespace: 'shop', name: 'cart-1', reason: 'it mounts the Secret by subPath: it never sees a new bundle; restart it' }]);
    // Its node's clock may be behind ours or ahead.
    expect(gate(planThrough({ ...world, consumers: [{ ...frozen, startedAtMs: at(59) }] }, startMs, at(200)), 'Delivered').state).toBe('Waiting');
    expect(gate(planThrough({ ...world, consumers: [{ ...frozen, startedAtMs: at(60) }] }, startMs, at(200)), 'Delivered').state).toBe('Passed');
  });

  test('while nodes and pods are not known nothing is', () => {
    const plan = planThrough(observed(recordPrepared, { consumersUnknown: 'pods cannot be listed' }), startMs, at(9999));
    expect(gate(plan, 'Delivered')).toMatchObject({ state: 'Waiting', message: 'waits for pods cannot be listed' });
  });

  test('where a folder is read there is nothing to wait for', () => {
    const world = observed(recordPrepared, { nodes: undefined, consumers: undefined });
    const plan = planRotation({ ...world, bounds: { ...world.bounds, propagationBoundMs: 0 } }, startMs);
    expect(gate(plan, 'Delivered')).toMatchObject({ state: 'Passed', evidence: ['observed'], done: 0, total: 0 });
  });
});

describe('Loaded', () => {
  test('does not wait for the bound when every consumer was started after the delivery', () => {
    const world = observed(recordPrepared, { consumers: [{ ...pod, startedAtMs: at(200) }] });
    expect(gate(planThrough(world, startMs, at(120), at(201)), 'Loaded')).toMatchObject({ state: 'Passed', evidence: ['observed'], done: 1, total: 1 });
    expect(gate(planThrough({ ...world, consumers: [{ ...pod, startedAtMs: at(179) }] }, startMs, at(120), at(201)), 'Loaded')).toMatchObject({ state: 'Waiting', done: 0, untilMs: at(3720) });
  });

  test('waits for the bound when a place is read by somebody who is no known pod', () => {
    const world = observed(recordPrepared, { consumers: [{ ...pod, startedAtMs: at(200) }], unseenReaders: 1 });
    expect(gate(planThrough(world, startMs, at(120), at(201)), 'Loaded')).toMatchObject({ state: 'Waiting', done: 1, total: 1 });
    expect(gate(planThrough(world, startMs, at(120), at(3720)), 'Loaded')).toMatchObject({ state: 'Passed', evidence: ['bounded'] });
  });
});

describe('Fetched', () => {
  test('gives readers over the network the time of their hint, from when the bundle was written: who leads may have served the one before until then', () => {
    const world = observed(recordPrepared, { readers: [{ name: 'peer.example', generation: 1, fetchesWithinMs: 5_000_000 }, { name: 'other.example', generation: 2, fetchesWithinMs: 9_000_000 }] });
    const plan = planThrough(world, at(10), at(130), at(3730));
    expect(gate(plan, 'Fetched')).toMatchObject({ state: 'Waiting', done: 1, total: 2, untilMs: at(5010) });
    expect(plan.nextAtMs).toBe(at(5010));
    expect(planThrough(world, at(10), at(130), at(3730), at(5010)).step).toEqual({ do: 'canary' });
  });
});

test('Fetched counts no time in which nobody is known to have served the bundle, and says that it rests on time', () => {
  const reader = { name: 'readers', generation: 1, fetchesWithinMs: 100_000 };
  const world = observed(recordPrepared, { readers: [{ ...reader, servedSinceMs: at(5000) }] });
  expect(gate(planThrough(world, at(10), at(130), at(3730)), 'Fetched')).toMatchObject({ state: 'Waiting', untilMs: at(5100) });
  expect(gate(planThrough(world, at(10), at(130), at(3730), at(5100)), 'Fetched')).toMatchObject({ state: 'Passed', evidence: ['bounded'] });
  const seen = observed(recordPrepared, { readers: [{ ...reader, generation: 2 }] });
  expect(gate(planThrough(seen, at(10), at(130), at(3730)), 'Fetched')).toMatchObject({ state: 'Passed', evidence: ['observed'] });
});

describe('Acknowledged', () => {
  test('a later epoch, of a turn-over of its own, is as good', () => {
    const world = observed({ ...recordSwitched, signerEpoch: 5 }, { replicas: [{ name: 'r', signerEpoch: 2, leaseEndsAtMs: at(9999) }] });
    expect(gate(planRotation(world, at(1)), 'Acknowledged')).toMatchObject({ state: 'Passed', done: 1, total: 1 });
  });
});

describe('Reissued', () => {
  test('counts a Secret whose leaf has ended too, as long as the drain is shortened by a promise and a leaf that was signed in time may still come', () => {
    const ended = { leaves: [{ kind: 'Secret' as const, namespace: 'shop', name: 'cart-mtls', issuer: 'issA', notAfterMs: at(10) }] };
    const promised = observed(recordSwitched, { ...ended, bounds: { ...observed(recordSwitched).bounds, reloadIsPromised: true, consumerReloadMs: 5000 } });
    expect(gate(planRotation(promised, at(20)), 'Reissued')).toMatchObject({ state: 'Waiting', total: 1 });
    // Whatever was signed before the switch has ended by now.
    expect(gate(planThrough(promised, startMs, at(3661)), 'Reissued')).toMatchObject({ state: 'Passed', total: 0 });
    expect(gate(planRotation(observed(recordSwitched, ended), at(20)), 'Reissued')).toMatchObject({ state: 'Passed', total: 0 });
  });
});

describe('Acknowledged', () => {
  test('names no time for a replica whose right to sign does not end by itself', () => {
    const endless = { name: 'this replica', signerEpoch: 1, leaseEndsAtMs: Infinity };
    const waiting = gate(planRotation(observed(recordSwitched, { replicas: [endless] }), at(1)), 'Acknowledged');
    expect(waiting).toMatchObject({ state: 'Waiting', untilMs: undefined });
    const one = { ...endless, name: 'mtlsd-2', leaseEndsAtMs: at(30) };
    expect(gate(planRotation(observed(recordSwitched, { replicas: [endless, one] }), at(1)), 'Acknowledged').untilMs).toBe(at(30));
  });
});

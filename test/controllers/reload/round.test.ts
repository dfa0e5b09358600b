/** Who is told of a change, and when: the decision alone. */
import { describe, expect, test } from 'vitest';
import type { PodFacts } from '../../../src/controllers/pod-warnings/uses.ts';
import { afterCall, lateSightMs, newRound, planRound, slowRetryMs, triesMax, type Round } from '../../../src/controllers/reload/round.ts';

const dueMs = 90_000;

const pod = (name: string, fields: Partial<PodFacts> = {}): PodFacts => ({
  namespace: 'shop',
  name,
  uid: `uid-${name}`,
  workload: `Pod ${name}`,
  owner: undefined,
  serviceAccountName: 'cart',
  ip: '10.0.0.1',
  hostNetwork: false,
  running: true,
  startedAtMs: 1_000,
  uses: [],
  ...fields,
});

const names = (pods: readonly PodFacts[]): readonly string[] => pods.map(({ name }) => name);

/** The round in which these pods were called at that time, in vain or not. */
function called(pods: readonly PodFacts[], problem: string | undefined, nowMs = dueMs): Round {
  const { round, call } = planRound(newRound('1', dueMs), pods, nowMs);
  return call.reduce((last, { uid }) => afterCall(last, uid, problem, nowMs), round);
}

describe('a round', () => {
  test('calls nobody before every pod can see the change', () => {
    expect(planRound(newRound('1', dueMs), [pod('a')], dueMs - 1)).toMatchObject({ call: [], nextAtMs: dueMs, result: undefined });
    expect(names(planRound(newRound('1', dueMs), [pod('a'), pod('b')], dueMs).call)).toEqual(['a', 'b']);
  });

  test('calls no pod that does not run; one that is soon seen to run may have begun earlier', () => {
    const { round, call } = planRound(newRound('1', dueMs), [pod('a', { running: false })], dueMs);
    expect(call).toEqual([]);
    expect(names(planRound(round, [pod('a')], dueMs + lateSightMs).call)).toEqual(['a']);
    expect(planRound(round, [pod('a')], dueMs + lateSightMs + 1)).toMatchObject({ call: [], result: { pods: 0 } });
  });

  test('counts from the first look, however late that is', () => {
    const lateMs = dueMs + 3_600_000;
    const { round } = planRound(newRound('1', dueMs), [], lateMs);
    expect(names(planRound(round, [pod('a')], lateMs + lateSightMs).call)).toEqual(['a']);
  });

  test('calls a pod once, and says so when no other can come', () => {
    const round = called([pod('a')], undefined);
    expect(planRound(round, [pod('a')], dueMs)).toMatchObject({ call: [], nextAtMs: dueMs + lateSightMs, result: undefined });
    expect(planRound(round, [pod('a')], dueMs + lateSightMs)).toMatchObject({ call: [], nextAtMs: undefined, result: { pods: 1, reloaded: 1, failing: [] } });
  });

  test('calls again who fails, later each time, then every five minutes, and says what is wrong', () => {
    let round = newRound('1', dueMs);
    const calls: number[] = [];
    let result: unknown;
    for (let nowMs = dueMs; nowMs <= dueMs + 2 * slowRetryMs; nowMs += 1_000) {
      const plan = planRound(round, [pod('a')], nowMs);
      round = plan.call.reduce((last, { uid }) => afterCall(last, uid, 'it answered 500', nowMs), plan.round);
      if (plan.call.length > 0) calls.push((nowMs - dueMs) / 1_000);
      result = plan.result;
    }
    expect(calls).toEqual([0, 1, 3, 7, 15, 31, 331]);
    expect(calls.slice(0, -1)).toHaveLength(triesMax);
    expect(result).toEqual({ pods: 1, reloaded: 0, failing: ['a: it answered 500'] });
  });

  test('is over for a pod that is gone, or whose container has begun anew', () => {
    const round = called([pod('a'), pod('b')], 'it answered 500');
    const { call, result } = planRound(round, [pod('a', { startedAtMs: 100_000 })], dueMs + lateSightMs);
    expect({ call, result }).toEqual({ call: [], result: { pods: 0, reloaded: 0, failing: [] } });
  });

  test('calls nobody at an address that may be somebody else’s', () => {
    const wrong = ['127.0.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1', '255.255.255.255', '::1', 'fe80::1', 'ff02::1', '::ffff:127.0.0.1'].map((ip) => pod(ip, { ip }));
    const right = ['10.1.2.3', '192.168.0.1', '100.64.0.1', 'fd00::7', '2001:db8::1', '8.8.8.8'].map((ip) => pod(ip, { ip }));
    expect(names(planRound(newRound('1', dueMs), [...wrong, ...right], dueMs).call)).toEqual(names(right));
    const odd = [pod('host', { hostNetwork: true }), pod('young', { ip: undefined })];
    const { round } = planRound(newRound('1', dueMs), odd, dueMs);
    expect(planRound(round, odd, dueMs + 10 * slowRetryMs)).toMatchObject({
      call: [],
      nextAtMs: undefined,
      result: { pods: 2, reloaded: 0, failing: [expect.stringContaining('host: it is on the network of its node') as string, 'young: it has no address'] },
    });
  });

  test('names few who fail, in order and in short', () => {
    const many = Array.from({ length: 20 }, (_, index) => pod(`p${String(19 - index).padStart(2, '0')}`, { hostNetwork: true }));
    const { round } = planRound(newRound('1', dueMs), many, dueMs);
    const failing = planRound(round, many, dueMs + lateSightMs).result?.failing ?? [];
    expect(failing.map((line) => line.slice(0, 3))).toEqual(['p00', 'p01', 'p02', 'p03', 'p04', 'p05', 'p06', 'p07']);
  });
});

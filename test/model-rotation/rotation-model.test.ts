import { beforeAll, describe, expect, test } from 'vitest';
import { gateJudges, type GateJudge } from '../../src/rotation/ca/index.ts';
import type { RotationGate } from '../../src/resources/index.ts';
import type { Sabotage, WorldKind } from './observe.ts';
import { Records } from './records.ts';
import { search } from './search.ts';
import { World } from './world.ts';

const statesMax = 3_000_000;
const quiet: WorldKind = {
  mode: 'Graceful',
  pod: false,
  reloadIsPromised: false,
  crashes: false,
  nodesFail: false,
  aborts: false,
  canaryFails: false,
  ticks: { ttl: 2, podTtl: 3, propagationBound: 2, consumerReload: 2, lease: 1, distrustAfter: 1 },
};
/** Leaves that live for longer than consumers need to load others. */
const quickReload: WorldKind = { ...quiet, reloadIsPromised: true, ticks: { ...quiet.ticks, ttl: 4, propagationBound: 1, consumerReload: 1 } };

/** A kubelet that has failed delivers nothing, for as long as it likes. */
const failing: WorldKind = { ...quiet, nodesFail: true, ticks: { ...quiet.ticks, propagationBound: 1, consumerReload: 1 } };

let records: Records;
beforeAll(async () => {
  records = await Records.make();
});

function explore(title: string, kind: WorldKind, sabotage: Sabotage = {}) {
  const found = search(new World(records, kind, sabotage), statesMax);
  const { states, moves, done, problem } = found;
  console.log(`${title}: ${states} states, ${moves} moves, ${done} ends${problem === undefined ? '' : `\n  ${problem.what}\n    ${problem.story.join('\n    ')}`}`);
  return found;
}

describe('every order of events in a small world: every live leaf is trusted by everybody, nothing is signed by an authority that is gone, and it ends once deliveries do', () => {
  const worlds: readonly (readonly [string, WorldKind])[] = [
    ['replicas die, pause and lose answers, and the rotation is given up at any point', { ...quiet, crashes: true, aborts: true }],
    ['nodes fail and come back', failing],
    ['consumers promise to reload soon, and the rotation is given up at any point', { ...quickReload, aborts: true }],
    ['a pod certificate, of which nobody keeps a list, with replicas that die', { ...quiet, pod: true, crashes: true }],
    ['an emergency, with replicas that die', { ...quiet, mode: 'Emergency', crashes: true }],
  ];
  test.each(worlds)('%s', (title, kind) => {
    const { problem, done } = explore(title, kind);
    expect(problem).toBeUndefined();
    expect(done).toBeGreaterThan(0);
  });

  test('a canary that fails: nothing is ever switched', () => {
    const { problem } = explore('a canary that fails', { ...quiet, canaryFails: true });
    expect(problem?.what).toBe('from here it never finishes, whatever is delivered');
    expect(problem?.story).toHaveLength(1);
  });
});

/** A judge that lets everything through. */
const blind: GateJudge = () => ({ done: 0, total: 0, stragglers: [], waitsFor: undefined, evidence: [], because: '' });
const ignoresNodes: GateJudge = (view) => gateJudges.Delivered({ ...view, observed: { ...view.observed, nodes: [] } });
const keepsFirstLeaves: GateJudge = (view) => gateJudges.Reissued({ ...view, rotation: { ...view.rotation, direction: 'Forward' } });
const ignoresEnded: GateJudge = (view) => gateJudges.Reissued({ ...view, observed: { ...view.observed, bounds: { ...view.observed.bounds, reloadIsPromised: false } } });
const without = (gate: RotationGate): Sabotage => ({ judges: { ...gateJudges, [gate]: blind } });

describe('what each part is good for: without it, the search finds a story that ends badly', () => {
  const pausedLeader: WorldKind = { ...quiet, ticks: { ...quiet.ticks, lease: 2 } };
  const mutants: readonly (readonly [string, WorldKind, Sabotage, RegExp])[] = [
    ['the gate Written', quiet, without('Written'), /not in the bundle/],
    ['the gate Delivered', quiet, without('Delivered'), /not in the bundle/],
    ['a look at nodes, which fail', failing, { judges: { ...gateJudges, Delivered: ignoresNodes } }, /not in the bundle/],
    ['the gate Loaded', quiet, without('Loaded'), /not in the bundle/],
    ['the gate Canary', quiet, without('Canary'), /no canary shook hands/],
    ['the gate Acknowledged', pausedLeader, without('Acknowledged'), /has left the record/],
    ['the gate Reissued', quickReload, without('Reissued'), /not in the bundle/],
    ['the replacement of every leaf on the way back', { ...quickReload, aborts: true }, { judges: { ...gateJudges, Reissued: keepsFirstLeaves } }, /not in the bundle/],
    ['a look at leaves that have ended', { ...quickReload, aborts: true }, { judges: { ...gateJudges, Reissued: ignoresEnded } }, /not in the bundle/],
    ['the gate Drained', quiet, without('Drained'), /not in the bundle/],
    ['the gate Withdrawn', quiet, without('Withdrawn'), /still carries a root/],
    ['the lease', quiet, { withoutLease: true }, /not in the bundle|has left the record/],
    ['the reservation', { ...quiet, pod: true }, { withoutReservation: true }, /not in the bundle/],
    ['the comparison before each write', { ...quiet, aborts: true }, { withoutCompare: true }, /not in the bundle|the product refuses/],
  ];
  test.each(mutants)('without %s', (title, kind, sabotage, told) => {
    const { problem } = explore(`without ${title}`, kind, sabotage);
    expect(problem?.what).toMatch(told);
  });
});

import { beforeAll, describe, expect, test } from 'vitest';
import { gateJudges, type GateJudge } from '../../src/rotation/ca/index.ts';
import type { RotationGate } from '../../src/resources/index.ts';
import type { Sabotage, WorldKind } from './observe.ts';
import { Records } from './records.ts';
import { searchAndTell } from './told-search.ts';
import { World } from './world.ts';
import { failing, kept, quickReload, quiet, short, urged } from './worlds.ts';

let records: Records;
beforeAll(async () => {
  records = await Records.make();
});

function explore(title: string, kind: WorldKind, sabotage: Sabotage = {}) {
  return searchAndTell(title, new World(records, kind, sabotage));
}

describe('every order of events in a small world: every live leaf is trusted by everybody, nothing is signed by an authority that is gone, and it ends once deliveries do', () => {
  test.each(kept)('%s', (title, kind) => {
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
  const restored: WorldKind = { ...quiet, restores: 'record', isBrisk: true, pausesThen: true, ticks: short };
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
    ['the reservation for pod certificates', { ...quiet, leaves: ['Secret', 'pod-certificate'], ticks: short }, { withoutReservation: 'pod-certificate' }, /not in the bundle/],
    ['the reservation for certificate signing requests', { ...quiet, leaves: ['Secret', 'csr'], ticks: short }, { withoutReservation: 'csr' }, /not in the bundle/],
    ['the gate Fetched', { ...quiet, fetches: true, isBrisk: true, ticks: { ...short, fetch: 3 } }, without('Fetched'), /that the reader fetched/],
    ['the gate Drained of an issuing authority alone', { ...quiet, what: 'Issuing', ticks: short }, without('Drained'), /an authority has left the record/],
    ['the gate Reissued of an issuing authority alone', { ...quickReload, what: 'Issuing' }, without('Reissued'), /an authority has left the record/],
    ['the lease that runs out before an issuing authority goes', { ...quiet, what: 'Issuing', ticks: { ...short, lease: 2 } }, without('Acknowledged'), /has left the record/],
    ['the withdrawal in an emergency', { ...quiet, mode: 'Emergency', isBrisk: true, ticks: short }, without('Withdrawn'), /still carries a root/],
    ['the gate Drained in an emergency', { ...quiet, mode: 'Emergency', isBrisk: true, ticks: short }, without('Drained'), /before the named time/],
    ['the time that an emergency before had named', { ...urged, mode: 'Emergency' }, { forgetsSooner: true }, /the named time has come/],
    ['the time that was named already, in an emergency about the same root', { ...urged, mode: 'Emergency' }, { givesMoreTime: true }, /the named time has come/],
    ['a look at what was delivered, after a restore', restored, { withoutDetection: true }, /nobody has chosen that/],
    ['the order in which what is delivered is told first', restored, { tellsLate: true }, /nobody has chosen that/],
    ['a look at the signer epoch, after a restore', { ...restored, aborts: true }, { ignoresEpochs: true }, /not in the bundle/],
    ['the comparison before each write', { ...quiet, aborts: true }, { withoutCompare: true }, /not in the bundle|the product refuses/],
  ];
  test.each(mutants)('without %s', (title, kind, sabotage, told) => {
    const { problem } = explore(`without ${title}`, kind, sabotage);
    expect(problem?.what).toMatch(told);
  });
});

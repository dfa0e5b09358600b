import { hash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  activeAuthority,
  decodeRecord,
  distrustSooner,
  encodeRecord,
  finishedRotation,
  finishRotation,
  hastenDistrust,
  makeEmergency,
  prepareIssuing,
  prepareRoot,
  prepareSuccessors,
  retireFrom,
  rootsOf,
  switchBack,
  switchTo,
  type AuthorityRecord,
  type Successors,
} from '../../src/authority/index.ts';
import { domain, hourMs, makeRecord, startMs, tools } from './record-bench.ts';

const specs = { root: { keyAlgorithm: 'ECDSAP256' as const, lifetimeMs: 1000 * hourMs }, issuing: { keyAlgorithm: 'ECDSAP256' as const, lifetimeMs: 100 * hourMs } };
const spring = { uid: 'uid-1', name: 'spring' };
const stolen = { uid: 'uid-2', name: 'stolen' };
const again = { uid: 'uid-3', name: 'again' };
const at = (hours: number): number => startMs + hours * hourMs;
const times = { distrustAtMs: at(6), leavesEndMs: at(4) };

let before: AuthorityRecord;
let prepared: AuthorityRecord;
let switched: AuthorityRecord;
let successors: readonly Successors[];

beforeAll(async () => {
  before = await makeRecord();
  successors = await Promise.all([1, 2, 3].map(async () => prepareSuccessors(before, 'Root', specs, at(1), tools)));
  prepared = prepareRoot(before, spring, nth(0), at(1));
  switched = switchTo(prepared, spring, at(4), at(2));
});

function nth(index: number): Successors {
  const found = successors[index];
  if (found === undefined) throw new RangeError(`no successors ${index}`);
  return found;
}

/** `B Retiring`: roots by letters in the order in which they were made; a plus for one that has a key. */
function roots(record: AuthorityRecord): readonly string[] {
  const letters = new Map([activeAuthority(before, 'Root'), ...successors.map(({ root }) => root)].map((root, index) => [root?.keyIdentifier, 'ABCD'[index]]));
  return record.authorities.filter(({ role }) => role === 'Root').map(({ keyIdentifier, state, privateKeyPem }) => `${letters.get(keyIdentifier) ?? '?'} ${state}${privateKeyPem === undefined ? '' : '+'}`);
}

/** Every record is one that the codec takes, and comes back the same. */
function survives(record: AuthorityRecord): void {
  const data = encodeRecord(record);
  const back = decodeRecord(data, domain, 'Secret x');
  expect(encodeRecord(back)).toEqual(data);
  expect([back.rotation, back.lastRotation]).toEqual([record.rotation, record.lastRotation]);
  expect(back.authorities.map(({ distrustAtMs }) => distrustAtMs)).toEqual(record.authorities.map(({ distrustAtMs }) => distrustAtMs));
  for (const role of ['Root', 'Issuing']) expect(record.authorities.filter((authority) => authority.role === role && authority.state === 'Active')).toHaveLength(1);
}

test('an emergency is one write, after which the old root has no key and both are in the bundle', () => {
  const record = makeEmergency(before, stolen, nth(0), times, at(2));
  expect(roots(record)).toEqual(['A Retiring', 'B Active+']);
  expect(record).toMatchObject({ signerEpoch: before.signerEpoch + 1, bundleGeneration: before.bundleGeneration + 1 });
  expect(record.rotation).toMatchObject({ mode: 'Emergency', distrustAtMs: at(6), switchedAtMs: at(2) });
  expect(record.rotation?.overtook).toBeUndefined();
  expect(makeEmergency(record, stolen, nth(0), times, at(9))).toBe(record);
  survives(record);
  expect(roots(retireFrom(record, stolen, [], at(6)))).toEqual(['B Active+']);
});

describe('an emergency beside a rotation that is under way', () => {
  test('before the switch drops what was prepared, whose key is in the same record, and begins', () => {
    const record = makeEmergency(prepared, stolen, nth(1), times, at(2));
    expect(roots(record)).toEqual(['A Retiring', 'C Active+']);
    expect(record).toMatchObject({ bundleGeneration: prepared.bundleGeneration + 1, bundleSequence: prepared.bundleSequence + 1n, signerEpoch: before.signerEpoch + 1 });
    const ended = finishedRotation(record, spring.uid);
    expect(ended).toMatchObject({ ...spring, outcome: 'Aborted', overtakenBy: 'stolen', finishedAtMs: at(2), switchedAtMs: undefined });
    expect(ended?.goneSha256).toBe(hash('sha256', nth(0).root?.certificate.der ?? new Uint8Array(), 'hex'));
    survives(record);
  });

  test('of an issuing authority drops what was prepared as well', async () => {
    const issuing = prepareIssuing(before, spring, await prepareSuccessors(before, 'Issuing', specs, at(1), tools), at(1));
    const record = makeEmergency(issuing, stolen, nth(1), times, at(2));
    expect(record.authorities.some(({ state }) => state === 'Prepared')).toBe(false);
    expect(record.authorities).toHaveLength(4);
    survives(record);
    const over = makeEmergency(switchTo(issuing, spring, at(4), at(2)), stolen, nth(1), times, at(3));
    expect(roots(over)).toEqual(['A Retiring', 'C Active+']);
    survives(over);
    expect(retireFrom(over, stolen, [], at(6)).authorities).toHaveLength(2);
  });

  test('after the switch makes another root, and every one before it goes with its key', () => {
    const record = makeEmergency(switched, stolen, nth(1), times, at(3));
    expect(roots(record)).toEqual(['A Retiring', 'B Retiring', 'C Active+']);
    survives(record);
    const retired = retireFrom(record, stolen, [], at(6));
    expect(roots(retired)).toEqual(['C Active+']);
    expect(retired.authorities).toHaveLength(2);
    const { keyIdentifier, certificate } = activeAuthority(before, 'Root');
    expect(retired.rotation?.goneBeside).toEqual({ [keyIdentifier]: hash('sha256', certificate.der, 'hex') });
    survives(retired);
    const finished = finishRotation(retired, stolen, 'Complete', at(7));
    expect(finishedRotation(finished, spring.uid)).toMatchObject({ overtakenBy: 'stolen' });
    survives(finished);
  });

  test('about the root that is being replaced keeps the new one, and names the time at which the old one goes', () => {
    const record = hastenDistrust(switched, stolen, at(6), at(3));
    expect(roots(record)).toEqual(['A Retiring', 'B Active+']);
    expect(record).toMatchObject({ signerEpoch: switched.signerEpoch, bundleGeneration: switched.bundleGeneration });
    expect(record.rotation).toMatchObject({ ...stolen, mode: 'Emergency', startedAtMs: at(3), distrustAtMs: at(6), switchEpoch: switched.signerEpoch });
    expect(finishedRotation(record, spring.uid)).toMatchObject({ overtakenBy: 'stolen', switchedAtMs: at(2) });
    expect(hastenDistrust(record, stolen, at(9), at(8))).toBe(record);
    survives(record);
  });

  test('on the way back keeps the root that was gone back to', async () => {
    const { issuing } = await prepareSuccessors({ ...switched, authorities: before.authorities }, 'Issuing', specs, at(3), tools);
    const record = hastenDistrust(switchBack(switched, spring, issuing, at(6), at(3)), stolen, at(5), at(4));
    expect(roots(record)).toEqual(['A Active+', 'B Retiring']);
    expect(record.rotation).toMatchObject({ direction: 'Forward' });
    survives(record);
    expect(roots(retireFrom(record, stolen, [], at(5)))).toEqual(['A Active+']);
  });

  test('that has retired the old root already is ended too', () => {
    const record = makeEmergency(retireFrom(switched, spring, [], at(5)), stolen, nth(1), times, at(5));
    expect(roots(record)).toEqual(['B Retiring', 'C Active+']);
    survives(record);
  });

  test('is never about what is only prepared', () => {
    expect(() => hastenDistrust(prepared, stolen, at(6), at(3))).toThrow(/invariant/u);
  });
});

describe('an emergency during the waiting of another', () => {
  const first = (): AuthorityRecord => makeEmergency(before, stolen, nth(0), { ...times, distrustAtMs: at(4) }, at(2));

  test('leaves what was named a time before that time', () => {
    const record = makeEmergency(first(), again, nth(1), times, at(3));
    expect(roots(record)).toEqual(['A Retiring', 'B Retiring', 'C Active+']);
    survives(record);
    expect(distrustSooner(record, again, at(4) - 1)).toBe(record);
    const sooner = distrustSooner(record, again, at(4));
    expect(roots(sooner)).toEqual(['B Retiring', 'C Active+']);
    expect(sooner).toMatchObject({ bundleGeneration: record.bundleGeneration + 1, bundleSequence: record.bundleSequence + 1n });
    expect(rootsOf(sooner)).toHaveLength(2);
    survives(sooner);
    expect(Object.keys(retireFrom(sooner, again, [], at(6)).rotation?.goneBeside ?? {})).toEqual([activeAuthority(before, 'Root').keyIdentifier]);
  });

  test('that is to be over sooner takes the others along', () => {
    const record = makeEmergency(first(), again, nth(1), { ...times, distrustAtMs: at(3.5) }, at(3));
    expect(record.authorities.every(({ distrustAtMs }) => distrustAtMs === undefined)).toBe(true);
    expect(roots(retireFrom(record, again, [], at(3.5)))).toEqual(['C Active+']);
  });

  test('about the same root never gives it more time', () => {
    expect(hastenDistrust(first(), again, at(9), at(3)).rotation?.distrustAtMs).toBe(at(4));
    expect(hastenDistrust(first(), again, at(3.5), at(3)).rotation?.distrustAtMs).toBe(at(3.5));
  });

  test('and a third: every time that was named holds, and each of those before knows by whom it was overtaken', () => {
    const second = makeEmergency(first(), again, nth(1), { ...times, distrustAtMs: at(5) }, at(3));
    const third = makeEmergency(second, { uid: 'uid-4', name: 'third' }, nth(2), { ...times, distrustAtMs: at(8) }, at(3.5));
    expect(roots(third)).toEqual(['A Retiring', 'B Retiring', 'C Retiring', 'D Active+']);
    expect([stolen, again].map(({ uid }) => finishedRotation(third, uid)?.overtakenBy)).toEqual(['again', 'third']);
    survives(third);
    expect(roots(distrustSooner(third, { uid: 'uid-4', name: 'third' }, at(4)))).toEqual(['B Retiring', 'C Retiring', 'D Active+']);
    expect(roots(distrustSooner(third, { uid: 'uid-4', name: 'third' }, at(5)))).toEqual(['C Retiring', 'D Active+']);
  });
});

import { hash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  acceptRestored,
  activeAuthority,
  adoptRotation,
  decodeRecord,
  dropPrepared,
  encodeRecord,
  finishRotation,
  prepareIssuing,
  prepareRoot,
  prepareSuccessors,
  renewPrepared,
  reserve,
  latestNotAfterMs,
  retireFrom,
  rootsOf,
  switchBack,
  switchTo,
  turnOverIssuing,
  type AuthorityRecord,
  type Successors,
} from '../../src/authority/index.ts';
import { domain, hourMs, makeRecord, startMs, tools } from './record-bench.ts';

const specs = { root: { keyAlgorithm: 'ECDSAP256' as const, lifetimeMs: 1000 * hourMs }, issuing: { keyAlgorithm: 'ECDSAP256' as const, lifetimeMs: 100 * hourMs } };
const names = { uid: 'uid-1', name: 'rotate-1' };
const others = { uid: 'uid-2', name: 'rotate-2' };
const at = (hours: number): number => startMs + hours * hourMs;

let before: AuthorityRecord;
let next: Successors;
let issuingOnly: Successors;
let prepared: AuthorityRecord;
let switched: AuthorityRecord;

beforeAll(async () => {
  before = await makeRecord();
  next = await prepareSuccessors(before, 'Root', specs, at(1), tools);
  issuingOnly = await prepareSuccessors(before, 'Issuing', specs, at(1), tools);
  prepared = prepareRoot(before, names, next, at(1));
  switched = switchTo(prepared, names, at(4), at(2));
});

const states = (record: AuthorityRecord): string[] => record.authorities.map(({ keyIdentifier, state, privateKeyPem }) => `${nameOf(keyIdentifier)} ${state}${privateKeyPem === undefined ? '' : ' with key'}`);

function nameOf(keyIdentifier: string): string {
  const known: Record<string, string> = {
    [activeAuthority(before, 'Root').keyIdentifier]: 'old root',
    [activeAuthority(before, 'Issuing').keyIdentifier]: 'old issuing',
    [next.root?.keyIdentifier ?? '']: 'new root',
    [next.issuing.keyIdentifier]: 'new issuing',
    [issuingOnly.issuing.keyIdentifier]: 'other issuing',
  };
  return known[keyIdentifier] ?? 'another';
}

/** Every record is one that the codec takes, and comes back the same. */
function survives(record: AuthorityRecord): void {
  const data = encodeRecord(record);
  expect(encodeRecord(decodeRecord(data, domain, 'Secret x'))).toEqual(data);
  expect(decodeRecord(data, domain, 'Secret x').rotation).toEqual(record.rotation);
  expect(decodeRecord(data, domain, 'Secret x').lastRotation).toEqual(record.lastRotation);
}

describe('the rotation of a root', () => {
  test('begins with a new root in the bundle that signs nothing', () => {
    expect(states(prepared)).toEqual(['old root Active with key', 'old issuing Active with key', 'new root Prepared with key', 'new issuing Prepared with key']);
    expect(rootsOf(prepared)).toHaveLength(2);
    expect(prepared).toMatchObject({ signerEpoch: before.signerEpoch, bundleGeneration: before.bundleGeneration + 1, bundleSequence: before.bundleSequence + 1n });
    expect(prepared.rotation).toMatchObject({ ...names, what: 'Root', direction: 'Forward', from: activeAuthority(before, 'Root').keyIdentifier, to: next.root?.keyIdentifier });
    survives(prepared);
  });

  test('switches in one write: the old root keeps its key for the way back, the old issuing authority loses it', () => {
    expect(states(switched)).toEqual(['old root Retiring with key', 'old issuing Retiring', 'new root Active with key', 'new issuing Active with key']);
    expect(switched).toMatchObject({ signerEpoch: before.signerEpoch + 1, bundleGeneration: prepared.bundleGeneration });
    expect(switched.rotation).toMatchObject({ switchedAtMs: at(2), switchEpoch: before.signerEpoch + 1, leavesEndMs: at(4) });
    survives(switched);
  });

  test('ends without the old root, its key, and what it signed', () => {
    const retired = retireFrom(switched, names, [], at(5));
    expect(states(retired)).toEqual(['new root Active with key', 'new issuing Active with key']);
    expect(retired).toMatchObject({ bundleGeneration: switched.bundleGeneration + 1, bundleSequence: switched.bundleSequence + 1n });
    expect(Object.keys(encodeRecord(retired)).filter((file) => file.endsWith('.key'))).toHaveLength(2);
    survives(retired);
    const finished = finishRotation(retired, names, 'Complete', at(6));
    expect(finished.rotation).toBeUndefined();
    // The certificate that is gone is known by its digest, for the receipt.
    const gone = before.authorities.find(({ role }) => role === 'Root')?.certificate.der ?? new Uint8Array();
    expect(finished.lastRotation?.goneSha256).toBe(hash('sha256', gone, 'hex'));
    expect(finished.lastRotation).toMatchObject({ ...names, outcome: 'Complete', finishedAtMs: at(6), retiredAtMs: at(5) });
    survives(finished);
  });

  test('does not retire what is still needed, and names the object (L11)', () => {
    expect(() => retireFrom(switched, names, ['Secret shop/cart-mtls', 'Secret shop/pay-mtls'], at(5))).toThrow(/still needed by Secret shop\/cart-mtls and 1 more/u);
  });

  test('does not retire what is in use, nor drop what has taken over', () => {
    expect(() => retireFrom(prepared, names, [], at(5))).toThrow(/invariant/u);
    expect(() => dropPrepared(switched, names, at(5))).toThrow(/invariant/u);
    expect(() => finishRotation(switched, names, 'Complete', at(5))).toThrow(/invariant/u);
  });

  test('keeps what leaves of the old authority were reserved, after the switch as well', () => {
    const { keyIdentifier } = activeAuthority(prepared, 'Issuing');
    const reserved = reserve(prepared, keyIdentifier, 'pod-certificate', at(9)) as AuthorityRecord;
    const over = switchTo(reserved, names, at(4), at(2));
    const old = over.authorities.find((authority) => authority.keyIdentifier === keyIdentifier);
    expect(old === undefined ? undefined : latestNotAfterMs(old)).toBeGreaterThanOrEqual(at(9));
    expect(reserve(over, keyIdentifier, 'pod-certificate', at(20))).toBeUndefined();
    survives(over);
  });
});

describe('an abort', () => {
  test('before the switch drops what was prepared and is remembered', () => {
    const dropped = dropPrepared(prepared, names, at(2));
    expect(states(dropped)).toEqual(states(before));
    expect(dropped).toMatchObject({ signerEpoch: before.signerEpoch, bundleGeneration: prepared.bundleGeneration + 1, lastRotation: { ...names, outcome: 'Aborted' } });
    expect(dropped.rotation).toBeUndefined();
    survives(dropped);
  });

  test('after it makes the old root active again, with both roots in the bundle', async () => {
    const { issuing } = await prepareSuccessors({ ...switched, authorities: before.authorities }, 'Issuing', specs, at(3), tools);
    const back = switchBack(switched, names, issuing, at(6), at(3));
    expect(states(back)).toEqual(['old root Active with key', 'old issuing Retiring', 'new root Retiring with key', 'new issuing Retiring', 'another Active with key']);
    expect(back).toMatchObject({ signerEpoch: switched.signerEpoch + 1, bundleGeneration: switched.bundleGeneration });
    expect(back.rotation).toMatchObject({ direction: 'Back', from: next.root?.keyIdentifier, to: activeAuthority(before, 'Root').keyIdentifier, switchedAtMs: at(3), leavesEndMs: at(6) });
    expect(switchBack(back, names, issuing, at(9), at(8))).toBe(back);
    survives(back);
    const retired = retireFrom(back, names, [], at(7));
    expect(states(retired)).toEqual(['old root Active with key', 'old issuing Retiring', 'another Active with key']);
    survives(finishRotation(retired, names, 'Aborted', at(8)));
  });
});

describe('the rotation of an issuing authority', () => {
  test('changes no bundle at any step', () => {
    const ready = prepareIssuing(before, names, issuingOnly, at(1));
    const over = switchTo(ready, names, at(4), at(2));
    const retired = retireFrom(over, names, [], at(5));
    for (const record of [ready, over, retired]) {
      expect(record.bundleGeneration).toBe(before.bundleGeneration);
      survives(record);
    }
    expect(states(over)).toEqual(['old root Active with key', 'old issuing Retiring', 'other issuing Active with key']);
    expect(states(retired)).toEqual(['old root Active with key', 'other issuing Active with key']);
    expect(dropPrepared(ready, names, at(2))).toMatchObject({ bundleGeneration: before.bundleGeneration, authorities: before.authorities });
  });

  test('goes on when an issuing authority had its turn meanwhile', async () => {
    const ready = prepareIssuing(before, names, issuingOnly, at(1));
    const turned = await turnOverIssuing(ready, specs.issuing, 0, at(1), tools);
    const over = switchTo(turned, names, at(4), at(2));
    expect(activeAuthority(over, 'Issuing').keyIdentifier).toBe(issuingOnly.issuing.keyIdentifier);
    expect(states(over).filter((state) => state.startsWith('another'))).toEqual(['another Retiring']);
    survives(over);
  });

  test('cannot be switched back', () => {
    const over = switchTo(prepareIssuing(before, names, issuingOnly, at(1)), names, at(4), at(2));
    expect(() => switchBack(over, names, issuingOnly.issuing, at(5), at(3))).toThrow(/invariant/u);
  });
});

describe('every step', () => {
  test('that is repeated changes nothing', () => {
    const retired = retireFrom(switched, names, [], at(5));
    const finished = finishRotation(retired, names, 'Complete', at(6));
    const dropped = dropPrepared(prepared, names, at(2));
    expect(prepareRoot(prepared, names, next, at(9))).toBe(prepared);
    expect(prepareIssuing(prepared, names, next, at(9))).toBe(prepared);
    expect(switchTo(switched, names, at(9), at(9))).toBe(switched);
    expect(retireFrom(retired, names, ['Secret a/b'], at(9))).toBe(retired);
    expect(finishRotation(finished, names, 'Complete', at(9))).toBe(finished);
    expect(dropPrepared(dropped, names, at(9))).toBe(dropped);
    expect(renewPrepared(switched, names, next.issuing)).toBe(switched);
  });

  test('of another rotation is refused while one is under way', () => {
    expect(() => prepareRoot(prepared, others, next, at(2))).toThrow(/CARotation rotate-1 is under way/u);
    expect(() => switchTo(prepared, others, at(4), at(2))).toThrow(/not the one under way/u);
    expect(() => retireFrom(switched, others, [], at(5))).toThrow(/not the one under way/u);
    expect(dropPrepared(prepared, others, at(2))).toBe(prepared);
  });
});

test('an issuing authority that waited for too long is replaced before it signs', async () => {
  const { issuing } = await prepareSuccessors(before, 'Issuing', specs, at(2), tools);
  const ready = prepareIssuing(before, names, issuingOnly, at(1));
  const renewed = renewPrepared(ready, names, issuing);
  expect(renewed.rotation).toMatchObject({ to: issuing.keyIdentifier, toIssuing: issuing.keyIdentifier });
  expect(states(renewed)).toEqual(['old root Active with key', 'old issuing Active with key', 'another Prepared with key']);
  survives(renewed);
});

test('a CARotation that was made anew under its name goes on', () => {
  const adopted = adoptRotation(switched, { ...names, uid: 'uid-9' });
  expect(adopted.rotation).toEqual({ ...switched.rotation, uid: 'uid-9' });
  expect(() => adoptRotation(switched, others)).toThrow(/same name/u);
});

test('a restored record that is accepted goes on from the newest counters', () => {
  const accepted = acceptRestored(before, { signerEpoch: 7, bundleGeneration: 5 });
  expect(accepted).toMatchObject({ signerEpoch: 8, bundleGeneration: 6, bundleSequence: before.bundleSequence + BigInt(6 - before.bundleGeneration) });
});

test('a record with a rotation under way is of a layout that earlier versions refuse, and without one of theirs', () => {
  const layout = (record: AuthorityRecord): number => (JSON.parse(Buffer.from(encodeRecord(record)['record.json'] ?? '', 'base64').toString('utf8')) as { version: number }).version;
  expect(layout(before)).toBe(1);
  expect(layout(prepared)).toBe(2);
  expect(layout(dropPrepared(prepared, names, at(2)))).toBe(1);
});

import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { activeAuthority, decodeRecord, encodeRecord, latestNotAfterMs, raiseReservations, reserve, reservedMs, turnOverIssuing, type AuthorityRecord } from '../../src/authority/index.ts';
import { domain, hourMs, makeRecord, startMs, tools } from './record-bench.ts';

const channel = 'pod-certificate';
let record: AuthorityRecord;
let signer: string;

beforeAll(async () => {
  record = await makeRecord();
  signer = activeAuthority(record, 'Issuing').keyIdentifier;
});

const stepMs = hourMs / 6;

function reserved(from: AuthorityRecord): number {
  return reservedMs(activeAuthority(from, 'Issuing'), channel) ?? 0;
}

test('a reservation covers what was wanted, by ten to twenty minutes more, and never goes back', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100 * hourMs }), { minLength: 1, maxLength: 20 }), (ends) => {
      let current = record;
      for (const end of ends) {
        const before = reserved(current);
        current = reserve(current, signer, channel, startMs + end) ?? record;
        expect(reserved(current)).toBeGreaterThanOrEqual(Math.max(before, startMs + end));
        if (reserved(current) !== before) expect(reserved(current) - (startMs + end)).toBeGreaterThan(stepMs);
        expect(reserved(current) - (startMs + Math.max(...ends))).toBeLessThanOrEqual(2 * stepMs);
      }
    }),
  );
});

test('a herd that is covered changes nothing: the record stays the same value', () => {
  const first = reserve(record, signer, channel, startMs + hourMs);
  if (first === undefined) throw new Error('refused');
  expect(reserve(first, signer, channel, startMs + hourMs + stepMs)).toBe(first);
  expect(reserve(record, signer, channel, startMs + hourMs + 1)).toEqual(first);
});

test('nothing is reserved for an authority that signs no leaves, or no longer', async () => {
  const held = reserve(record, signer, channel, startMs + hourMs) ?? record;
  const next = await turnOverIssuing(held, { keyAlgorithm: 'ECDSAP256', lifetimeMs: 8 * hourMs }, 0, startMs, tools);
  expect(reserve(next, signer, channel, startMs + 9 * hourMs)).toBeUndefined();
  expect(reserve(record, activeAuthority(record, 'Root').keyIdentifier, channel, startMs)).toBeUndefined();
  expect(reserve(record, 'nobody', channel, startMs)).toBeUndefined();
  // What it may have signed stays with it, and only with it.
  expect(next.authorities.map((authority) => latestNotAfterMs(authority))).toEqual([undefined, reserved(held), undefined]);
});

test('a reservation is kept with the record, and a record without one reads as before', () => {
  const held = reserve(record, signer, channel, startMs + hourMs) ?? record;
  const read = decodeRecord(encodeRecord(held), domain, 'Secret x');
  expect(reserved(read)).toBe(reserved(held));
  expect(encodeRecord(read)).toEqual(encodeRecord(held));
  expect(decodeRecord(encodeRecord(record), domain, 'Secret x').authorities.every((authority) => latestNotAfterMs(authority) === undefined)).toBe(true);
});

/** What somebody knows of authorities below the root of the record. */
const known = (ends: Readonly<Record<string, Readonly<Record<string, number>>>>): Parameters<typeof raiseReservations>[1] =>
  new Map(Object.entries(ends).map(([name, each]) => [name, { root: activeAuthority(record, 'Root').keyIdentifier, ends: each }]));

test('what is known from elsewhere raises ends and never lowers one, and comes back from what is stored', () => {
  const first = reserve(record, signer, channel, startMs + hourMs) ?? record;
  expect(raiseReservations(first, new Map(), startMs)).toBe(first);
  expect(raiseReservations(first, known({ [signer]: { [channel]: reserved(first) } }), startMs)).toBe(first);
  const raised = raiseReservations(first, known({ [signer]: { [channel]: startMs, csr: startMs + 2 * hourMs } }), startMs);
  expect(activeAuthority(raised, 'Issuing').reserved).toEqual({ [channel]: reserved(first), csr: startMs + 2 * hourMs });
  expect(latestNotAfterMs(activeAuthority(raised, 'Issuing'))).toBe(startMs + 2 * hourMs);
  expect(decodeRecord(encodeRecord(raised), domain, 'the record')).toEqual(raised);
});

test('an authority that retired is raised like one that signs: it signed before that', async () => {
  const first = reserve(record, signer, channel, startMs + hourMs) ?? record;
  const turned = await turnOverIssuing(record, { keyAlgorithm: 'ECDSAP256', lifetimeMs: 8 * hourMs }, 0, startMs, tools);
  const raised = raiseReservations(turned, known({ [signer]: { [channel]: reserved(first) } }), startMs);
  expect(raised.authorities.find(({ keyIdentifier }) => keyIdentifier === signer)?.reserved).toEqual({ [channel]: reserved(first) });
});

test('what was reserved for an authority that a restore took away passes to one below the same root, as long as it matters', () => {
  const raised = raiseReservations(record, known({ lost: { csr: startMs + 2 * hourMs } }), startMs);
  expect(activeAuthority(raised, 'Issuing').reserved).toEqual({ csr: startMs + 2 * hourMs });
  expect(raiseReservations(raised, known({ lost: { csr: startMs + 2 * hourMs } }), startMs)).toBe(raised);
  // One that was dropped in due course has nothing left but the coarseness of its reservation.
  expect(raiseReservations(record, known({ lost: { csr: startMs + 2 * stepMs } }), startMs)).toBe(record);
  expect(raiseReservations(record, new Map([['lost', { root: 'another', ends: { csr: startMs + 2 * hourMs } }]]), startMs)).toBe(record);
});

import { beforeAll, expect, test } from 'vitest';
import { activeAuthority, decodeRecord, dropRetired, encodeRecord, turnOverIssuing, type AuthorityRecord } from '../../src/authority/index.ts';
import { isMtlsdError } from '../../src/errors/index.ts';
import { domain, hourMs, makeRecord, startMs, tools } from './record-bench.ts';

let record: AuthorityRecord;
let data: Record<string, string>;

beforeAll(async () => {
  const spec = { keyAlgorithm: 'ECDSAP256' as const, lifetimeMs: 8 * hourMs };
  record = await turnOverIssuing(await makeRecord(), spec, 0, startMs + 4 * hourMs, tools);
  data = encodeRecord(record);
});

function decodeOutcome(damaged: Record<string, string>): AuthorityRecord | { readonly code: string; readonly message: string } {
  try {
    return decodeRecord(damaged, domain, 'Secret x');
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    return { code: error.code, message: error.message };
  }
}

test('decoding what was encoded gives the same record', () => {
  expect(encodeRecord(decodeRecord(data, domain, 'Secret x'))).toEqual(data);
});

test('damage to any byte of record.json gives no record, or the very same one, never another', () => {
  const text = Buffer.from(data['record.json'] ?? '', 'base64');
  const whole = JSON.stringify(encodeRecord(record));
  for (let at = 0; at < text.length; at += 1) {
    const damaged = Buffer.from(text);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    const outcome = decodeOutcome({ ...data, 'record.json': damaged.toString('base64') });
    if ('code' in outcome) expect(['AUTHORITY_RECORD_DAMAGED', 'AUTHORITY_RECORD_NEWER']).toContain(outcome.code);
    else expect(JSON.stringify(encodeRecord(outcome)) === whole, `byte ${at}`).toBe(true);
  }
});

test('cut off anywhere, record.json is damaged, unless only its last newline is gone', () => {
  const text = Buffer.from(data['record.json'] ?? '', 'base64');
  for (let length = 0; length < text.length - 2; length += 7) {
    expect(decodeOutcome({ ...data, 'record.json': text.subarray(0, length).toString('base64') })).toMatchObject({ code: 'AUTHORITY_RECORD_DAMAGED' });
  }
});

test('a missing, damaged or swapped key is told without a part of it', () => {
  const names = Object.keys(data).filter((name) => name.endsWith('.key'));
  const [one = '', other = ''] = names;
  const broken = Buffer.from((data[one] ?? '').slice(0, 80), 'base64').toString('base64');
  for (const damaged of [{ ...data, [one]: broken }, { ...data, [one]: data[other] ?? '' }, Object.fromEntries(Object.entries(data).filter(([name]) => name !== one))]) {
    const outcome = decodeOutcome(damaged);
    expect(outcome).toMatchObject({ code: 'AUTHORITY_RECORD_DAMAGED' });
    const text = 'message' in outcome ? outcome.message : '';
    expect(text).toMatch(/restore Secret x from a backup/u);
    for (const name of names) expect(text).not.toContain(Buffer.from(data[name] ?? '', 'base64').toString('utf8').split('\n')[1]);
  }
});

test('a newer layout is told as such', () => {
  const encoded = JSON.parse(Buffer.from(data['record.json'] ?? '', 'base64').toString('utf8')) as object;
  const newer = Buffer.from(JSON.stringify({ ...encoded, version: 4 })).toString('base64');
  expect(decodeOutcome({ ...data, 'record.json': newer })).toMatchObject({ code: 'AUTHORITY_RECORD_NEWER' });
});

test('a turn-over raises the epoch, takes the old key away at once and leaves the bundle alone; a drop leaves no trace', async () => {
  const before = await makeRecord();
  expect([record.signerEpoch, record.bundleGeneration]).toEqual([before.signerEpoch + 1, before.bundleGeneration]);
  const retired = record.authorities.filter(({ state }) => state === 'Retiring');
  expect(retired.map(({ privateKeyPem }) => privateKeyPem)).toEqual([undefined]);
  expect(dropRetired(record, new Set(retired.map(({ keyIdentifier }) => keyIdentifier))).authorities).toHaveLength(2);
  expect(() => dropRetired(record, new Set([activeAuthority(record, 'Issuing').keyIdentifier]))).toThrow(/invariant/u);
});

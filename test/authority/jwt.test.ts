/** JWT authorities in a record: what comes back is what was written, and nothing damaged passes. */
import { beforeAll, expect, test } from 'vitest';
import {
  activateJwtAuthority,
  decodeRecord,
  dropJwtAuthorities,
  encodeRecord,
  noteJwtAuthorities,
  prepareJwtAuthority,
  withFirstJwtAuthority,
  type AuthorityRecord,
} from '../../src/authority/index.ts';
import { isMtlsdError } from '../../src/errors/index.ts';
import { domain, makeRecord, startMs, tools } from './record-bench.ts';

let record: AuthorityRecord;
let data: Record<string, string>;

/** One key of each state: two have a private half. */
beforeAll(async () => {
  const first = await withFirstJwtAuthority(await makeRecord(), 'ES256', startMs, tools);
  const prepared = await prepareJwtAuthority(first, 'RS256', tools);
  const active = activateJwtAuthority(noteJwtAuthorities(prepared, prepared.jwt, startMs + 1000), startMs + 2000);
  record = await prepareJwtAuthority(active, 'ES256', tools);
  data = encodeRecord(record);
});

const decode = (changed: Record<string, string>): AuthorityRecord => decodeRecord(changed, domain, 'Secret x');

function damaged(changed: Record<string, string>): string {
  try {
    decode(changed);
    return 'accepted';
  } catch (error) {
    if (!isMtlsdError(error, 'AUTHORITY_RECORD_DAMAGED')) throw error;
    return error.message;
  }
}

test('decoding what was encoded gives the same record, in a layout that versions without tokens refuse', () => {
  expect(decode(data)).toEqual(record);
  expect(encodeRecord(decode(data))).toEqual(data);
  expect(JSON.parse(Buffer.from(data['record.json'] ?? '', 'base64').toString('utf8'))).toMatchObject({ version: 3, jwt: { sequence: 3 } });
  expect(record.jwt?.keys.map(({ state }) => state)).toEqual(['Retiring', 'Active', 'Prepared']);
  expect(Object.keys(data).filter((file) => file.startsWith('jwt-'))).toHaveLength(2);
});

test('no private key stands in record.json, nor outlives its duty', () => {
  expect(Buffer.from(data['record.json'] ?? '', 'base64').toString('utf8')).not.toContain('PRIVATE KEY');
  const [retiring] = record.jwt?.keys ?? [];
  expect(retiring).toMatchObject({ state: 'Retiring', privateKeyPem: undefined });
  expect(data[`jwt-${retiring?.keyIdentifier}.key`]).toBeUndefined();
});

test('a missing, damaged or swapped key is told without a part of it', () => {
  const [one = '', other = ''] = Object.keys(data).filter((file) => file.startsWith('jwt-'));
  const { [one]: _gone, ...without } = data;
  for (const changed of [without, { ...data, [one]: data[other] ?? '' }, { ...data, [one]: (data[one] ?? '').slice(0, 80) }]) {
    const text = damaged(changed);
    expect(text).toMatch(/restore Secret x from a backup/u);
    for (const file of [one, other]) expect(text).not.toContain(Buffer.from(data[file] ?? '', 'base64').toString('utf8').split('\n')[1]);
  }
});

test('damage to any byte of record.json gives no record, or the very same one', () => {
  const text = Buffer.from(data['record.json'] ?? '', 'base64');
  const from = text.indexOf('"jwt"');
  for (let at = from; at < text.length; at += 1) {
    const changed = Buffer.from(text);
    changed[at] = (changed[at] ?? 0) ^ 1;
    const file = { ...data, 'record.json': changed.toString('base64') };
    if (damaged(file) === 'accepted') expect(encodeRecord(decode(file))).toEqual(data);
  }
});

test('only a key that nothing depends on is dropped, and none signs that was never published', async () => {
  const [retiring, active] = record.jwt?.keys ?? [];
  expect(() => dropJwtAuthorities(record, new Set([active?.keyIdentifier ?? '']))).toThrow(/invariant/u);
  const dropped = dropJwtAuthorities(record, new Set([retiring?.keyIdentifier ?? ''])).jwt;
  expect([dropped?.sequence, dropped?.keys.length]).toEqual([4, 2]);
  expect(() => activateJwtAuthority(record, startMs)).toThrow(/invariant/u);
  await expect(withFirstJwtAuthority(record, 'ES256', startMs, tools)).rejects.toThrow(/invariant/u);
});

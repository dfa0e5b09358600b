/** What we serve to others, and how long a rotation waits until they have fetched it. */
import { describe, expect, test } from 'vitest';
import { bundleReaders } from '../../../src/controllers/federation/readers.ts';
import { ServedHints } from '../../../src/controllers/federation/served-hints.ts';
import { servedBundle } from '../../../src/controllers/index.ts';
import type { DomainState } from '../../../src/controllers/index.ts';
import { parseSpiffeBundle, parseTrustDomainName } from '../../../src/spiffe/index.ts';
import { activeAuthority, decodeRecord, type AuthorityRecord } from '../../../src/authority/index.ts';
import { record, startBench } from '../bench.ts';

const name = parseTrustDomainName('a.example');

async function domain(spec: DomainState['object']['spec'] = {}): Promise<DomainState> {
  const bench = await startBench(spec);
  const secret = record(bench);
  const object = bench.world.store.peek({ kind: 'TrustDomain', name });
  if (secret === undefined || object === undefined) throw new Error('no trust domain');
  return { object, isDefault: false, policy: undefined, issuer: undefined, bundle: undefined, problem: undefined, record: decodeRecord(secret.data, name, 'the record') };
}

test('a bundle has the roots, the sequence, and a hint as quick as the consumers of the trust domain', async () => {
  const state = await domain();
  const read = (served: ReturnType<typeof servedBundle>) => parseSpiffeBundle(served?.document ?? '', name).bundle;
  expect(read(servedBundle(state))).toMatchObject({ sequence: state.record?.bundleSequence, refreshHintSeconds: 300, jwtKeys: [] });
  expect(read(servedBundle(state)).x509Roots).toHaveLength(1);
  expect(servedBundle({ ...state, record: undefined })).toBeUndefined();
  for (const [propagationBound, hint] of [['0s', 10], ['90s', 90], ['24h', 300]] as const) {
    expect(read(servedBundle(await domain({ rotation: { propagationBound } }))).refreshHintSeconds).toBe(hint);
  }
});

test('a rotation waits five hints for readers, whether any was seen or not', async () => {
  const state = await domain();
  const rotation = {} as NonNullable<NonNullable<DomainState['record']>['rotation']>;
  expect(bundleReaders(state, 7)).toEqual([]);
  expect(bundleReaders({ ...state, record: undefined }, 7)).toEqual([]);
  const rotating = { ...state, record: state.record && { ...state.record, rotation } };
  expect(bundleReaders(rotating, 7)).toEqual([{ name: 'readers of the bundle endpoint', generation: (state.record?.bundleGeneration ?? 0) - 1, fetchesWithinMs: 1_500_000, servedSinceMs: 7 }]);
});

test('by the longest hint that any of them may go by: the one in the record, or the one of now, or the longest there is', async () => {
  const state = await domain({ rotation: { propagationBound: '20s' } });
  const waitsMs = (hintSeconds?: number): number | undefined => {
    const rotation = { hintSeconds } as NonNullable<NonNullable<DomainState['record']>['rotation']>;
    return bundleReaders({ ...state, record: state.record && { ...state.record, rotation } }, 0)[0]?.fetchesWithinMs;
  };
  expect([waitsMs(90), waitsMs(10), waitsMs()]).toEqual([450_000, 100_000, 1_500_000]);
});

describe('hints that were told', () => {
  const minuteMs = 60_000;
  const at = async (propagationBound: string, metadata: Partial<DomainState['object']['metadata']> = {}): Promise<DomainState> => {
    const state = await domain({ rotation: { propagationBound } });
    return { ...state, object: { ...state.object, metadata: { ...state.object.metadata, ...metadata } } };
  };
  const born = async (): Promise<number> => activeAuthority((await at('1m')).record as AuthorityRecord, 'Root').certificate.notBeforeMs + 60_000;

  test('count for as long as somebody may go by them', async () => {
    const startMs = await born();
    const hints = new ServedHints(startMs);
    const [long, short] = [await at('2m', { generation: 7 }), await at('10s', { generation: 8 })];
    hints.note(long, startMs);
    hints.note(short, startMs + 60 * minuteMs);
    expect(hints.longestSeconds(short, startMs + 61 * minuteMs)).toBe(120);
    expect(hints.longestSeconds(short, startMs + 84 * minuteMs)).toBe(120);
    expect(hints.longestSeconds(short, startMs + 86 * minuteMs)).toBe(10);
  });

  test('before this process began are not known, and count as the longest there is until nobody can go by them', async () => {
    const startMs = (await born()) + 60 * minuteMs;
    const hints = new ServedHints(startMs);
    const domainNow = await at('10s', { generation: 2 });
    expect(hints.longestSeconds(domainNow, startMs)).toBe(300);
    expect(hints.toldSeconds(domainNow, startMs)).toBe(10);
    expect(hints.longestSeconds(domainNow, startMs + 24 * minuteMs)).toBe(300);
    expect(hints.longestSeconds(domainNow, startMs + 25 * minuteMs)).toBe(10);
  });

  test('are known of a trust domain that is no older than this process, or was never changed', async () => {
    const bornMs = await born();
    expect(new ServedHints(bornMs).longestSeconds(await at('10s', { generation: 2 }), bornMs + 1)).toBe(10);
    const unchanged = await at('10s', { generation: 1, creationTimestamp: new Date(bornMs - 1000).toISOString() });
    expect(new ServedHints(bornMs + minuteMs).longestSeconds(unchanged, bornMs + minuteMs)).toBe(10);
    // Made anew under an authority that was there before it.
    const anew = await at('10s', { generation: 1, creationTimestamp: new Date(bornMs + 1000).toISOString() });
    expect(new ServedHints(bornMs + minuteMs).longestSeconds(anew, bornMs + minuteMs)).toBe(300);
  });
});

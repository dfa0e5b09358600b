/** What we serve to others, and how long a rotation waits until they have fetched it. */
import { expect, test } from 'vitest';
import { bundleReaders } from '../../../src/controllers/federation/readers.ts';
import { servedBundle } from '../../../src/controllers/index.ts';
import type { DomainState } from '../../../src/controllers/index.ts';
import { parseSpiffeBundle, parseTrustDomainName } from '../../../src/spiffe/index.ts';
import { decodeRecord } from '../../../src/authority/index.ts';
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
  expect(bundleReaders(state)).toEqual([]);
  expect(bundleReaders({ ...state, record: undefined })).toEqual([]);
  const rotating = { ...state, record: state.record && { ...state.record, rotation } };
  expect(bundleReaders(rotating)).toEqual([{ name: 'readers of the bundle endpoint', generation: (state.record?.bundleGeneration ?? 0) - 1, fetchesWithinMs: 1_500_000 }]);
});

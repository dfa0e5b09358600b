import { beforeAll, describe, expect, test } from 'vitest';
import { activeAuthority, bundleSha256, dropPrepared, finishRotation, prepareRoot, prepareSuccessors, retireFrom, switchTo, type AuthorityRecord } from '../../src/authority/index.ts';
import { receiptDocument } from '../../src/controllers/receipts/document.ts';
import type { CARotation } from '../../src/resources/index.ts';
import { hourMs, makeRecord, startMs, tools } from '../authority/record-bench.ts';

const specs = { root: { keyAlgorithm: 'ECDSAP256' as const, lifetimeMs: 1000 * hourMs }, issuing: { keyAlgorithm: 'ECDSAP256' as const, lifetimeMs: 100 * hourMs } };
const names = { uid: 'uid-1', name: 'spring' };
const at = (hours: number): number => startMs + hours * hourMs;
const time = (hours: number): string => new Date(at(hours)).toISOString();

let before: AuthorityRecord;
let prepared: AuthorityRecord;
let complete: AuthorityRecord;
let aborted: AuthorityRecord;

beforeAll(async () => {
  before = await makeRecord();
  prepared = prepareRoot(before, names, await prepareSuccessors(before, 'Root', specs, at(1), tools), at(1));
  complete = finishRotation(retireFrom(switchTo(prepared, names, at(4), at(2)), names, [], at(5)), names, 'Complete', at(6));
  aborted = dropPrepared(prepared, names, at(2));
});

const rootOf = (record: AuthorityRecord): string => activeAuthority(record, 'Root').keyIdentifier;

function rotation(status: CARotation['status'], spec: Partial<CARotation['spec']> = {}): CARotation {
  return {
    apiVersion: 'mtlsd.io/v1alpha1',
    kind: 'CARotation',
    metadata: { ...names, resourceVersion: '1', creationTimestamp: time(1) },
    spec: { trustDomain: 'shop.example', what: 'Root', fromAuthority: rootOf(before), ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

describe('what a rotation came to', () => {
  test('has every root with its digest, the one that is gone too, and the bundles that led there', () => {
    const status = { phase: 'Complete', startedAt: time(1), finishedAt: time(6), fromAuthority: rootOf(before), toAuthority: rootOf(complete), reissued: 7 } as const;
    const document = receiptDocument(rotation(status, { exemptions: [{ kind: 'Pod', namespace: 'shop', name: 'till-0', reason: 'old', until: time(9) }], approved: ['Canary'] }), complete);
    expect(document?.rotation).toMatchObject({ name: 'spring', uid: 'uid-1', outcome: 'Completed', mode: 'Graceful', startedAt: time(1), endedAt: time(6) });
    const roots = document?.authorities.filter(({ role }) => role === 'Root');
    expect(roots?.map(({ keyIdentifier, part, state }) => [keyIdentifier, part, state])).toEqual([[rootOf(before), 'from', 'Gone'], [rootOf(complete), 'to', 'Active']]);
    expect(roots?.every(({ certificateSha256 }) => /^[0-9a-f]{64}$/u.test(certificateSha256 ?? ''))).toBe(true);
    expect(document?.bundles).toEqual([{ generation: 1 }, { generation: 2, roots: [rootOf(before), rootOf(complete)].sort() }, { generation: 3, roots: [rootOf(complete)], sha256: bundleSha256(complete) }]);
    expect(document?.counts).toEqual({ reissued: 7, targetsWritten: 0, stragglers: 0, exempted: 0 });
    expect(document?.exemptions).toEqual([{ object: 'Pod shop/till-0', reason: 'old', until: time(9) }]);
    expect(document?.approvals).toEqual(['Canary']);
  });

  test('that was given up names the root that was dropped', () => {
    const to = prepared.rotation?.to ?? '';
    const document = receiptDocument(rotation({ phase: 'Aborted', startedAt: time(1), finishedAt: time(2), fromAuthority: rootOf(before), toAuthority: to }), aborted);
    expect(document?.rotation.outcome).toBe('Aborted');
    expect(document?.authorities.filter(({ role }) => role === 'Root').map(({ keyIdentifier, part, state }) => [keyIdentifier, part, state])).toEqual([[to, 'to', 'Gone'], [rootOf(before), 'from', 'Active']]);
    expect(document?.authorities[0]?.certificateSha256).toMatch(/^[0-9a-f]{64}$/u);
  });

  test('keeps gates with their evidence, times and who was left behind', () => {
    const gates = [
      { name: 'Written', phase: 'Distribute', state: 'Passed', evidence: ['observed'], done: 9, total: 9, since: time(1) },
      { name: 'Loaded', phase: 'Confirm', state: 'Waiting', done: 1, total: 2, exempted: 1, since: time(2), stragglers: [{ kind: 'Node', name: 'worker', reason: 'away' }], stragglerCount: 1 },
    ] as const;
    const document = receiptDocument(rotation({ phase: 'Aborted', startedAt: time(1), gates, phases: [{ phase: 'Aborted', startedAt: time(3) }] }), aborted);
    expect(document?.gates).toEqual([
      { name: 'Written', phase: 'Distribute', state: 'Passed', evidence: ['observed'], done: 9, total: 9, passedAt: time(1) },
      { name: 'Loaded', phase: 'Confirm', state: 'Waiting', evidence: [], done: 1, total: 2, since: time(2), stragglers: ['Node worker'] },
    ]);
    expect(document?.counts).toEqual({ reissued: 0, targetsWritten: 9, stragglers: 1, exempted: 1 });
    expect(document?.rotation.endedAt).toBe(time(3));
  });

  test.each([['never began', { phase: 'Superseded' }], ['has not ended', { phase: 'Drain', startedAt: '2026-01-01T00:00:00Z' }], ['nobody looked at', undefined]] as const)('is nothing for one that %s', (_, status) => {
    expect(receiptDocument(rotation(status), before)).toBeUndefined();
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readOutputFolder } from '../../src/app/overview/output-folder.ts';
import { overviewOf } from '../../src/app/overview/overview.ts';
import { isMtlsdError } from '../../src/errors/index.ts';
import type { Condition, TrustDomain, WorkloadIdentity } from '../../src/resources/index.ts';

const nowMs = Date.parse('2026-01-01T00:30:00Z');
const condition = (type: string, status: Condition['status'], reason: string, message: string): Condition => ({ type, status, reason, message, lastTransitionTime: '2026-01-01T00:00:00Z' });
const meta = (name: string, namespace?: string) => ({ name, ...(namespace === undefined ? {} : { namespace }), uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' });

function identity(name: string, status: WorkloadIdentity['status'] = {}): WorkloadIdentity {
  const life = { notBefore: '2025-12-31T23:59:00Z', notAfter: '2026-01-01T01:00:00Z', renewalTime: '2026-01-01T00:31:00Z', issuances: 4, spiffeID: `spiffe://shop.example/${name}`, conditions: [condition('Ready', 'True', 'Delivered', 'there')] };
  return { apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata: meta(name, 'shop'), spec: {}, status: { ...life, ...status } };
}

const trustDomain = (name: string, ...conditions: Condition[]): TrustDomain => ({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'TrustDomain', metadata: meta(name), spec: {}, status: { conditions } });

describe('an overview', () => {
  test('tells the life that is left without the time by which certificates are dated back, and renewals without the first', () => {
    expect(overviewOf({ trustDomains: [], identities: [identity('cart')], rotations: [] }, [], nowMs).identities[0]).toMatchObject({ namespace: 'shop', name: 'cart', ready: true, lifeLeft: 0.5, lifeLeftSeconds: 1800, renewals: 3 });
  });

  test.each([['2026-01-01T00:00:00Z', 0], ['2025-01-01T00:00:00Z', 0]])('an identity that ended at %s is not ready, whatever its conditions say', (notAfter, lifeLeft) => {
    expect(overviewOf({ trustDomains: [], identities: [identity('cart', { notAfter })], rotations: [] }, [], nowMs).identities[0]).toMatchObject({ ready: false, lifeLeft, lifeLeftSeconds: 0 });
  });

  test('an identity that was never issued has no life, no renewals, and says why', () => {
    const conditions = [condition('Issued', 'False', 'Denied', 'no'), condition('Ready', 'False', 'Denied', 'no')];
    const bare: WorkloadIdentity = { ...identity('cart'), status: { conditions } };
    const { identities, problems } = overviewOf({ trustDomains: [], identities: [bare], rotations: [] }, [], nowMs);
    expect(identities[0]).toMatchObject({ ready: false, lifeLeft: undefined, renewals: 0 });
    expect(problems).toEqual([{ object: 'WorkloadIdentity shop/cart', reason: 'Denied', message: 'no' }]); // once, though two conditions say it
  });

  test('tells what is wrong in order: manifests, then objects by name; not what is only information', () => {
    const warned = trustDomain('b.example', condition('Ready', 'True', 'RootEnding', 'soon'), condition('InUse', 'False', 'NoIdentities', 'unused'));
    const broken = trustDomain('a.example', condition('Ready', 'False', 'RootExpired', 'expired'));
    const { problems, trustDomains } = overviewOf({ trustDomains: [warned, broken], identities: [identity('cart')], rotations: [] }, [{ object: 'x.yaml', reason: 'Invalid', message: 'm' }], nowMs);
    expect(problems.map(({ object, reason }) => `${object} ${reason}`)).toEqual(['x.yaml Invalid', 'TrustDomain a.example RootExpired', 'TrustDomain b.example RootEnding']);
    expect(trustDomains.map(({ name, ready }) => [name, ready])).toEqual([['a.example', false], ['b.example', true]]);
  });

  test('a root near its end is a warning until another one is there, and then nothing', () => {
    const ready = condition('Ready', 'True', 'AuthoritiesActive', 'there');
    const near = trustDomain('a.example', ready, condition('RootEnding', 'True', 'RootEndsWithin30Days', 'rotate it'));
    const rotated = trustDomain('b.example', ready, condition('RootEnding', 'False', 'RootLives', 'it lives'));
    const { problems, warnings } = overviewOf({ trustDomains: [near, rotated], identities: [], rotations: [] }, [], nowMs);
    expect(problems).toEqual([]);
    expect(warnings).toEqual([{ object: 'TrustDomain a.example', reason: 'RootEndsWithin30Days', message: 'rotate it' }]);
  });

  test('asks whether mtlsd runs when a renewal is overdue and nobody said why', () => {
    const late = Date.parse('2026-01-01T00:40:00Z');
    expect(overviewOf({ trustDomains: [], identities: [identity('cart')], rotations: [] }, [], late).problems).toEqual([{ object: 'WorkloadIdentity shop/cart', reason: 'RenewalOverdue', message: expect.stringContaining('is mtlsd running?') as string }]);
    expect(overviewOf({ trustDomains: [], identities: [identity('cart')], rotations: [] }, [], nowMs + 61_000).problems).toEqual([]);
    const told = identity('cart', { conditions: [condition('Issued', 'False', 'StoreUnavailable', 'the disk is full')] });
    expect(overviewOf({ trustDomains: [], identities: [told], rotations: [] }, [], late).problems.map(({ reason }) => reason)).toEqual(['StoreUnavailable']);
  });
});

describe('an output folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mtlsd-out-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is read without a running mtlsd; stray and temporary files are left out', async () => {
    const path = join(folder, 'out/status/WorkloadIdentity/shop');
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'cart.yaml'), JSON.stringify(identity('cart')));
    writeFileSync(join(path, '.tmp-1'), 'half');
    writeFileSync(join(path, 'README'), 'no');
    writeFileSync(join(folder, 'out/problems.json'), JSON.stringify([{ code: 'MANIFEST_SYNTAX', file: 'a.yaml', line: 2, message: 'wrong', remedy: 'Correct it.' }]));
    const overview = await readOutputFolder(join(folder, 'out'), nowMs);
    expect(overview.identities.map(({ name }) => name)).toEqual(['cart']);
    expect(overview.problems).toEqual([{ object: 'a.yaml', reason: 'Invalid', message: 'a.yaml:2: wrong. Correct it.' }]);
  });

  test('that is none is told apart from an empty one', async () => {
    const failure = await readOutputFolder(join(folder, 'nowhere'), nowMs).catch((error: unknown) => error);
    expect(isMtlsdError(failure, 'OUTPUT_NOT_FOUND')).toBe(true);
    mkdirSync(join(folder, 'empty/status'), { recursive: true });
    expect(await readOutputFolder(join(folder, 'empty'), nowMs)).toEqual({ trustDomains: [], rotations: [], identities: [], problems: [] });
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { activeAuthority, bundleSha256, turnOverIssuing, type AuthorityRecord } from '../../src/authority/index.ts';
import { planTurnover, renewalTimeMs, retryDelayMs } from '../../src/rotation/index.ts';
import { planTrustDomain } from '../../src/controllers/trust-domain/plan.ts';
import { hourMs, makeRecord, startMs, tools } from '../authority/record-bench.ts';

const limits = { maxTtlMs: hourMs, lifetimeMs: 8 * hourMs, leaseMs: 60_000 };

test('renewal comes at half of life, 10 % around it, and is the same for the same UID', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.integer({ min: 60_000, max: 86_400_000 }), (uid, spanMs) => {
      const at = renewalTimeMs({ issuedAtMs: startMs, notAfterMs: startMs + spanMs }, uid);
      expect(at).toBe(renewalTimeMs({ issuedAtMs: startMs, notAfterMs: startMs + spanMs }, uid));
      expect(at - startMs).toBeGreaterThanOrEqual(Math.floor(spanMs * 0.4));
      expect(at - startMs).toBeLessThanOrEqual(Math.ceil(spanMs * 0.6));
    }),
  );
});

test('L6: no retry waits longer than a quarter of the life that is left, and none is a busy loop', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: -1000, max: 86_400_000 }), (failures, remainingMs) => {
      const delayMs = retryDelayMs(failures, remainingMs);
      expect(delayMs).toBeGreaterThanOrEqual(250);
      if (remainingMs > 1000) expect(delayMs).toBeLessThanOrEqual(remainingMs / 4);
      expect(delayMs).toBeLessThanOrEqual(300_000);
    }),
  );
  expect([1, 2, 3].map((failures) => retryDelayMs(failures, undefined))).toEqual([1000, 2000, 4000]);
});

test('an issuing authority turns over at half of its life, at once when it has expired, never under an ended root', async () => {
  const record = await makeRecord();
  const { notBeforeMs, notAfterMs } = activeAuthority(record, 'Issuing').certificate;
  const half = notBeforeMs + (notAfterMs - notBeforeMs) / 2;
  expect(planTurnover(record, limits, half - 1)).toEqual({ action: 'none', nextAtMs: half });
  expect(planTurnover(record, limits, half)).toEqual({ action: 'turn-over', why: 'half-of-life' });
  expect(planTurnover(record, limits, notAfterMs)).toEqual({ action: 'turn-over', why: 'expired' });
  expect(planTurnover(record, limits, activeAuthority(record, 'Root').certificate.notAfterMs)).toEqual({ action: 'refuse', why: 'root-expired' });
  expect(planTurnover(record, limits, notBeforeMs - 1)).toEqual({ action: 'refuse', why: 'clock-behind' });
});

test('the time that a plan names is always ahead, and a plan that is followed comes to rest at every time of a life', async () => {
  let record: AuthorityRecord = await makeRecord(24, 4);
  for (let nowMs = startMs; nowMs < startMs + 24 * hourMs; nowMs += 7 * 60_000) {
    for (let step = 0; ; step += 1) {
      expect(step).toBeLessThan(3);
      const plan = planTurnover(record, { ...limits, lifetimeMs: 4 * hourMs }, nowMs);
      if (plan.action === 'turn-over') record = await turnOverIssuing(record, { keyAlgorithm: 'ECDSAP256', lifetimeMs: 4 * hourMs }, 60_000, nowMs, tools);
      else if (plan.action === 'drop') record = { ...record, authorities: record.authorities.filter(({ keyIdentifier }) => !plan.keyIdentifiers.has(keyIdentifier)) };
      else {
        if (plan.action === 'none') expect(plan.nextAtMs).toBeGreaterThan(nowMs);
        break;
      }
    }
    expect(record.authorities.length).toBeLessThanOrEqual(4);
    expect(activeAuthority(record, 'Issuing').certificate.notAfterMs - nowMs).toBeGreaterThan(0);
  }
});

test('a longest TTL that no new issuing authority could honour replaces none', async () => {
  const record = await makeRecord(48, 8);
  expect(planTurnover(record, { ...limits, maxTtlMs: 24 * hourMs }, startMs).action).toBe('none');
});

const observed = { name: 'a.example', traces: [], lastRoot: undefined, newRoot: undefined, delivered: { signerEpoch: 0, bundleGeneration: 0, bundleSha256: undefined }, acceptRecord: undefined, limits, recordLocation: 'Secret x' };

test('a root is made when nothing is there, never while a trace of another one is', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 3 }), fc.option(fc.constantFrom('aa', 'bb'), { nil: undefined }), fc.option(fc.constantFrom('aa', 'bb', 'lost'), { nil: undefined }), (traces, lastRoot, newRoot) => {
      const plan = planTrustDomain({ ...observed, record: { kind: 'absent' }, traces, lastRoot, newRoot }, startMs);
      const isAsked = newRoot !== undefined && newRoot === (lastRoot ?? 'lost');
      expect(plan.action).toBe(traces.length === 0 ? 'create' : isAsked ? 'replace' : 'none');
    }),
  );
});

test('a record that cannot be used is never replaced, whatever is asked for', () => {
  const problem = { reason: 'AuthorityRecordDamaged', message: 'damaged' };
  const plan = planTrustDomain({ ...observed, record: { kind: 'unusable', problem }, newRoot: 'lost', lastRoot: 'aa' }, startMs);
  expect(plan).toMatchObject({ action: 'none', problem });
});

test('an ended root is replaced only under its own name', async () => {
  const record = await makeRecord();
  const root = activeAuthority(record, 'Root');
  const plan = (newRoot: string | undefined, nowMs: number) => planTrustDomain({ ...observed, record: { kind: 'loaded', record }, newRoot }, nowMs).action;
  expect(plan(root.keyIdentifier, root.certificate.notAfterMs)).toBe('replace');
  expect(plan('lost', root.certificate.notAfterMs)).toBe('none');
  expect(plan(undefined, root.certificate.notAfterMs)).toBe('none');
  expect(plan(root.keyIdentifier, startMs)).toBe('none');
});

test('a record is older when a later bundle was delivered, or the same generation with other roots; accepted by its own root only', async () => {
  const record = await makeRecord();
  const root = activeAuthority(record, 'Root').keyIdentifier;
  const plan = (bundleGeneration: number, sha256: string, acceptRecord?: string) => {
    const delivered = { signerEpoch: 1, bundleGeneration, bundleSha256: sha256 };
    const { action, ...rest } = planTrustDomain({ ...observed, record: { kind: 'loaded', record }, delivered, acceptRecord }, startMs);
    return `${action} ${'problem' in rest ? rest.problem?.reason : ''}`.trim();
  };
  expect(plan(1, bundleSha256(record))).toBe('none');
  expect(plan(0, 'ab')).toBe('none');
  expect(plan(2, bundleSha256(record))).toBe('none AuthorityRecordOlder');
  expect(plan(1, 'ab')).toBe('none AuthorityRecordOlder');
  expect(plan(1, 'ab', 'another')).toBe('none AuthorityRecordOlder');
  expect(plan(1, 'ab', root)).toBe('accept');
});

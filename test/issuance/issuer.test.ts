import { X509Certificate } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { activeAuthority, type AuthorityRecord, type SigningLease } from '../../src/authority/index.ts';
import { decide, Issuer, type Grant } from '../../src/issuance/index.ts';
import { generateKeyPair, type KeyPair } from '../../src/x509/index.ts';
import { domain, hourMs, makeRecord, startMs, tools } from '../authority/record-bench.ts';

const lease: SigningLease = { permits: () => true, acknowledge: async () => undefined };
let record: AuthorityRecord;
let issuer: Issuer;
let keys: KeyPair;

beforeAll(async () => {
  record = await makeRecord();
  issuer = await Issuer.open(activeAuthority(record, 'Issuing'), record.signerEpoch);
  keys = await generateKeyPair('ECDSAP256');
});

function grant(ttlMs: number): Grant {
  const decision = decide(
    { namespace: 'shop', serviceAccountName: 'cart', dnsNames: [], commonName: undefined, ttlMs },
    { trustDomain: domain, pathTemplate: '/ns/{namespace}/sa/{serviceAccount}', allowedDnsPatterns: [], defaultTtlMs: hourMs, maxTtlMs: 24 * hourMs, minTtlMs: 1000, minTtlReason: 'x' },
  );
  if (!decision.granted) throw new Error('denied');
  return decision.grant;
}

const issue = (ttlMs: number, nowMs: number, over = lease) => issuer.issue(grant(ttlMs), keys.publicKey, tools.randomBytes(16), over, nowMs);

test('without a lease for its epoch it signs nothing, and the lease is asked with the reading of the clock that sets notAfter', () => {
  const asked: unknown[] = [];
  const refusing: SigningLease = { permits: (...parameters) => asked.push(parameters) === 0, acknowledge: async () => undefined };
  expect(() => issue(hourMs, startMs, refusing)).toThrow(expect.objectContaining({ code: 'ISSUANCE_LEASE_LOST' }));
  expect(asked).toEqual([['a.example', record.signerEpoch, startMs]]);
});

test('not yet valid, expired, or too short-lived, it signs nothing', () => {
  const { notBeforeMs, notAfterMs } = activeAuthority(record, 'Issuing').certificate;
  expect(() => issue(hourMs, notBeforeMs - 1)).toThrow(expect.objectContaining({ code: 'ISSUANCE_ISSUER_NOT_VALID' }));
  expect(() => issue(hourMs, notAfterMs)).toThrow(expect.objectContaining({ code: 'ISSUANCE_ISSUER_NOT_VALID' }));
  expect(() => issue(hourMs, notAfterMs - hourMs + 1000)).toThrow(expect.objectContaining({ code: 'ISSUANCE_ISSUER_ENDS' }));
  expect(issue(hourMs, notAfterMs - hourMs).notAfterMs).toBe(notAfterMs);
});

test('notBefore is a minute ago, but never before the issuer begins; the leaf says what is told of it', () => {
  const { notBeforeMs } = activeAuthority(record, 'Issuing').certificate;
  expect(issue(hourMs, startMs + 90_500).notBeforeMs).toBe(startMs + 30_000);
  expect(issue(hourMs, notBeforeMs + 1000).notBeforeMs).toBe(notBeforeMs);
  const svid = issue(hourMs, startMs + 500);
  const leaf = new X509Certificate(Buffer.from(svid.leafDer));
  expect([leaf.validFromDate.getTime(), leaf.validToDate.getTime()]).toEqual([svid.notBeforeMs, svid.notAfterMs]);
  expect(BigInt(`0x${leaf.serialNumber}`)).toBe(BigInt(`0x${svid.serialNumber}`));
  expect(leaf.subjectAltName).toBe('URI:spiffe://a.example/ns/shop/sa/cart');
});

test('where a whole life is bounded, dating back is part of it: the shorter of the TTL and that bound', () => {
  const bounded = (ttlMs: number, wholeLifeMaxMs: number): Grant => {
    const decision = decide(
      { namespace: 'shop', serviceAccountName: 'cart', dnsNames: [], commonName: undefined, ttlMs, wholeLifeMaxMs },
      { trustDomain: domain, pathTemplate: '/ns/{namespace}/sa/{serviceAccount}', allowedDnsPatterns: [], defaultTtlMs: hourMs, maxTtlMs: 24 * hourMs, minTtlMs: hourMs, minTtlReason: 'x' },
    );
    if (!decision.granted) throw new Error('denied');
    return decision.grant;
  };
  const { notBeforeMs } = activeAuthority(record, 'Issuing').certificate;
  for (const [ttlMs, boundMs, lifeMs] of [[hourMs, 24 * hourMs, hourMs], [3 * hourMs, 2 * hourMs, 2 * hourMs], [hourMs, hourMs, hourMs]] as const) {
    for (const nowMs of [startMs + 90_500, notBeforeMs + 1000]) {
      const svid = issuer.issue(bounded(ttlMs, boundMs), keys.publicKey, tools.randomBytes(16), lease, nowMs);
      expect(svid.notAfterMs - svid.notBeforeMs).toBe(lifeMs);
      expect(svid.notAfterMs).toBeLessThanOrEqual(nowMs + ttlMs);
    }
  }
});

test('only an active issuing authority is opened', async () => {
  await expect(Issuer.open(activeAuthority(record, 'Root'), 1)).rejects.toThrow(/invariant/u);
  await expect(Issuer.open({ ...activeAuthority(record, 'Issuing'), state: 'Retiring' }, 1)).rejects.toThrow(/invariant/u);
});

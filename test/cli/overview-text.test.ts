import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { identitiesText, overviewText, spoken } from '../../src/cli/overview-text.ts';
import { fit, fitEnd, table, widthOf, wrap } from '../../src/cli/table.ts';
import { overview, row } from './overviews.ts';

const long = row('payment-gateway-for-recurring-subscriptions', { namespace: 'commerce-production', spiffeId: 'spiffe://shop.example/ns/commerce-production/sa/payment-gateway-for-recurring-subscriptions' });
const widest = (text: string): number => Math.max(...text.split('\n').map(widthOf));

describe('the overview as text', () => {
  test('shows trust domains with authorities, identities, and that nothing is wrong', () => {
    expect(overviewText(overview([row('cart'), row('pay', { spiffeId: 'spiffe://shop.example/ns/shop/sa/pay', lifeLeft: 1, lifeLeftSeconds: 45, renewals: 12 })]), { colour: false, width: Infinity })).toBe(
      [
        'shop.example  ready  signer epoch 2  bundle 1',
        '  root  active  fedcba98  until 2027-01-01T00:00:00Z',
        '  bundle 1 in 2 of 2 places, 0 violations',
        '',
        'IDENTITY   SPIFFE ID                              ISSUER    LIFE LEFT             RENEWALS',
        'shop/cart  spiffe://shop.example/ns/shop/sa/cart  01234567  ██████░░░░░░ 30m 00s  3',
        'shop/pay   spiffe://shop.example/ns/shop/sa/pay   01234567  ████████████ 45s      12',
        '',
        'Nothing is wrong.',
        '',
      ].join('\n'),
    );
  });

  test('counts what is wrong, each with object, reason and what to do', () => {
    const problems = [{ object: 'WorkloadIdentity shop/cart', reason: 'Denied', message: 'spec.ttl: ask for less' }];
    const text = overviewText(overview([row('cart', { ready: false })], problems), { colour: false, width: 100 });
    expect(text).toContain('1 thing to look at:\n✗ WorkloadIdentity shop/cart  Denied\n  spec.ttl: ask for less\n');
    expect(overviewText(overview([], [...problems, ...problems]), { colour: false, width: 100 })).toContain('2 things to look at:');
  });

  test('shows what tokens are signed with and until when, and whose tokens are there', () => {
    const base = overview([row('cart', { tokens: 'Delivered' }), row('pay', { tokens: 'IssuerTaken' }), row('web')]);
    const [domain] = base.trustDomains;
    if (domain === undefined) throw new Error('no trust domain');
    const keys = [['aaaaaaaabbbb', 'Active'], ['ccccccccdddd', 'Prepared'], ['eeeeeeeeffff', 'Retiring']].map(([keyIdentifier = '', state = '']) => ({ keyIdentifier, algorithm: 'ES256', state }));
    const jwt = { issuer: 'https://tokens.shop.example', reason: undefined, turnsOverAt: '2026-01-08T00:00:00Z', keys };
    const taken = { ...domain, name: 'bank.example', jwt: { issuer: undefined, reason: 'IssuerTaken', turnsOverAt: undefined, keys: [] } };
    const text = overviewText({ ...base, trustDomains: [{ ...domain, jwt }, taken] }, { colour: false, width: Infinity });
    expect(text.split('\n').slice(0, 15)).toEqual([
      'shop.example  ready  signer epoch 2  bundle 1',
      '  root       active    fedcba98  until 2027-01-01T00:00:00Z',
      '  token key  active    aaaaaaaa  until 2026-01-08T00:00:00Z  ES256',
      '  token key  prepared  cccccccc  from 2026-01-08T00:00:00Z   ES256',
      '  token key  retiring  eeeeeeee                              ES256',
      '  bundle 1 in 3 of 3 places, 0 violations',
      '  tokens of https://tokens.shop.example, 3 keys published',
      'bank.example  ready  signer epoch 2  bundle 1',
      '  root  active  fedcba98  until 2027-01-01T00:00:00Z',
      '  bundle 1 in 3 of 3 places, 0 violations',
      '  no tokens now (IssuerTaken)',
      '',
      'IDENTITY   SPIFFE ID                              ISSUER    LIFE LEFT             RENEWALS  TOKENS',
      'shop/cart  spiffe://shop.example/ns/shop/sa/cart  01234567  ██████░░░░░░ 30m 00s  3         delivered',
      'shop/pay   spiffe://shop.example/ns/shop/sa/pay   01234567  ██████░░░░░░ 30m 00s  3         IssuerTaken',
    ]);
    for (const width of [60, 80, 100, 120]) expect(widest(identitiesText([long, ...base.identities], { colour: false, width }))).toBeLessThanOrEqual(width);
  });

  test('says what to do when there is nothing yet', () => {
    const text = overviewText({ trustDomains: [], rotations: [], identities: [], problems: [] }, { colour: false, width: 100 });
    expect(text).toContain('No trust domain yet: add a TrustDomain.');
    expect(text).toContain('No identities yet: add a WorkloadIdentity.');
  });

  test('tells how far bundles and rotations have come, certificates by authority, and a root that ends', () => {
    const base = overview([row('cart')]);
    const [domain] = base.trustDomains;
    if (domain === undefined) throw new Error('no trust domain');
    const root = { keyIdentifier: 'fedcba9876543210', role: 'Root', state: 'Retiring', notAfter: '2027-01-01T00:00:00Z', lifeLeft: 0.01, lifeLeftSeconds: 86_400, liveLeaves: 0 };
    const issuing = { keyIdentifier: '0123456789abcdef', role: 'Issuing', state: 'Active', notAfter: '2026-02-01T00:00:00Z', lifeLeft: 0.5, lifeLeftSeconds: 9, liveLeaves: 1 };
    const trustDomain = { ...domain, bundleGeneration: 2, authorities: [root, issuing], bundles: [{ generation: 2, identities: 1 }, { generation: 1, identities: 3 }], notOnNewest: 5, targets: { written: 4, stale: 1, failing: ['ConfigMap x/y'] }, violations: 1 };
    const rotation = { name: 'spring', trustDomain: 'shop.example', what: 'Root', mode: 'Graceful', phase: 'Confirm', ended: false, direction: 'Forward', gate: 'Loaded', progress: '40/1000', stragglers: 2, startedAt: undefined, finishedAt: undefined, nextTime: '2026-01-01T02:00:00Z' } as const;
    const rotations = [rotation, { ...rotation, name: 'autumn', phase: 'Aborted', ended: true, direction: 'Back', finishedAt: '2025-10-01T00:00:00Z' } as const];
    expect(overviewText({ ...base, trustDomains: [trustDomain], rotations, identities: [] }, { colour: false, width: 100 })).toBe(
      [
        'shop.example  ready  signer epoch 2  bundle 2',
        '  root     retiring  fedcba98  until 2027-01-01T00:00:00Z  ends in 1d 0h',
        '  issuing  active    01234567  until 2026-02-01T00:00:00Z  1 certificate',
        '  bundle 2 in 5 of 10 places (3 on 1), 1 violation',
        '',
        'ROTATION  WHAT  PHASE           GATE',
        'spring    root  Confirm         Loaded 40/1000, held up by 2, by 2026-01-01T02:00:00Z',
        'autumn    root  Aborted (back)  since 2025-10-01T00:00:00Z',
        '',
        'No identities yet: add a WorkloadIdentity.',
        '',
        'Nothing is wrong.',
        '',
      ].join('\n'),
    );
  });

  test('is coloured on request alone, and says the same', () => {
    const shown = overview([row('cart'), row('pay', { ready: false, lifeLeft: 0.1 })]);
    const [plain, coloured] = [false, true].map((colour) => overviewText(shown, { colour, width: 120 }));
    expect(plain).toBe(stripVTControlCharacters(plain ?? ''));
    expect(coloured).not.toBe(plain);
    expect(stripVTControlCharacters(coloured ?? '')).toBe(plain);
  });

  test.each([60, 80, 100, 140])('fits into %i columns whatever the names', (width) => {
    const text = identitiesText([row('cart'), long, row('late', { spiffeId: undefined, lifeLeft: undefined, lifeLeftSeconds: undefined, issuer: undefined })], { colour: true, width });
    expect(widest(text)).toBeLessThanOrEqual(width);
    expect(stripVTControlCharacters(text)).toContain('subscriptions  ');
    expect(stripVTControlCharacters(text)).toMatch(/█+░+ 30m 00s/u);
  });

  test('leaves out what all SPIFFE IDs share when there is no room for it, and keeps it when they differ', () => {
    expect(identitiesText([row('cart'), row('pay')], { colour: false, width: 72 })).toContain('…/ns/shop/sa/cart');
    const foreign = row('x', { spiffeId: 'spiffe://bank.example/ns/shop/sa/x' });
    expect(identitiesText([long, foreign], { colour: false, width: 100 })).not.toContain('…/ns/shop/sa/x');
  });

  test.each([[0, '0s'], [59, '59s'], [60, '1m 00s'], [3599, '59m 59s'], [3600, '1h 00m'], [86_399, '23h 59m'], [86_400, '1d 0h'], [31_536_000, '365d 0h']])('%i s are %s', (seconds, text) => {
    expect(spoken(seconds)).toBe(text);
  });
});

describe('text in columns', () => {
  test('counts what is seen, not the colours', () => {
    expect(table([['\u001B[31ma\u001B[39m', 'b'], ['long', 'c']])).toBe('\u001B[31ma\u001B[39m     b\nlong  c');
  });

  test('is cut with an ellipsis, at its end or its start', () => {
    expect([fit('abcdef', 6), fit('abcdef', 4), fit('\u001B[31mabcdef\u001B[39m', 4), fit('abc', 0)]).toEqual(['abcdef', 'abc…', 'abc…', '…']);
    expect([fitEnd('abcdef', 6), fitEnd('abcdef', 4)]).toEqual(['abcdef', '…def']);
  });

  test('breaks between words', () => {
    expect(wrap('one two three fourteen-letters', 9)).toEqual(['one two', 'three', 'fourteen-letters']);
  });
});

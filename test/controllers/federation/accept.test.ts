/** What is taken as the bundle of another trust domain, and what is not. */
import { beforeAll, describe, expect, test } from 'vitest';
import { acceptBundle, hear } from '../../../src/controllers/federation/accept.ts';
import { pollDelayMs } from '../../../src/controllers/federation/schedule.ts';
import { parseTrustDomainName } from '../../../src/spiffe/index.ts';
import type { Certificate } from '../../../src/x509/index.ts';
import { issueLeaf, leafFields, makeHierarchy } from '../../x509/hierarchy.ts';
import { documentOf, pemOf, rootOf } from './peers.ts';

const partner = parseTrustDomainName('partner.example');
const accept = (document: string, sequence?: bigint) => acceptBundle(document, partner, sequence === undefined ? undefined : { sequence });

let roots: Certificate[];
let foreign: Certificate;
let leaf: Certificate;

beforeAll(async () => {
  roots = await Promise.all([rootOf('partner.example'), rootOf('partner.example')]);
  foreign = await rootOf('evil.example');
  const hierarchy = await makeHierarchy('ECDSAP256');
  leaf = issueLeaf(hierarchy, leafFields(hierarchy.issuingKey.publicKey));
});

describe('a document', () => {
  test('is the bundle of the trust domain that it was asked for, its roots in one order', () => {
    const [a, b] = [accept(documentOf(partner, 7, roots, 60)), accept(documentOf(partner, 7, roots.toReversed(), 60))];
    expect(a).toEqual(b);
    expect(a.bundle).toMatchObject({ trustDomain: partner, sequence: 7n, refreshHintSeconds: 60 });
    expect(a.bundle.caPem).toBe(pemOf(a.bundle.roots));
  });

  test('with an empty list revokes everything; one of which nothing is understood does not', () => {
    expect(accept('{"keys":[],"spiffe_sequence":9}', 8n).bundle).toMatchObject({ roots: [], caPem: '', sequence: 9n });
    expect(() => accept('{"keys":[{"kty":"EC","use":"x509-svid","x5c":["AAAA"]}],"spiffe_sequence":9}')).toThrow(/no root that can be used/u);
  });

  test('never goes back, and may stand still', () => {
    expect(() => accept(documentOf(partner, 6, roots), 7n)).toThrow(expect.objectContaining({ code: 'FEDERATION_BUNDLE_OLDER' }));
    expect(() => accept('{"keys":[]}', 1n)).toThrow(expect.objectContaining({ code: 'FEDERATION_BUNDLE_OLDER' }));
    for (const sequence of [7, 8, 2 ** 60]) expect(accept(documentOf(partner, sequence, roots), 7n).bundle.roots).toHaveLength(2);
  });

  test.each<[string, () => string, RegExp]>([
    ['of another trust domain', () => documentOf(partner, 1, [...roots, foreign]), /of trust domain evil\.example/u],
    ['with a leaf for a root', () => documentOf(partner, 1, [leaf]), /no authority/u],
    ['that is no JSON', () => '<html>', /not JSON/u],
    ['without keys', () => '{}', /no "keys"/u],
    ['with a negative sequence', () => '{"keys":[],"spiffe_sequence":-1}', /spiffe_sequence/u],
  ])('%s is refused', (_name, document, why) => {
    expect(() => accept(document())).toThrow(expect.objectContaining({ code: 'FEDERATION_BUNDLE_REFUSED', message: expect.stringMatching(why) as string }));
  });

  test('whose roots do not fit into a Secret beside those of fifteen others is refused', async () => {
    const many = await Promise.all(Array.from({ length: 90 }, async () => rootOf('partner.example')));
    expect(() => accept(documentOf(partner, 1, many))).toThrow(/more than 49152/u);
  });
});

describe('an answer', () => {
  const url = 'https://spiffe.partner.example/bundle';
  const answer = (status: number, headers: Record<string, string> = {}) => hear(url, { status, headers, body: 'text' });

  test('is a document', () => {
    for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/jwk-set+json']) expect(answer(200, { 'content-type': type })).toEqual({ document: 'text' });
  });

  test('may lead elsewhere by https, for this once', () => {
    expect(answer(302, { location: '/other#part' })).toEqual({ redirect: 'https://spiffe.partner.example/other' });
    expect(answer(308, { location: 'https://cdn.example/x' })).toEqual({ redirect: 'https://cdn.example/x' });
  });

  test.each<[string, number, Record<string, string>, RegExp]>([
    ['an error', 503, { 'content-type': 'application/json' }, /status 503/u],
    ['another content type', 200, { 'content-type': 'text/html' }, /content type/u],
    ['no content type', 200, {}, /content type/u],
    ['a redirect without address', 302, {}, /without an address/u],
    ['a redirect to http', 302, { location: 'http://spiffe.partner.example/' }, /not https/u],
    ['a redirect to a file', 302, { location: 'file:///etc/passwd' }, /not https/u],
    ['a redirect with a user', 302, { location: 'https://me:secret@spiffe.partner.example/' }, /a user in it/u],
  ])('that is %s is refused', (_name, status, headers, why) => {
    expect(() => answer(status, headers)).toThrow(expect.objectContaining({ code: 'FEDERATION_ANSWER_REFUSED', message: expect.stringMatching(why) as string }));
  });
});

describe('the next fetch', () => {
  const delay = (refreshHintSeconds: number | undefined, known = true, failures = 0) => pollDelayMs({ id: 'a b', refreshHintSeconds, known, failures });

  test('follows the hint, within bounds, never later than it says', () => {
    for (const [hint, latest] of [[undefined, 300_000], [60, 60_000], [0, 10_000], [1, 10_000], [2 ** 31 - 1, 3_600_000]] as const) {
      expect(delay(hint)).toBeGreaterThanOrEqual(latest * 0.9);
      expect(delay(hint)).toBeLessThanOrEqual(latest);
    }
  });

  test('waits for the next interval after a failure; who has nothing yet asks sooner, with growing pauses', () => {
    expect(delay(300, true, 5)).toBe(delay(300));
    expect([1, 2, 3].map((failures) => delay(undefined, false, failures))).toEqual([2_000, 4_000, 8_000]);
    expect(delay(undefined, false, 1_000)).toBe(delay(undefined));
  });

  test('is spread over trust domains', () => {
    const delays = Array.from({ length: 200 }, (_, index) => pollDelayMs({ id: `a peer-${index}`, refreshHintSeconds: 300, known: true, failures: 0 }));
    expect(new Set(delays).size).toBeGreaterThan(150);
  });
});

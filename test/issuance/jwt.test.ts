/** JWT-SVIDs: what is granted, what is signed, and that a library which nobody here wrote accepts it. */
import { importJWK, jwtVerify } from 'jose';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { activeJwtAuthority, withFirstJwtAuthority, type JwtAlgorithm, type JwtAuthority } from '../../src/authority/index.ts';
import { decideToken, JwtIssuer, type TokenGrant, type TokenPolicy } from '../../src/issuance/index.ts';
import { lintToken } from '../../src/issuance/jwt-rules.ts';
import { requireSpiffeId } from '../../src/spiffe/index.ts';
import { domain, makeRecord, startMs, tools } from '../authority/record-bench.ts';

const minuteMs = 60_000;
const policy: TokenPolicy = { trustDomain: domain, pathTemplate: '/ns/{namespace}/sa/{serviceAccount}', ttlMs: 5 * minuteMs };
const cart = { kind: 'service-account', namespace: 'shop', serviceAccountName: 'cart' } as const;
const always = { permits: () => true, acknowledge: async () => undefined };
const issuerUrl = 'https://tokens.a.example';
const settings = { trustDomain: domain, issuer: issuerUrl, signerEpoch: 3 };
const tokenId = new Uint8Array(16).fill(7);

const keys = new Map<JwtAlgorithm, JwtAuthority>();

beforeAll(async () => {
  for (const algorithm of ['ES256', 'RS256'] as const) {
    const key = activeJwtAuthority((await withFirstJwtAuthority(await makeRecord(), algorithm, startMs, tools)).jwt);
    if (key !== undefined) keys.set(algorithm, key);
  }
});

function keyOf(algorithm: JwtAlgorithm): JwtAuthority {
  const key = keys.get(algorithm);
  if (key === undefined) throw new Error(`no key for ${algorithm}`);
  return key;
}

function granted(request: Partial<Parameters<typeof decideToken>[0]> = {}): TokenGrant {
  const decision = decideToken({ subject: cart, audience: ['bank'], ttlMs: undefined, ...request }, policy);
  if (!decision.granted) throw new Error(JSON.stringify(decision.denials));
  return decision.grant;
}

function denied(request: Partial<Parameters<typeof decideToken>[0]>): readonly string[] {
  const decision = decideToken({ subject: cart, audience: ['bank'], ttlMs: undefined, ...request }, policy);
  return decision.granted ? [] : decision.denials.map(({ field }) => field);
}

const parts = (token: string): readonly Record<string, unknown>[] => token.split('.').slice(0, 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>);

describe('a token is granted', () => {
  test('to a workload and to somebody outside, for whom they name', () => {
    expect(granted({ audience: ['bank', 'https://ledger.example'] })).toMatchObject({ audience: ['bank', 'https://ledger.example'], ttlMs: 5 * minuteMs });
    expect(granted().spiffeId.toString()).toBe('spiffe://a.example/ns/shop/sa/cart');
    expect(granted({ subject: { kind: 'external', entry: 'ci', segments: ['acme', '7'] }, ttlMs: minuteMs }).spiffeId.toString()).toBe('spiffe://a.example/ext/ci/acme/7');
  });

  test('never without an audience, twice for one, for what no verifier compares alike, or for longer than the trust domain says', () => {
    expect(denied({ audience: [] })).toEqual(['audience']);
    expect(denied({ audience: Array.from({ length: 17 }, (_, index) => `a${index}`) })).toEqual(['audience']);
    expect(denied({ audience: ['a', 'a', 'b c', '', 'ä', 'x'.repeat(256)] })).toEqual(['audience[1]', 'audience[2]', 'audience[3]', 'audience[4]', 'audience[5]']);
    expect(denied({ ttlMs: 5 * minuteMs + 1 })).toEqual(['ttl']);
    expect(denied({ ttlMs: minuteMs - 1, audience: [] })).toEqual(['audience', 'ttl']);
    expect(denied({ subject: { kind: 'external', entry: 'ci', segments: ['..'] } })).toEqual(['the claims of the token']);
  });

  test('a stricter trust domain never grants more', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 300 }), { maxLength: 20 }), fc.integer({ min: 0, max: 7_200_000 }), fc.integer({ min: 60_000, max: 3_600_000 }), (audience, ttlMs, shorterMs) => {
        const ask = (allowedMs: number) => decideToken({ subject: cart, audience, ttlMs }, { ...policy, ttlMs: allowedMs });
        if (ask(shorterMs).granted) expect(ask(3_600_000).granted).toBe(true);
      }),
    );
  });
});

describe.each(['ES256', 'RS256'] as const)('%s', (algorithm) => {
  test('jose verifies it with the key that is published, at any time until its end and not after', async () => {
    const key = keyOf(algorithm);
    const issued = JwtIssuer.open(key, settings).issue(granted({ audience: ['bank', 'ledger'] }), tokenId, always, startMs + 999);
    const published = await importJWK({ ...key.jwk }, algorithm);
    const verify = async (nowMs: number) => jwtVerify(issued.token, published, { algorithms: [algorithm], issuer: issuerUrl, audience: 'ledger', subject: 'spiffe://a.example/ns/shop/sa/cart', requiredClaims: ['exp', 'iat', 'jti'], typ: 'JWT', currentDate: new Date(nowMs) });
    const { payload, protectedHeader } = await verify(startMs);
    expect(protectedHeader).toEqual({ alg: algorithm, kid: key.keyIdentifier, typ: 'JWT' });
    expect(payload).toEqual({ iss: issuerUrl, sub: 'spiffe://a.example/ns/shop/sa/cart', aud: ['bank', 'ledger'], iat: startMs / 1000, exp: startMs / 1000 + 300, jti: issued.tokenId });
    expect(issued).toMatchObject({ issuedAtMs: startMs, expiresAtMs: startMs + 5 * minuteMs, keyId: key.keyIdentifier });
    await expect(verify(issued.expiresAtMs - 1)).resolves.toBeDefined();
    await expect(verify(issued.expiresAtMs)).rejects.toThrow(/exp/u);
  });

  test('without an issuer there is no iss', () => {
    const [, claims] = parts(JwtIssuer.open(keyOf(algorithm), { ...settings, issuer: undefined }).issue(granted(), tokenId, always, startMs).token);
    expect(Object.keys(claims ?? {})).toEqual(['sub', 'aud', 'iat', 'exp', 'jti']);
  });
});

test('nothing is signed without a lease for the epoch, of another trust domain, or by a key that is not what is published', () => {
  const issuer = JwtIssuer.open(keyOf('ES256'), settings);
  const asked: unknown[] = [];
  const none = { permits: (...question: unknown[]) => { asked.push(question); return false; }, acknowledge: async () => undefined };
  expect(() => issuer.issue(granted(), tokenId, none, startMs)).toThrow(expect.objectContaining({ code: 'ISSUANCE_LEASE_LOST' }));
  expect(asked).toEqual([[domain, 3, startMs]]);
  const other = { ...granted(), spiffeId: requireSpiffeId('spiffe://b.example/x') };
  expect(() => issuer.issue(other, tokenId, always, startMs)).toThrow(/its own trust domain/u);
  const { jwk } = keyOf('ES256');
  const swapped = { ...keyOf('ES256'), jwk: { ...jwk, ...('x' in jwk ? { x: jwk.y, y: jwk.x } : {}) } };
  expect(() => JwtIssuer.open({ ...keyOf('RS256'), jwk }, settings)).toThrow(expect.objectContaining({ code: 'ISSUANCE_LINT_FAILED' }));
  expect(() => JwtIssuer.open(swapped, settings)).toThrow(/JWK/u);
  for (const state of ['Prepared', 'Retiring'] as const) expect(() => JwtIssuer.open({ ...keyOf('ES256'), state }, settings)).toThrow(/invariant/u);
  expect(() => JwtIssuer.open(keyOf('ES256'), { ...settings, issuer: 'http://a.example' })).toThrow(expect.objectContaining({ code: 'ISSUANCE_LINT_FAILED' }));
});

const good = {
  header: { alg: 'ES256', kid: 'k', typ: 'JWT' } as Record<string, unknown>,
  claims: { sub: 'spiffe://a.example/x', aud: ['b'], iat: 1, exp: 2, jti: 'j' } as Record<string, unknown>,
};

test.each<[string, (token: typeof good) => void]>([
  ['SPIFFE-26', ({ header }) => void (header['alg'] = 'none')],
  ['SPIFFE-26', ({ header }) => void (header['alg'] = 'HS256')],
  ['SPIFFE-26', ({ header }) => void (header['alg'] = 'EdDSA')],
  ['SPIFFE-27', ({ header }) => void delete header['kid']],
  ['SPIFFE-27', ({ header }) => void (header['typ'] = 'at+jwt')],
  ['SPIFFE-27', ({ header }) => void (header['x5c'] = [])],
  ['SPIFFE-28', ({ claims }) => void (claims['sub'] = 'spiffe://a.example')],
  ['SPIFFE-28', ({ claims }) => void (claims['sub'] = 'cart')],
  ['SPIFFE-28', ({ claims }) => void (claims['aud'] = [])],
  ['SPIFFE-28', ({ claims }) => void (claims['aud'] = [''])],
  ['SPIFFE-28', ({ claims }) => void delete claims['exp']],
  ['SPIFFE-28', ({ claims }) => void (claims['exp'] = 1)],
  ['SPIFFE-28', ({ claims }) => void (claims['exp'] = 2.5)],
  ['RFC 7519 §4.1.1', ({ claims }) => void (claims['iss'] = 'http://a.example')],
  ['RFC 7519 §4.1.7', ({ claims }) => void delete claims['jti']],
])('%s: a token that breaks it is found', (rule, spoil) => {
  expect(lintToken(good)).toEqual([]);
  const spoiled = structuredClone(good);
  spoil(spoiled);
  expect(lintToken(spoiled).map((finding) => finding.split(':')[0])).toEqual([rule]);
});

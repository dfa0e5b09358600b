/** Every way in which a token can be wrong has its reason; what is right is accepted, in every algorithm. */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { IssuerRules } from '../../src/tokens/index.ts';
import { claims, issuer, judge, keysOf, nowMs, nowSeconds, signingKey, token, unsignedToken } from './tokens.ts';

const es = signingKey('ES256', 'one');
const rsa = signingKey('RS256', 'two');
const keys = keysOf(es, rsa);

async function reason(text: string, changes: Partial<IssuerRules> = {}, atMs = nowMs): Promise<string> {
  const decision = await judge(text, keys, changes, atMs);
  return decision.accepted ? 'accepted' : decision.reason;
}

describe('a token that is right', () => {
  test.each(['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA'] as const)('is accepted with %s', async (algorithm) => {
    const key = signingKey(algorithm, 'k');
    expect(await judge(token(key), keysOf(key))).toEqual({ accepted: true, issuer, subject: 'service-7', scopes: ['read', 'write'], expiresAtMs: claims.exp * 1000, claims });
  });

  test('is accepted without a kid, by whichever key fits', async () => {
    expect(await reason(token(rsa, claims, { kid: undefined }))).toBe('accepted');
  });

  test('is accepted when its issuer gives two keys one name', async () => {
    const twin = signingKey('ES256', 'one');
    expect(await judge(token(twin), keysOf(es, twin))).toMatchObject({ accepted: true });
  });

  test.each([['at+jwt'], ['application/at+jwt'], ['AT+JWT']])('is accepted with typ %s where at+jwt is asked for', async (typ) => {
    expect(await reason(token(es, claims, { typ }), { types: ['at+jwt'] })).toBe('accepted');
  });

  test('is accepted for one of several audiences', async () => {
    expect(await reason(token(es, { ...claims, aud: ['other', 'api'] }))).toBe('accepted');
  });

  test('is accepted up to the instant before exp, and a clock tolerance later where one is given', async () => {
    expect(await reason(token(es), {}, claims.exp * 1000 - 1)).toBe('accepted');
    expect(await reason(token(es), {}, claims.exp * 1000)).toBe('expired');
    expect(await reason(token(es), { clockToleranceMs: 5000 }, claims.exp * 1000 + 4999)).toBe('accepted');
    expect(await reason(token(es), { clockToleranceMs: 5000 }, claims.exp * 1000 + 5000)).toBe('expired');
  });
});

describe('a token that was accepted before', () => {
  const key = signingKey('ES256', 'k');
  const text = token(key);

  test('is refused once its issuer gives the key no more, or another by its name, and when it ends', async () => {
    const had = keysOf(key);
    expect([await judge(text, had), await judge(text, had)]).toMatchObject([{ accepted: true }, { accepted: true }]);
    expect(await judge(text, keysOf(es))).toMatchObject({ reason: 'key-unknown' });
    expect(await judge(text, keysOf(signingKey('ES256', 'k')))).toMatchObject({ reason: 'signature-wrong' });
    expect(await judge(text, had, { audiences: ['other'] })).toMatchObject({ reason: 'audience-wrong' });
    expect(await judge(text, had, {}, claims.exp * 1000)).toMatchObject({ reason: 'expired' });
  });

  test('with any character changed it is judged as where it was never seen', async () => {
    const had = keysOf(key);
    await judge(text, had);
    for (let at = 0; at < text.length; at += 1) {
      const changed = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
      expect(await judge(changed, had)).toEqual(await judge(changed, keysOf(key)));
    }
  });
});

describe('a token is refused', () => {
  const without = (name: keyof typeof claims) => Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));
  const changed = (part: object): string => token(es, { ...claims, ...part });

  test.each<[string, string, string, Partial<IssuerRules>?]>([
    ['that is empty', '', 'malformed'],
    ['of two parts', 'a.b', 'malformed'],
    ['of four parts', 'a.b.c.d', 'malformed'],
    ['that is encrypted', 'a.b.c.d.e', 'malformed'],
    ['with padding', `${token(es)}=`, 'malformed'],
    ['with a blank in front', ` ${token(es)}`, 'malformed'],
    ['with a header that is a list', unsignedToken([], claims), 'malformed'],
    ['with claims that are null', unsignedToken({ alg: 'ES256' }, null), 'malformed'],
    ['with claims that are no UTF-8', `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.c2ln`, 'malformed'],
    ['with a kid that is a number', token(es, claims, { kid: 7 }), 'malformed'],
    ['with a kid of 300 characters', token(es, claims, { kid: 'k'.repeat(300) }), 'malformed'],
    ['that is longer than 8192', token(es, { ...claims, more: 'x'.repeat(8192) }), 'too-large'],
    ['with a header longer than 2048', token(es, claims, { more: 'x'.repeat(2048) }), 'too-large'],
    ['without a signature', token(es).replace(/[^.]*$/u, ''), 'unsigned'],
    ['with alg none and no signature', unsignedToken({ alg: 'none' }, claims, ''), 'unsigned'],
    ['with alg none and something as a signature', unsignedToken({ alg: 'none' }, claims), 'algorithm-not-allowed'],
    ['with alg None', unsignedToken({ alg: 'None' }, claims), 'algorithm-not-allowed'],
    ['without alg', unsignedToken({}, claims), 'algorithm-not-allowed'],
    ['with alg as a list', unsignedToken({ alg: ['ES256'] }, claims), 'algorithm-not-allowed'],
    ['of an algorithm that is not on the list', token(rsa), 'algorithm-not-allowed', { algorithms: ['ES256'] }],
    ['of another issuer', changed({ iss: 'https://other.example' }), 'issuer-unknown'],
    ['of an issuer with a slash more', changed({ iss: `${issuer}/` }), 'issuer-unknown'],
    ['of an issuer that is a list', changed({ iss: [issuer] }), 'issuer-unknown'],
    ['of an issuer named after what every object has', changed({ iss: 'constructor' }), 'issuer-unknown'],
    ['without iss', token(es, without('iss')), 'claim-missing'],
    ['of another typ', token(es, claims, { typ: 'secevent+jwt' }), 'type-not-allowed'],
    ['without typ where one is needed', token(es, claims, { typ: undefined }), 'type-not-allowed', { types: ['JWT'] }],
    ['with crit', token(es, claims, { crit: ['exp'], exp: 1 }), 'header-not-understood'],
    ['with b64', token(es, claims, { b64: false }), 'header-not-understood'],
    ['with zip', token(es, claims, { zip: 'DEF' }), 'header-not-understood'],
    ['of a key that nobody publishes', token(es, claims, { kid: 'three' }), 'key-unknown'],
    ['of a key of another kind than its algorithm', token(es, claims, { kid: 'two' }), 'key-unknown'],
    ['with the signature of another token', token(es).replace(/[^.]*$/u, token(es, { ...claims, sub: 'other' }).split('.')[2] ?? ''), 'signature-wrong'],
    ['that another key signed', token({ ...signingKey('ES256', 'one') }), 'signature-wrong'],
    ['that brings its own key along', token(signingKey('ES256', 'one'), claims, { jwk: signingKey('ES256', 'one').jwk, jku: 'https://evil.example/keys' }), 'signature-wrong'],
    ['without exp', token(es, without('exp')), 'claim-missing'],
    ['with exp as a text', changed({ exp: String(claims.exp) }), 'claim-malformed'],
    ['with exp beyond every calendar', changed({ exp: 1e300 }), 'claim-malformed'],
    ['that has expired', changed({ exp: nowSeconds - 1 }), 'expired'],
    ['that is not valid yet', changed({ nbf: nowSeconds + 1 }), 'not-yet-valid'],
    ['that was issued in the future', changed({ iat: nowSeconds + 1 }), 'issued-in-the-future'],
    ['that lives too long', token(es), 'lives-too-long', { maxLifetimeMs: 309_000 }],
    ['whose life cannot be judged', token(es, without('iat')), 'claim-missing', { maxLifetimeMs: 600_000 }],
    ['without sub', token(es, without('sub')), 'claim-missing'],
    ['with an empty sub', changed({ sub: '' }), 'claim-malformed'],
    ['without aud', token(es, without('aud')), 'claim-missing'],
    ['for somebody else', changed({ aud: 'other' }), 'audience-wrong'],
    ['for an audience that begins alike', changed({ aud: 'api2' }), 'audience-wrong'],
    ['for nobody', changed({ aud: [] }), 'claim-malformed'],
    ['for an object', changed({ aud: { api: true } }), 'claim-malformed'],
    ['for more audiences than anybody has', changed({ aud: Array.from({ length: 33 }, () => 'api') }), 'claim-malformed'],
    ['without a scope that is needed', token(es), 'scope-missing', { scopes: ['read', 'admin'] }],
    ['with a scope that only contains the one needed', changed({ scope: 'readonly' }), 'scope-missing', { scopes: ['read'] }],
    ['with a scope that is a number', changed({ scope: 7 }), 'claim-malformed'],
    ['without a claim that is needed', token(es), 'claim-missing', { requiredClaims: [{ path: ['realm', 'roles'], values: ['ops'] }] }],
    ['without a role that is needed', changed({ realm: { roles: ['dev'] } }), 'claim-wrong', { requiredClaims: [{ path: ['realm', 'roles'], values: ['ops'] }] }],
    ['with a role that every object inherits', token(es), 'claim-missing', { requiredClaims: [{ path: ['constructor', 'name'], values: ['Object'] }] }],
  ])('%s', async (_name, text, expected, changes) => {
    expect(await reason(text, changes)).toBe(expected);
  });

  test('that is a MAC made with the public key (RFC 8725 §2.1)', async () => {
    const input = `${Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'two' })).toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    const publicPem = rsa.privateKey.export({ format: 'pem', type: 'pkcs8' });
    const text = `${input}.${createHmac('sha256', publicPem).update(input).digest('base64url')}`;
    expect(await reason(text)).toBe('algorithm-not-allowed');
  });
});

test('no text whatever is accepted, and none makes it throw', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.array(fc.base64String(), { maxLength: 6 }).map((parts) => parts.join('.'))), async (text) => {
      expect((await judge(text, keys)).accepted).toBe(false);
    }),
  );
});

test('one changed character anywhere makes it another token', async () => {
  const text = token(es);
  // The last character of a base64url text holds bits that no byte has.
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length - 2), fc.constantFrom('A', 'B', 'Z', 'a', 'b', 'z', '0', '9', '-', '_'), async (index, character) => {
      fc.pre(text[index] !== character && text[index] !== '.' && text[index + 1] !== '.');
      expect((await judge(text.slice(0, index) + character + text.slice(index + 1), keys)).accepted).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test('no refusal repeats what stands in the token', async () => {
  const secret = 'hunter2-4711';
  const decisions = await Promise.all([
    judge(token(es, { ...claims, iss: secret }), keys),
    judge(token(es, { ...claims, aud: secret }), keys),
    judge(token(es, { ...claims, exp: secret }), keys),
    judge(token(es, claims, { kid: secret }), keys),
    judge(token(es, claims, { typ: secret }), keys),
    judge(token(es, { ...claims, scope: secret }), keys, { scopes: ['read'] }),
  ]);
  for (const decision of decisions) {
    expect(decision.accepted).toBe(false);
    expect(JSON.stringify(decision)).not.toContain(secret);
  }
});

test('tightening a rule never allows more', async () => {
  const some = fc.subarray(['api', 'web', 'ops']);
  await fc.assert(
    fc.asyncProperty(some, some, fc.subarray(['read', 'write', 'admin']), async (audiences, aud, scopes) => {
      const text = token(es, { ...claims, aud });
      const strict = await judge(text, keys, { audiences, scopes, maxLifetimeMs: 310_000 });
      const lax = await judge(text, keys, { audiences: [...audiences, 'web'], scopes: scopes.slice(1) });
      if (strict.accepted) expect(lax.accepted).toBe(true);
    }),
    { numRuns: 50 },
  );
});

describe('tokens of a federated trust domain', () => {
  const id = 'spiffe://partner.example/ns/shop/sa/cart';
  const { iss: _iss, ...svid } = { ...claims, sub: id };
  const partner = { issuer: 'spiffe://partner.example', trustDomain: 'partner.example' };

  test('are accepted without iss, by the trust domain of their sub, and with what iss says', async () => {
    expect(await judge(token(es, svid), keys, partner)).toMatchObject({ accepted: true, subject: id, issuer: 'spiffe://partner.example' });
    expect(await judge(token(es, { ...svid, iss: partner.issuer }), keys, partner)).toMatchObject({ accepted: true });
    expect(await judge(token(es, { ...svid, iss: 'https://tokens.partner.example' }), keys, { ...partner, issuer: 'https://tokens.partner.example' })).toMatchObject({ accepted: true, issuer: 'https://tokens.partner.example' });
  });

  test.each<[string, object, object, string]>([
    ['of another trust domain, without iss', { ...svid, sub: 'spiffe://shop.example/ns/shop/sa/cart' }, partner, 'claim-missing'],
    ['of another trust domain, by its keys', { ...svid, iss: partner.issuer, sub: 'spiffe://shop.example/ns/shop/sa/cart' }, partner, 'claim-wrong'],
    ['of one that begins alike', { ...svid, iss: partner.issuer, sub: 'spiffe://partner.example.evil/x' }, partner, 'claim-wrong'],
    ['of the trust domain itself', { ...svid, iss: partner.issuer, sub: 'spiffe://partner.example' }, partner, 'claim-wrong'],
    ['with a path that climbs', { ...svid, iss: partner.issuer, sub: 'spiffe://partner.example/a/../b' }, partner, 'claim-wrong'],
    ['with an empty segment', { ...svid, iss: partner.issuer, sub: 'spiffe://partner.example/a//b' }, partner, 'claim-wrong'],
    ['with a line behind it', { ...svid, iss: partner.issuer, sub: `${id}\n` }, partner, 'claim-wrong'],
    ['of a person', { ...svid, iss: partner.issuer, sub: 'jane' }, partner, 'claim-wrong'],
    ['without iss, where the issuer has no bundle', svid, { issuer: 'spiffe://partner.example' }, 'claim-missing'],
    ['without iss, where its bundle goes by another iss', svid, { ...partner, issuer: 'https://tokens.partner.example' }, 'claim-missing'],
    ['without iss and for somebody else', { ...svid, aud: 'other' }, partner, 'audience-wrong'],
  ])('%s are refused', async (_what, payload, changes, reason) => {
    expect(await judge(token(es, payload), keys, changes)).toMatchObject({ accepted: false, reason });
  });
});

import { generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeSpiffeBundle, type JwtBundleKey, parseSpiffeBundle, parseTrustDomainName, type PublicJwk, type SpiffeBundle } from '../../src/spiffe/index.ts';
import { refusalOf } from './refusals.ts';

/** Two self-signed authorities, valid until 2126: P-256 and Ed25519. */
const ecBase64 =
  'MIIBizCCATGgAwIBAgIUba3mc3CqLF0IE8T3U9JpM5f+nf0wCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHcm9vdCBlYzAgFw0yNjExMjUwMDU5NTJaGA8yMTI2MTEwMTAwNTk1MlowEjEQMA4GA1UEAwwHcm9vdCBlYzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNUsoaTMJlsFcxA0GflrvWi9Ikby/+37G3JXGm0/p0zeD7x4m597KdG28G2i4Fx8NGVh6nwrmdEAZi/NOG6+Ak2jYzBhMB0GA1UdDgQWBBQcxw+uXS7OAqNtqpqfpzkJRVGOEzAfBgNVHSMEGDAWgBQcxw+uXS7OAqNtqpqfpzkJRVGOEzAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwICBDAKBggqhkjOPQQDAgNIADBFAiEAs1qz6I5aZtug2Nn51zYva1O3soez3p6ZpV8X9wCDZzICIG9Rf2dzMKkmaBGaqDhkBK6hQSjdmjJvBGxgex47Nkzx';
const edBase64 =
  'MIIBSjCB/aADAgECAhROVD/g1ZoyDvpX3RJW2TsySeryAzAFBgMrZXAwEjEQMA4GA1UEAwwHcm9vdCBlZDAgFw0yNjExMjUwMDU5NTJaGA8yMTI2MTEwMTAwNTk1MlowEjEQMA4GA1UEAwwHcm9vdCBlZDAqMAUGAytlcAMhALixNeen4r6Y2DgrJc5NDDKivdaKwanStvYDBPEXwt8go2MwYTAdBgNVHQ4EFgQUy29AqIQk6ekpvnltqbGzZIcicQ8wHwYDVR0jBBgwFoAUy29AqIQk6ekpvnltqbGzZIcicQ8wDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAgQwBQYDK2VwA0EAhrZiFQ0CI3/5BUxDQeexcknqZb+LEsMKjYds7X3jPoSsBnjebfjqWYQhocKF73lYYQt0gc2zMtf1ffSRcWZRAA==';
const ecRoot = new Uint8Array(Buffer.from(ecBase64, 'base64'));
const edRoot = new Uint8Array(Buffer.from(edBase64, 'base64'));
const trustDomain = parseTrustDomainName('shop.example');
const publicJwk = (algorithm: 'ec' | 'rsa'): PublicJwk => {
  const pair = algorithm === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return pair.publicKey.export({ format: 'jwk' }) as PublicJwk;
};
const jwtKeys: readonly JwtBundleKey[] = [
  { keyId: 'b', jwk: publicJwk('rsa') },
  { keyId: 'a', jwk: publicJwk('ec') },
];
const bundle: SpiffeBundle = { trustDomain, x509Roots: [ecRoot, edRoot], jwtKeys, sequence: 7n, refreshHintSeconds: 300 };
const read = (text: string): ReturnType<typeof parseSpiffeBundle> => parseSpiffeBundle(text, trustDomain);
const readKeys = (...keys: readonly unknown[]): ReturnType<typeof parseSpiffeBundle> => read(JSON.stringify({ keys }));
const x509 = (members: object): object => ({ kty: 'EC', use: 'x509-svid', x5c: [ecBase64], ...members });

describe('encodeSpiffeBundle', () => {
  test('writes what the standard demands of each element (SPIFFE-18 to 23)', () => {
    const document = JSON.parse(encodeSpiffeBundle(bundle)) as { readonly keys: readonly Record<string, unknown>[] };
    expect(document).toMatchObject({ spiffe_sequence: 7, spiffe_refresh_hint: 300 });
    expect(document.keys.map(({ use, kty, kid }) => [use, kty, kid])).toEqual([
      ['x509-svid', 'OKP', undefined],
      ['x509-svid', 'EC', undefined],
      ['jwt-svid', 'EC', 'a'],
      ['jwt-svid', 'RSA', 'b'],
    ]);
    expect(document.keys[1]).toMatchObject({ x5c: [ecBase64], crv: 'P-256' });
  });

  test('is the same text whatever the order, and without repetitions', () => {
    const shuffled = { ...bundle, x509Roots: [edRoot, ecRoot, new Uint8Array(edRoot)], jwtKeys: [...jwtKeys].reverse() };
    expect(encodeSpiffeBundle(shuffled)).toBe(encodeSpiffeBundle(bundle));
  });

  test('an empty bundle still has keys: everything is revoked (SPIFFE-18)', () => {
    const text = encodeSpiffeBundle({ ...bundle, x509Roots: [], jwtKeys: [] });
    expect(JSON.parse(text)).toMatchObject({ keys: [] });
  });

  test('never writes private members of a key', () => {
    const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    const text = encodeSpiffeBundle({ ...bundle, jwtKeys: [{ keyId: 'a', jwk: jwk as PublicJwk }] });
    expect(text).not.toContain(jwk.d);
  });

  test.each([
    ['a negative sequence', { sequence: -1n }, 'SPIFFE-19'],
    ['a sequence beyond 64 bits', { sequence: 2n ** 64n }, 'SPIFFE-19'],
    ['a fraction of a second', { refreshHintSeconds: 0.5 }, 'SPIFFE-20'],
    ['a negative refresh hint', { refreshHintSeconds: -1 }, 'SPIFFE-20'],
    ['one kid twice', { jwtKeys: [jwtKeys[0], jwtKeys[0]] as SpiffeBundle['jwtKeys'] }, 'SPIFFE-23'],
    ['an empty kid', { jwtKeys: [{ keyId: '', jwk: publicJwk('ec') }] }, 'SPIFFE-23'],
  ])('refuses %s', (_, change, rule) => {
    expect(refusalOf(() => encodeSpiffeBundle({ ...bundle, ...change }))).toMatchObject({ code: 'SPIFFE_BUNDLE_INVALID', details: { rule } });
  });
});

describe('parseSpiffeBundle', () => {
  test('reads back what was written, for every 64-bit sequence (SPIFFE-19)', () => {
    fc.assert(
      fc.property(
        fc.subarray([edRoot, ecRoot]),
        fc.subarray([...jwtKeys].reverse()),
        fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(2n ** 53n + 1n, 2n ** 64n - 1n)),
        fc.option(fc.nat(), { nil: undefined }),
        (x509Roots, jwtKeys, sequence, refreshHintSeconds) => {
          const written = { trustDomain, x509Roots, jwtKeys, sequence, refreshHintSeconds };
          expect(read(encodeSpiffeBundle(written))).toEqual({ bundle: written, dropped: [] });
        },
      ),
      { numRuns: 30 },
    );
  });

  test('takes a document without sequence and hint, and with members that it does not know (SPIFFE-24)', () => {
    const { bundle } = read('{"keys":[],"unknown":{"spiffe_sequence":1e400},"__proto__":{"keys":1}}');
    expect(bundle).toEqual({ trustDomain, x509Roots: [], jwtKeys: [], sequence: 0n, refreshHintSeconds: undefined });
  });

  test('takes the first of several certificates in x5c (SPIFFE-22)', () => {
    expect(readKeys(x509({ x5c: [ecBase64, edBase64] }))).toMatchObject({ bundle: { x509Roots: [ecRoot] }, dropped: [] });
  });

  test.each([
    ['an unknown use', { kty: 'EC', use: 'sig' }, 'unknown use "sig"'],
    ['a use in another case', x509({ use: 'X509-SVID' }), 'unknown use'],
    ['no use', { kty: 'EC' }, 'no use'],
    ['no kty', x509({ kty: undefined }), 'no kty'],
    ['no object', 'x', 'not an object'],
    ['null', null, 'not an object'],
    ['no x5c', x509({ x5c: undefined }), 'no x5c'],
    ['an empty x5c', x509({ x5c: [] }), 'no x5c'],
    ['x5c that is not base64', x509({ x5c: ['-'] }), 'not base64'],
    ['x5c that is no certificate', x509({ x5c: ['AAAA'] }), 'not a DER certificate'],
    ['x5c with bytes behind the certificate', x509({ x5c: [Buffer.concat([ecRoot, Buffer.alloc(3)]).toString('base64')] }), 'after the certificate'],
    ['a JWT key without kid', { ...jwtKeys[1]?.jwk, use: 'jwt-svid' }, 'no kid'],
    ['a JWT key that is symmetric', { kty: 'oct', k: 'AAAA', kid: 'x', use: 'jwt-svid' }, 'symmetric'],
    ['a JWT key that is private', { ...jwtKeys[1]?.jwk, d: 'AAAA', kid: 'x', use: 'jwt-svid' }, 'private'],
    ['a JWT key of Ed25519', { kty: 'OKP', crv: 'Ed25519', x: 'AAAA', kid: 'x', use: 'jwt-svid' }, 'neither an EC nor an RSA'],
    ['a JWT key that is not on its curve', { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'x', use: 'jwt-svid' }, 'not a valid public key'],
  ])('drops the element with %s, and keeps the rest (SPIFFE-21)', (_, element, why) => {
    const { bundle, dropped } = readKeys(element, x509({}));
    expect(bundle.x509Roots).toEqual([ecRoot]);
    expect(dropped).toHaveLength(1);
    expect(dropped[0]).toMatch(/^keys\[0\] /u);
    expect(dropped[0]).toContain(why);
  });

  test('drops what repeats an earlier element, and says so', () => {
    const jwt = { ...jwtKeys[1]?.jwk, use: 'jwt-svid', kid: 'a' };
    const { bundle, dropped } = readKeys(x509({}), x509({}), jwt, { ...jwtKeys[0]?.jwk, use: 'jwt-svid', kid: 'a' });
    expect([bundle.x509Roots.length, bundle.jwtKeys]).toEqual([1, [jwtKeys[1]]]);
    expect(dropped).toEqual(['keys[1] repeats an earlier certificate', 'keys[3] repeats the kid "a" (SPIFFE-23)']);
  });

  test.each([
    ['no JSON', 'x', 'SPIFFE-18'],
    ['an empty text', '', 'SPIFFE-18'],
    ['an array', '[]', 'SPIFFE-18'],
    ['null', 'null', 'SPIFFE-18'],
    ['no keys', '{}', 'SPIFFE-18'],
    ['keys that are no array', '{"keys":{}}', 'SPIFFE-18'],
    ['too many elements', JSON.stringify({ keys: Array.from({ length: 1025 }, () => 0) }), 'SPIFFE-18'],
    ['more than 1 MiB', `{"keys":[],"x":"${'x'.repeat(1024 * 1024)}"}`, 'SPIFFE-18'],
    ['more than 1 MiB in bytes alone', `{"keys":[],"x":"${'é'.repeat(600_000)}"}`, 'SPIFFE-18'],
    ['a depth bomb', `{"keys":${'['.repeat(200_000)}`, 'SPIFFE-18'],
    ['a negative sequence', '{"keys":[],"spiffe_sequence":-1}', 'SPIFFE-19'],
    ['a fractional sequence', '{"keys":[],"spiffe_sequence":1.5}', 'SPIFFE-19'],
    ['a sequence in exponents', '{"keys":[],"spiffe_sequence":1e3}', 'SPIFFE-19'],
    ['a sequence beyond 64 bits', '{"keys":[],"spiffe_sequence":18446744073709551616}', 'SPIFFE-19'],
    ['a sequence as text', '{"keys":[],"spiffe_sequence":"1"}', 'SPIFFE-19'],
    ['a sequence that is an object', '{"keys":[],"spiffe_sequence":{"digits":"1"}}', 'SPIFFE-19'],
    ['a fractional refresh hint', '{"keys":[],"spiffe_refresh_hint":0.5}', 'SPIFFE-20'],
    ['a refresh hint as text', '{"keys":[],"spiffe_refresh_hint":"300"}', 'SPIFFE-20'],
  ])('refuses %s', (_, text, rule) => {
    const error = refusalOf(() => read(text));
    expect(error).toMatchObject({ code: 'SPIFFE_BUNDLE_INVALID', details: { trustDomain: 'shop.example', rule } });
    expect(error.message.length).toBeLessThan(400);
  });

  test('a depth bomb that is well-formed is refused or read, and never crashes', () => {
    const depth = 200_000;
    const text = `{"keys":[],"x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    try {
      expect(read(text).bundle.x509Roots).toEqual([]);
    } catch (error) {
      expect(error).toMatchObject({ code: 'SPIFFE_BUNDLE_INVALID' });
    }
  });
});

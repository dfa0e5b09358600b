/** Key sets of issuers as they are in the field: what is usable is used, the rest is named. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { readKeySet } from '../../src/tokens/index.ts';
import { signingKey } from './tokens.ts';

const { jwk } = signingKey('ES256', 'good');
const rsa = signingKey('RS256', 'rsa').jwk;
const read = (...keys: readonly unknown[]) => readKeySet(JSON.stringify({ keys }));

test('a key is read, with the algorithms that it may be used with', () => {
  expect(read(jwk, { ...rsa, alg: undefined }, { ...rsa, alg: 'PS256' })?.keys.map(({ kid, algorithms }) => ({ kid, algorithms }))).toEqual([
    { kid: 'good', algorithms: ['ES256'] },
    { kid: 'rsa', algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] },
    { kid: 'rsa', algorithms: ['PS256'] },
  ]);
});

test.each<[string, unknown, RegExp]>([
  ['no object', 'key', /no object/u],
  ['of another use', { ...jwk, use: 'enc' }, /use/u],
  ['for other operations', { ...jwk, key_ops: ['sign'] }, /key_ops/u],
  ['with an alg of another kind', { ...jwk, alg: 'RS256' }, /alg/u],
  ['symmetric', { kty: 'oct', k: 'c2VjcmV0' }, /symmetric/u],
  ['private', { ...jwk, d: 'c2VjcmV0' }, /private/u],
  ['of an unknown type', { kty: 'AKP', pub: 'x' }, /kty/u],
  ['on an unknown curve', { ...jwk, crv: 'secp256k1' }, /curve/u],
  ['on a curve named after what every object has', { ...jwk, crv: 'constructor' }, /curve/u],
  ['off its curve', { ...jwk, x: Buffer.alloc(32, 1).toString('base64url') }, /valid/u],
  ['with a kid that is no text', { ...jwk, kid: 7 }, /kid/u],
  ['of 1024 bits', { ...generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }) }, /1024/u],
])('a key that is %s is dropped and named, the others stay', (_name, bad, why) => {
  const set = read(bad, jwk);
  expect(set?.keys.map(({ kid }) => kid)).toEqual(['good']);
  expect(set?.dropped).toEqual([expect.stringMatching(why) as string]);
});

test('keys beyond the bound are not looked at', () => {
  const set = read(...Array.from({ length: 70 }, () => jwk));
  expect(set?.keys).toHaveLength(64);
  expect(set?.dropped).toEqual(['6 keys beyond the first 64']);
});

test.each(['', 'null', '[]', '{}', '{"keys":{}}', '<html>'])('%j is no key set', (text) => {
  expect(readKeySet(text)).toBeUndefined();
});

test('an empty key set is one: the issuer has withdrawn every key', () => {
  expect(read()).toEqual({ keys: [], dropped: [] });
});

test('of a SPIFFE bundle, the keys of JWT-SVIDs are read and nothing besides is a mistake; a key set has none of them', () => {
  const svid = { ...jwk, use: 'jwt-svid' };
  const bundle = [{ ...jwk, kid: 'root', use: 'x509-svid' }, svid, { ...jwk, use: 'future' }, { ...svid, crv: 'secp256k1' }];
  const set = readKeySet(JSON.stringify({ keys: bundle, spiffe_sequence: 7 }), 'jwt-svid');
  expect([set?.keys.map(({ kid }) => kid), set?.dropped]).toEqual([['good'], [expect.stringMatching(/curve/u)]]);
  expect([read(svid)?.keys, read(svid)?.dropped]).toEqual([[], [expect.stringMatching(/use/u)]]);
});

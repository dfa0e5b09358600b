import { expect, test } from 'vitest';
import { parseTrustDomainName } from '../../src/spiffe/index.ts';
import { refusalOf } from './refusals.ts';

test.each(['shop.example', 'a', '10.1.2.3', 'a_b-c.d', '..', 'a'.repeat(255)])('takes %j', (text) => {
  expect(parseTrustDomainName(text)).toBe(text);
});

test.each([
  ['an empty name', '', 'SPIFFE-2', 'is empty'],
  ['upper case', 'Shop.Example', 'SPIFFE-5', 'write "shop.example"'],
  ['a SPIFFE ID', 'spiffe://shop.example', 'SPIFFE-2', 'without "spiffe://"'],
  ['a port', 'shop.example:443', 'SPIFFE-2', '":" is not allowed'],
  ['a path', 'shop.example/cart', 'SPIFFE-2', '"/" is not allowed'],
  ['percent-encoding', 'shop%2eexample', 'SPIFFE-2', '"%" is not allowed'],
  ['Unicode', 'bücher.example', 'SPIFFE-2', '"ü" is not allowed'],
  ['a line feed at the end', 'shop.example\n', 'SPIFFE-2', String.raw`"\n" is not allowed`],
  ['256 characters', 'a'.repeat(256), 'SPIFFE-2', 'at most 255'],
])('refuses %s', (_, text, rule, hint) => {
  const error = refusalOf(() => parseTrustDomainName(text));
  expect(error).toMatchObject({ code: 'SPIFFE_TRUST_DOMAIN_INVALID', details: { rule } });
  expect(error.message).toContain(hint);
});

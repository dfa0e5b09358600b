import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDnsName } from '../../src/spiffe/index.ts';
import { refusalOf } from './refusals.ts';

test.each(['cart', 'cart.shop.svc.cluster.local', 'xn--bcher-kva.example', '1password.example', 'a-b.c', `${'a'.repeat(63)}.b`, `${'a.'.repeat(126)}b`])(
  'takes %j as it is',
  (text) => expect(parseDnsName(text)).toBe(text),
);

test.each([
  ['an empty name', '', 'is empty'],
  ['a wildcard', '*.shop.svc', 'list each name'],
  ['a wildcard inside', 'a.*.svc', 'list each name'],
  ['an IPv4 address', '10.0.0.1', 'is an IP address'],
  ['an IPv6 address', '2001:db8::1', 'is an IP address'],
  ['an IPv6 address in brackets', '[::1]', 'is an IP address'],
  ['a short IPv4 address', '10.1', 'reads as an IP address'],
  ['an IPv4 address as one number', '2130706433', 'reads as an IP address'],
  ['an IPv4 address in hexadecimal', '0x7f000001', 'reads as an IP address'],
  ['upper case', 'Cart.Shop.svc', 'write "cart.shop.svc"'],
  ['a trailing dot', 'cart.shop.svc.', 'write "cart.shop.svc"'],
  ['a lone dot', '.', 'ends with a dot'],
  ['Unicode', 'bücher.example', 'write its punycode form "xn--bcher-kva.example"'],
  ['Unicode with a trailing dot', 'bücher.example.', 'write its punycode form "xn--bcher-kva.example"'],
  ['a control character', 'a\u0000.example', 'no punycode form'],
  ['an underscore', 'my_cart.svc', 'write "my-cart.svc"'],
  ['an empty label', 'cart..svc', 'empty label'],
  ['a leading dot', '.svc', 'empty label'],
  ['a label of 64', `${'a'.repeat(64)}.svc`, 'shorten it to 63'],
  ['254 characters', `${'a.'.repeat(126)}bc`, 'shorten it to 253'],
  ['a megabyte', 'a'.repeat(1_000_000), 'shorten it to 253'],
  ['a hyphen in front', '-a.svc', 'starts or ends with a hyphen'],
  ['a hyphen at the end of a label', 'a-.svc', 'starts or ends with a hyphen'],
  ['a URL', 'https://cart.svc', 'host name alone'],
  ['a port', 'cart.svc:443', 'write "cart.svc"'],
  ['a space', 'cart svc', 'it has " "'],
  ['punycode that stands for nothing', 'xn--a.example', 'not punycode'],
])('refuses %s', (_, text, hint) => {
  const error = refusalOf(() => parseDnsName(text));
  expect(error.code).toBe('DNS_NAME_INVALID');
  expect(error.message).toContain(hint);
  expect(error.message.length).toBeLessThan(600);
});

test('whatever is accepted is a lower-case host name, unchanged', () => {
  fc.assert(
    fc.property(fc.oneof(fc.domain(), fc.string({ unit: fc.constantFrom(...Array.from('aZ0-._*x:é')) }), fc.ipV4(), fc.ipV6()), (text) => {
      try {
        expect(parseDnsName(text)).toBe(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'DNS_NAME_INVALID' });
        return;
      }
      expect(text).toMatch(/^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/u);
    }),
    { numRuns: 1000 },
  );
});

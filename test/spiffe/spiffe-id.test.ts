import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSpiffeId, parseTrustDomainName, requireSpiffeId, SpiffeId, workloadSpiffeId } from '../../src/spiffe/index.ts';
import { refusalOf } from './refusals.ts';

const segmentCharacters = Array.from('ABCXYZabcxyz019._-');
const segment = fc.string({ unit: fc.constantFrom(...segmentCharacters), minLength: 1, maxLength: 20 }).filter((text) => text !== '.' && text !== '..');
const trustDomain = fc.string({ unit: fc.constantFrom(...Array.from('abcxyz019._-')), minLength: 1, maxLength: 255 });
const path = fc.array(segment, { maxLength: 8 }).map((segments) => segments.map((text) => `/${text}`).join(''));

describe('parseSpiffeId', () => {
  test('splits a workload ID', () => {
    const id = parseSpiffeId('spiffe://shop.example/ns/shop/sa/Cart');
    expect(id).toBeInstanceOf(SpiffeId);
    expect(id.trustDomain).toBe('shop.example');
    expect(id.path).toBe('/ns/shop/sa/Cart');
    expect(JSON.stringify({ id })).toBe('{"id":"spiffe://shop.example/ns/shop/sa/Cart"}');
  });

  test("takes a trust domain's own ID", () => {
    expect(parseSpiffeId('spiffe://shop.example').path).toBe('');
  });

  test('takes 2,048 bytes and not one more (SPIFFE-4)', () => {
    const longest = `spiffe://a/${'b'.repeat(2048 - 11)}`;
    expect(parseSpiffeId(longest).toString()).toBe(longest);
    expect(refusalOf(() => parseSpiffeId(`${longest}b`)).details).toMatchObject({ rule: 'SPIFFE-4' });
  });

  test('text of any well-formed ID comes back as it was', () => {
    fc.assert(
      fc.property(trustDomain, path, (name, path) => {
        const text = `spiffe://${name}${path}`;
        const id = parseSpiffeId(text);
        expect([id.toString(), id.trustDomain, id.path]).toEqual([text, name, path]);
      }),
    );
  });

  test('whatever is accepted is made of allowed characters only', () => {
    const text = fc.oneof(fc.webUrl().map((url) => url.replace(/^https?/u, 'spiffe')), fc.string({ unit: 'binary' }).map((tail) => `spiffe://a/${tail}`));
    fc.assert(
      fc.property(text, (text) => {
        try {
          parseSpiffeId(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'SPIFFE_ID_INVALID' });
          return;
        }
        expect(text).toMatch(/^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/[A-Za-z0-9._-]+)*$/u);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['an empty text', '', 'SPIFFE-1'],
    ['another scheme', 'https://shop.example/cart', 'SPIFFE-1'],
    ['a space in front', ' spiffe://shop.example/cart', 'SPIFFE-1'],
    ['an upper-case scheme', 'SPIFFE://shop.example/cart', 'SPIFFE-5'],
    ['an upper-case trust domain', 'spiffe://Shop.example/cart', 'SPIFFE-5'],
    ['a port', 'spiffe://shop.example:443/cart', 'SPIFFE-1'],
    ['an empty port', 'spiffe://shop.example:/cart', 'SPIFFE-1'],
    ['user info', 'spiffe://me@shop.example/cart', 'SPIFFE-1'],
    ['a query', 'spiffe://shop.example/cart?', 'SPIFFE-1'],
    ['a fragment', 'spiffe://shop.example/cart#', 'SPIFFE-1'],
    ['no trust domain', 'spiffe:///cart', 'SPIFFE-2'],
    ['nothing but the scheme', 'spiffe://', 'SPIFFE-2'],
    ['an IPv6 literal', 'spiffe://[::1]/cart', 'SPIFFE-2'],
    ['percent-encoding in the trust domain', 'spiffe://shop%2Eexample/cart', 'SPIFFE-2'],
    ['the root path', 'spiffe://shop.example/', 'SPIFFE-3'],
    ['a trailing slash', 'spiffe://shop.example/cart/', 'SPIFFE-3'],
    ['an empty segment', 'spiffe://shop.example/a//b', 'SPIFFE-3'],
    ['a dot-dot segment', 'spiffe://shop.example/a/../b', 'SPIFFE-3'],
    ['percent-encoding in the path', 'spiffe://shop.example/%63art', 'SPIFFE-3'],
    ['a line feed at the end', 'spiffe://shop.example/cart\n', 'SPIFFE-3'],
    ['a Cyrillic letter', 'spiffe://shop.example/c\u0430rt', 'SPIFFE-3'],
  ])('refuses %s', (_, text, rule) => {
    const error = refusalOf(() => parseSpiffeId(text));
    expect(error.code).toBe('SPIFFE_ID_INVALID');
    expect(error.details).toEqual({ value: text, rule });
    expect(error.message).toContain(rule);
  });

  test('a hostile text stays short and harmless in the message', () => {
    const error = refusalOf(() => parseSpiffeId(`spiffe://a/\u001b[2J\u202e${'x'.repeat(100_000)}`));
    expect(error.message.length).toBeLessThan(400);
    expect(error.message).not.toMatch(/[\p{Cc}\u202e]/u);
  });
});

describe('requireSpiffeId', () => {
  test('takes a constant', () => expect(requireSpiffeId('spiffe://a/b').toString()).toBe('spiffe://a/b'));
  test('crashes on a constant that is wrong', () => expect(() => requireSpiffeId('spiffe://A')).toThrow(TypeError));
});

describe('workloadSpiffeId', () => {
  const trustDomain = parseTrustDomainName('shop.example');

  test('joins trust domain and path', () => {
    expect(workloadSpiffeId(trustDomain, '/cart').toString()).toBe('spiffe://shop.example/cart');
  });

  test.each([
    ['no path', '', 'SPIFFE-7'],
    ['the root path', '/', 'SPIFFE-7'],
    ['a path that does not start with a slash', 'cart', 'SPIFFE-3'],
    ['a path that goes on with the trust domain', '.evil.example/cart', 'SPIFFE-3'],
    ['a query', '/cart?x', 'SPIFFE-3'],
    ['a path that is too long', `/${'a'.repeat(2048)}`, 'SPIFFE-4'],
  ])('refuses %s', (_, path, rule) => {
    expect(refusalOf(() => workloadSpiffeId(trustDomain, path))).toMatchObject({ code: 'SPIFFE_ID_INVALID', details: { rule } });
  });
});

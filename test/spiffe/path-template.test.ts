import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expandPathTemplate } from '../../src/spiffe/index.ts';
import { refusalOf } from './refusals.ts';

const values = { namespace: 'shop', serviceAccount: 'cart.v2' };

test.each([
  ['/ns/{namespace}/sa/{serviceAccount}', '/ns/shop/sa/cart.v2'],
  ['/{serviceAccount}/{namespace}', '/cart.v2/shop'],
  ['/prod/ns-{namespace}/sa-{serviceAccount}-x', '/prod/ns-shop/sa-cart.v2-x'],
  ['/{namespace}/{serviceAccount}/{namespace}', '/shop/cart.v2/shop'],
])('fills in %s', (template, path) => {
  expect(expandPathTemplate(template, values)).toBe(path);
});

test.each([
  ['no namespace', '/sa/{serviceAccount}', 'lacks {namespace}'],
  ['no service account', '/ns/{namespace}', 'lacks {serviceAccount}'],
  ['an unknown placeholder', '/{namespace}/{serviceAccount}/{pod}', '{pod} is unknown'],
  ['a placeholder in another case', '/{Namespace}/{serviceAccount}', '{Namespace} is unknown'],
  ['a name that every object inherits', '/{namespace}/{serviceAccount}/{constructor}', '{constructor} is unknown'],
  ['two placeholders in one segment', '/{namespace}-{serviceAccount}', 'two placeholders'],
  ['no leading slash', 'ns/{namespace}/sa/{serviceAccount}', 'must start with "/"'],
  ['a trailing slash', '/{namespace}/{serviceAccount}/', 'ends with "/"'],
  ['an empty segment', '/{namespace}//{serviceAccount}', 'empty segment'],
  ['a dot-dot segment', '/{namespace}/../{serviceAccount}', 'segment ".."'],
  ['a lone brace', '/{namespace}/{serviceAccount}/{', 'the path has'],
  ['a query', '/{namespace}/{serviceAccount}?x', 'the path has'],
])('refuses %s', (_, template, hint) => {
  const error = refusalOf(() => expandPathTemplate(template, values));
  expect(error.code).toBe('SPIFFE_PATH_TEMPLATE_INVALID');
  expect(error.message).toContain(hint);
});

describe('values', () => {
  test.each(['', 'a/b', '..', '{serviceAccount}', 'a b', '%2f'])('refuses the namespace %j', (namespace) => {
    expect(refusalOf(() => expandPathTemplate('/{namespace}/{serviceAccount}', { ...values, namespace })).code).toBe('SPIFFE_PATH_TEMPLATE_INVALID');
  });

  test('two workloads never share a path', () => {
    const name = fc.string({ unit: fc.constantFrom(...Array.from('ab-.')), minLength: 1, maxLength: 4 }).filter((text) => text !== '.' && text !== '..');
    const pair = fc.record({ namespace: name, serviceAccount: name });
    const literal = fc.string({ unit: fc.constantFrom(...Array.from('ab-.')), maxLength: 3 });
    const template = fc
      .tuple(literal, literal, literal, literal, fc.boolean())
      .map(([a, b, c, d, swap]) => (swap ? `/x/${a}{serviceAccount}${b}/${c}{namespace}${d}` : `/${a}{namespace}${b}/${c}{serviceAccount}${d}`));
    fc.assert(
      fc.property(template, pair, pair, (template, one, other) => {
        const same = expandPathTemplate(template, one) === expandPathTemplate(template, other);
        expect(same).toBe(one.namespace === other.namespace && one.serviceAccount === other.serviceAccount);
      }),
    );
  });
});

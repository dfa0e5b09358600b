/** Keystores that no tool at hand writes: keys without aliases, with the same one, without a chain. */
import { expect, test } from 'vitest';
import { chainOfKeystore } from '../../src/cli/keystore-chain.ts';
import { type Pkcs12Content, parseCertificate } from '../../src/x509/index.ts';
import { derOf, rootLink } from '../fuzz/forged-chain.ts';

const certificate = parseCertificate(derOf(rootLink()));
const entry = (alias: string | undefined, chain = [certificate]): Pkcs12Content['entries'][number] => ({ alias, privateKey: undefined, chain });
const chosen = (entries: Pkcs12Content['entries'], alias?: string) => chainOfKeystore('own.p12', { entries, trusted: [], others: [], profile: 'Modern' }, alias);

test('the only key needs no alias', () => expect(chosen([entry(undefined)])).toEqual([certificate]));
test('one of several is found by its alias, though others have none', () => expect(chosen([entry(undefined, []), entry('cart')], 'cart')).toEqual([certificate]));

test.each([
  ['no key at all', [], undefined, 'holds no private key with a chain: name a keystore with a key and its chain; a trust store goes to --bundle.'],
  ['a key without a chain', [entry(undefined, [])], undefined, 'holds a private key without a chain: export it again with its certificates.'],
  ['a named key without a chain', [entry('cart', []), entry('web')], 'cart', 'holds the private key "cart" without a chain: export it again with its certificates.'],
  ['several, of which one has an alias', [entry('cart'), entry(undefined)], undefined, 'holds 2 private keys: choose one by --alias ("cart").'],
  ['several without aliases', [entry(undefined), entry(undefined)], undefined, 'holds 2 private keys: none has an alias: export the one that is meant by itself.'],
  ['an alias, and keys that have none', [entry(undefined)], 'cart', 'holds no private key with the alias "cart": its keys have no aliases; leave --alias out.'],
  ['several of one alias', [entry('cart'), entry('cart')], 'cart', 'holds 2 private keys with the alias "cart": give them aliases of their own.'],
  ['an alias that moves the cursor', [entry('a\u{1b}[2J')], 'cart', String.raw`holds no private key with the alias "cart": there is "a\u{1b}[2J".`],
] as const)('%s', (_what, entries, alias, sentence) => {
  expect(() => chosen(entries, alias)).toThrow(expect.objectContaining({ code: 'CONFIGURATION_INVALID', message: `own.p12 ${sentence}` }));
});

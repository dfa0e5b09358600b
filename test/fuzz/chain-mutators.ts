/** Ways in which a chain can differ from a sound one: each keeps all signatures valid unless it is about them. */
import { encodeElement } from '../../src/x509/der-writer.ts';
import type { Random } from '../model/random.ts';
import { type ChainPlan, makeChain, soundPlan, withExtensions, withFields, withMore } from './chain-plan.ts';
import { derivedKey, rsaPublicKeyOfNobody } from './derived-key.ts';
import { extensionOf, generalName, type Purpose, type Usage } from './forge.ts';
import { atMs, cartId, type Changes, type ExtensionName, trustDomain } from './forged-chain.ts';

export interface Mutator {
  readonly name: string;
  readonly apply: (plan: ChainPlan, random: Random) => void;
}

const usages: readonly Usage[] = ['digitalSignature', 'contentCommitment', 'keyEncipherment', 'dataEncipherment', 'keyAgreement', 'keyCertSign', 'cRLSign'];
const purposes: readonly Purpose[] = ['serverAuth', 'clientAuth', 'codeSigning', 'any'];
const dayMs = 86_400_000;

function subset<T>(items: readonly T[], random: Random): readonly T[] {
  const chosen = items.filter(() => random.chance(0.5));
  return chosen.length > 0 ? chosen : [random.pick(items)];
}

const goodUris = [cartId, `${cartId}-2`, `spiffe://${trustDomain}/a`, `spiffe://${trustDomain}/A.b_c-d/...`, `spiffe://${trustDomain}/`.padEnd(2048, 'a')];
const badUris = [
  `https://${trustDomain}/cart`,
  `spiffe://${trustDomain}`,
  `spiffe://${trustDomain}/`,
  `${cartId}/`,
  `${cartId}?a=b`,
  `${cartId}#a`,
  `spiffe://${trustDomain}:80/cart`,
  `spiffe://me@${trustDomain}/cart`,
  'spiffe:///cart',
  `spiffe://${trustDomain}//cart`,
  `spiffe://${trustDomain}/./cart`,
  `spiffe://${trustDomain}/c%61rt`,
  `spiffe://${trustDomain}/my cart`,
  'spiffe://Shop.example/cart',
  'SPIFFE://shop.example/cart',
  'spiffe://shop%2eexample/cart',
  'spiffe://[::1]/cart',
  'spiffe://other.example/cart',
  `spiffe://${trustDomain}/`.padEnd(2049, 'a'),
  'urn:uuid:6b29fc40-ca47-1067-b31d-00dd010662da',
  'cart',
  '',
];
const dnsNames = ['cart.shop.svc', 'CART.shop.svc', '*.shop.svc', '*', 'a_b.shop.svc', 'cart.shop.svc.', '.shop.svc', 'a..b', 'x'.repeat(64), '', 'cart shop', '10.0.0.1'];
const emails = ['cart@shop.example', 'cart', ''];

const validities: readonly (readonly [name: string, from: number, to: number])[] = [
  ['expired', -2 * dayMs, -dayMs],
  ['expired for one second', -dayMs, -1000],
  ['valid for this second only', 0, 0],
  ['from the future', dayMs, 2 * dayMs],
  ['from the next second', 1000, dayMs],
  ['ending before it begins', dayMs, -dayMs],
  ['until after 2050', -dayMs, 30 * 365 * dayMs],
];

const serials: readonly (readonly [name: string, hex: string])[] = [
  ['of zero', '00'],
  ['of one', '01'],
  ['that is negative', '8001'],
  ['of 20 octets', '7f'.repeat(20)],
  ['of 21 octets', '7f'.repeat(21)],
  ['with a needless octet', '0001'],
];

/** What can be wrong with any certificate, wherever it stands. */
function ofAny(where: string, change: (plan: ChainPlan, make: (changes: Changes) => Changes) => void): readonly Mutator[] {
  const one = (name: string, make: (random: Random) => (changes: Changes) => Changes): Mutator => ({
    name: `${where} ${name}`,
    apply: (plan, random) => change(plan, make(random)),
  });
  const without = (extension: ExtensionName): Mutator => one(`without ${extension}`, () => (changes) => withExtensions(changes, { [extension]: undefined }));
  return [
    ...(['basicConstraints', 'keyUsage', 'subjectAltName', 'subjectKeyIdentifier', 'authorityKeyIdentifier'] as const).map(without),
    ...validities.map(([name, from, to]) => one(name, () => (changes) => withFields(changes, { notBeforeMs: atMs + from, notAfterMs: atMs + to }))),
    ...serials.map(([name, hex]) => one(`with a serial number ${name}`, () => (changes) => withFields(changes, { serial: Buffer.from(hex, 'hex') }))),
    one('with any keyUsage', (random) => (changes) => withExtensions(changes, { keyUsage: extensionOf.keyUsage(subset(usages, random), random.chance(0.8)) })),
    one('with an empty keyUsage', () => (changes) => withExtensions(changes, { keyUsage: extensionOf.keyUsage([]) })),
    one('with any extKeyUsage', (random) => (changes) => withExtensions(changes, { extendedKeyUsage: extensionOf.extendedKeyUsage(subset(purposes, random), random.chance(0.3)) })),
    one('with any basicConstraints', (random) => (changes) =>
      withExtensions(changes, { basicConstraints: extensionOf.basicConstraints(random.chance(0.5), random.pick([undefined, 0, 1, 2, 300]), random.chance(0.8)) })),
    one('with any critical extension', (random) => (changes) => withMore(changes, extensionOf.unknown(random.chance(0.7)))),
    one('with keyUsage twice', () => (changes) => withMore(changes, extensionOf.keyUsage(['digitalSignature', 'keyCertSign']))),
    one('with two unknown extensions alike', () => (changes) => withMore(withMore(changes, extensionOf.unknown(false)), extensionOf.unknown(false))),
    one('with a critical subjectKeyIdentifier', () => (changes) => withExtensions(changes, { subjectKeyIdentifier: extensionOf.subjectKeyIdentifier(Buffer.alloc(20, 7), true) })),
    one('with the authorityKeyIdentifier of another key', (random) => (changes) =>
      withExtensions(changes, { authorityKeyIdentifier: extensionOf.authorityKeyIdentifier(Buffer.alloc(20, 7), random.chance(0.2)) })),
    one('of version 1 with extensions', () => (changes) => withFields(changes, { version: 1 })),
    one('of version 2 with extensions', () => (changes) => withFields(changes, { version: 2 })),
    one('signed by SHA-1', () => (changes) => withFields(changes, { hash: 'sha1' })),
    one('signed by SHA-512', () => (changes) => withFields(changes, { hash: 'sha512' })),
    one('with two signature algorithms', () => (changes) => withFields(changes, { outerHash: 'sha384' })),
    one('with a subject', (random) => (changes) => withFields(changes, { subject: random.pick(['cart', 'C\u00e4rt', 'a'.repeat(65)]) })),
    one('without a subject', () => (changes) => withFields(changes, { subject: '' })),
    one('with an empty subjectAltName', () => (changes) => withExtensions(changes, { subjectAltName: extensionOf.subjectAltName([]) })),
    one('with subtrees of names', (random) => (changes) => withExtensions(changes, { nameConstraints: anyConstraints(random) })),
  ];
}

const constraintUris = [trustDomain, '.example', '.shop.example', 'example', 'other.example', '', 'SHOP.example', `spiffe://${trustDomain}`];
const constraintDns = ['svc', '.svc', 'shop.svc', 'other', ''];

function anyConstraints(random: Random): ReturnType<typeof extensionOf.nameConstraints> {
  const base = (): Uint8Array =>
    random.pick([
      () => generalName.uri(random.pick(constraintUris)),
      () => generalName.uri(random.pick(constraintUris)),
      () => generalName.dns(random.pick(constraintDns)),
      () => generalName.ip(10, 0, 0, 0, 255, 0, 0, 0),
      () => generalName.email('shop.example'),
    ])();
  const some = (): readonly Uint8Array[] => Array.from({ length: random.pick([0, 1, 1, 2]) }, base);
  return extensionOf.nameConstraints(some(), some(), random.chance(0.8));
}

const leafOnly: readonly Mutator[] = [
  { name: 'leaf with good URIs', apply: (plan, random) => void (plan.leaf = withExtensions(plan.leaf, { subjectAltName: extensionOf.subjectAltName([generalName.uri(random.pick(goodUris))], random.chance(0.7)) })) },
  ...badUris.map((uri, index): Mutator => ({
    name: `leaf with bad URI ${index + 1}`,
    apply: (plan) => void (plan.leaf = withExtensions(plan.leaf, { subjectAltName: extensionOf.subjectAltName([generalName.uri(uri)]) })),
  })),
  ...badUris.slice(0, 1).concat(goodUris[1] ?? '').map((uri, index): Mutator => ({
    name: `leaf with two URIs ${index + 1}`,
    apply: (plan) => void (plan.leaf = withExtensions(plan.leaf, { subjectAltName: extensionOf.subjectAltName([cartId, uri].map(generalName.uri)) })),
  })),
  ...dnsNames.map((dnsName, index): Mutator => ({
    name: `leaf with DNS name ${index + 1}`,
    apply: (plan) => void (plan.leaf = withExtensions(plan.leaf, { subjectAltName: extensionOf.subjectAltName([generalName.uri(cartId), generalName.dns(dnsName)]) })),
  })),
  ...emails.map((email, index): Mutator => ({
    name: `leaf with email ${index + 1}`,
    apply: (plan) => void (plan.leaf = withExtensions(plan.leaf, { subjectAltName: extensionOf.subjectAltName([generalName.uri(cartId), generalName.email(email)]) })),
  })),
  ...[[10, 0, 0, 1], Array.from({ length: 16 }, () => 0), [10, 0, 0]].map((octets, index): Mutator => ({
    name: `leaf with IP address ${index + 1}`,
    apply: (plan) => void (plan.leaf = withExtensions(plan.leaf, { subjectAltName: extensionOf.subjectAltName([generalName.uri(cartId), generalName.ip(...octets)]) })),
  })),
  { name: 'leaf with a directoryName', apply: (plan) => void (plan.leaf = withExtensions(plan.leaf, { subjectAltName: extensionOf.subjectAltName([generalName.uri(cartId), generalName.directory('cart')]) })) },
  { name: 'leaf that is an authority', apply: (plan) => void (plan.leaf = withExtensions(plan.leaf, { basicConstraints: extensionOf.basicConstraints(true) })) },
  { name: 'leaf with a SAN that is not critical', apply: (plan) => void (plan.leaf = withExtensions(plan.leaf, { subjectAltName: extensionOf.subjectAltName([generalName.uri(cartId)], false) })) },
  { name: 'leaf without extKeyUsage', apply: (plan) => void (plan.leaf = withExtensions(plan.leaf, { extendedKeyUsage: undefined })) },
  { name: 'leaf with cA spelled out', apply: (plan) => void (plan.leaf = withExtensions(plan.leaf, { basicConstraints: { oid: '2.5.29.19', critical: true, value: Buffer.from('3003010100', 'hex') } })) },
  ...[1024, 2048].map((bits): Mutator => ({ name: `leaf with an RSA key of ${bits} bits`, apply: (plan) => void (plan.leaf = withFields(plan.leaf, { spki: rsaPublicKeyOfNobody(bits) })) })),
  { name: 'leaf signed by another key', apply: (plan) => void (plan.leaf = withFields(plan.leaf, { signer: derivedKey('somebody') })) },
  { name: 'leaf with another issuer', apply: (plan) => void (plan.leaf = withFields(plan.leaf, { issuer: 'somebody' })) },
  { name: 'leaf with an empty issuer', apply: (plan) => void (plan.leaf = withFields(plan.leaf, { issuer: '' })) },
];

const authorityIds = [`spiffe://${trustDomain}`, `spiffe://${trustDomain}/`, cartId, 'spiffe://other.example', 'https://ca.shop.example', 'SPIFFE://shop.example', `spiffe://${trustDomain}?a`];
const authorityOnly: readonly Mutator[] = authorityIds.flatMap((uri, index) => [
  { name: `issuing with ID ${index + 1}`, apply: (plan) => changeIssuing(plan, (changes) => withExtensions(changes, { subjectAltName: extensionOf.subjectAltName([generalName.uri(uri)], false) })) },
  { name: `root with ID ${index + 1}`, apply: (plan) => void (plan.root = withExtensions(plan.root, { subjectAltName: extensionOf.subjectAltName([generalName.uri(uri)], false) })) },
]);

function changeIssuing(plan: ChainPlan, make: (changes: Changes) => Changes): void {
  if (plan.issuing.length === 0) plan.issuing.push({});
  plan.issuing[0] = make(plan.issuing[0] ?? {});
}

/** A sound chain of another root with the same names. */
const imposter = makeChain({ ...soundPlan(), root: { keyName: 'imposter-root' }, issuing: [{ keyName: 'imposter-issuing' }] });

const flipLast = (der: Uint8Array): Uint8Array => der.map((octet, index) => (index === der.length - 1 ? octet ^ 1 : octet));
/** The leaf is the first one that is a certificate at all, and has a length of two octets. */
function onLeaf(certificates: readonly Uint8Array[], change: (der: Uint8Array) => Uint8Array): readonly Uint8Array[] {
  const leaf = certificates.findIndex((der) => der[1] === 0x82);
  return certificates.map((der, index) => (index === leaf ? change(der) : der));
}

const structure: readonly Mutator[] = [
  { name: 'issuing for every purpose', apply: (plan) => changeIssuing(plan, (changes) => withExtensions(changes, { extendedKeyUsage: extensionOf.extendedKeyUsage(['any']) })) },
  { name: 'issuing with basicConstraints that are not critical', apply: (plan) => changeIssuing(plan, (changes) => withExtensions(changes, { basicConstraints: extensionOf.basicConstraints(true, 0, false) })) },
  { name: 'issuing with empty name constraints', apply: (plan) => changeIssuing(plan, (changes) => withExtensions(changes, { nameConstraints: extensionOf.nameConstraints([]) })) },
  ...[0, 2, 3, 6, 7, 8].map((count): Mutator => ({ name: `${count} issuing authorities`, apply: (plan) => void plan.issuing.splice(0, Infinity, ...Array.from({ length: count }, () => ({}))) })),
  { name: 'self-issued authority in the path', apply: (plan) => void plan.issuing.splice(0, Infinity, {}, { fields: { subject: 'issuing-1' } }) },
  { name: 'root presented', apply: (plan) => void plan.arrange.push((certificates, root) => [...certificates, root]) },
  { name: 'authority left out', apply: (plan) => void plan.arrange.push((certificates) => certificates.filter((_, index) => index !== 1)) },
  { name: 'reversed order', apply: (plan) => void plan.arrange.push(([leaf, ...upwards]) => [...(leaf === undefined ? [] : [leaf]), ...upwards.reverse()]) },
  { name: 'authority twice', apply: (plan) => void plan.arrange.push((certificates) => [...certificates, ...certificates.slice(1, 2)]) },
  { name: 'leaf twice', apply: (plan) => void plan.arrange.push((certificates) => [...certificates.slice(0, 1), ...certificates]) },
  { name: 'foreign authority at the end', apply: (plan) => void plan.arrange.push((certificates) => [...certificates, ...imposter.chain.slice(1)]) },
  { name: 'authority of that name and another key', apply: (plan) => void plan.arrange.push((certificates) => [...certificates.slice(0, 1), ...imposter.chain.slice(1), ...certificates.slice(2)]) },
  { name: 'changed signature of the leaf', apply: (plan) => void plan.arrange.push((certificates) => certificates.map((der, index) => (index === 0 ? flipLast(der) : der))) },
  { name: 'changed signature of an authority', apply: (plan) => void plan.arrange.push((certificates) => certificates.map((der, index) => (index === 1 ? flipLast(der) : der))) },
  { name: 'octet behind the leaf', apply: (plan) => void plan.arrange.push((certificates) => onLeaf(certificates, (der) => Uint8Array.of(...der, 0))) },
  { name: 'leaf in a length too long', apply: (plan) => void plan.arrange.push((certificates) => onLeaf(certificates, (der) => Uint8Array.of(0x30, 0x83, 0, ...der.subarray(2)))) },
  { name: 'junk in front', apply: (plan) => void plan.arrange.push((certificates) => [encodeElement(0x30), ...certificates]) },
  { name: 'another root in the bundle', apply: (plan) => void (plan.roots = () => imposter.roots) },
  { name: 'two roots of that name in the bundle', apply: (plan) => void (plan.roots = (root) => [...imposter.roots, root]) },
  { name: 'authority as a root of the bundle', apply: (plan) => void (plan.roots = (root) => [root, ...imposter.chain.slice(1)]) },
  { name: 'root with a changed signature', apply: (plan) => void (plan.roots = (root) => [flipLast(root)]) },
];

/** Every mutator, by a name of its own. */
export const mutators: readonly Mutator[] = [
  ...ofAny('leaf', (plan, make) => void (plan.leaf = make(plan.leaf))),
  ...ofAny('issuing', changeIssuing),
  ...ofAny('root', (plan, make) => void (plan.root = make(plan.root))),
  ...leafOnly,
  ...authorityOnly,
  ...structure,
];

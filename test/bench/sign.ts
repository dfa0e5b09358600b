import 'reflect-metadata';
import { type KeyObject, randomBytes, sign as bareSign, webcrypto } from 'node:crypto';
import * as peculiar from '@peculiar/x509';
import { activeAuthority, createRecord } from '../../src/authority/index.ts';
import { decide, Issuer } from '../../src/issuance/index.ts';
import { parseTrustDomainName } from '../../src/spiffe/index.ts';
import { generateKeyPair, type KeyAlgorithm, type KeyPair, keyPairFromPem, SerialNumbers, validatePublicKey } from '../../src/x509/index.ts';
import { buildGoProgram, goRates } from './go-program.ts';
import { type Measurement, median, ratePerSecond } from './measurement.ts';

/** Leaf and authority: every algorithm once on each side of the default. */
const pairs: readonly (readonly [leaf: KeyAlgorithm, authority: KeyAlgorithm])[] = [
  ['ECDSAP256', 'ECDSAP256'],
  ['ECDSAP384', 'ECDSAP256'],
  ['ECDSAP521', 'ECDSAP256'],
  ['ED25519', 'ECDSAP256'],
  ['RSA2048', 'ECDSAP256'],
  ['RSA4096', 'ECDSAP256'],
  ['ECDSAP256', 'ECDSAP384'],
  ['ECDSAP256', 'ECDSAP521'],
  ['ECDSAP256', 'ED25519'],
  ['ED25519', 'ED25519'],
  ['ECDSAP256', 'RSA2048'],
  ['ECDSAP256', 'RSA4096'],
];

/** Rounds go round all subjects in turn, so that a machine that slows down slows all of them. The pair with budgets gets more. */
const roundsOf = (isDefault: boolean): number => (isDefault ? 5 : 2);
const cpuMs = 300;

const nowMs = Date.UTC(2030, 0, 1);
const hourMs = 3_600_000;
const trustDomain = parseTrustDomainName('bench.example');
const dnsNames = ['cart.shop.svc', 'cart.shop.svc.cluster.local'];

const policy = {
  trustDomain,
  pathTemplate: '/ns/{namespace}/sa/{serviceAccount}',
  allowedDnsPatterns: ['*.{namespace}.svc', '*.{namespace}.svc.cluster.local'],
  defaultTtlMs: hourMs,
  maxTtlMs: 24 * hourMs,
  minTtlMs: 60_000,
  minTtlReason: 'the floor of a benchmark',
};
const request = { namespace: 'shop', serviceAccountName: 'cart', dnsNames, commonName: undefined, ttlMs: undefined };

type Subject = 'own key' | 'foreign key' | 'bare signature' | '@peculiar/x509';
type Operations = Readonly<Record<Subject, () => unknown>>;

const hashes: Readonly<Record<KeyAlgorithm, string | null>> = {
  ECDSAP256: 'sha256',
  ECDSAP384: 'sha384',
  ECDSAP521: 'sha512',
  ED25519: null,
  RSA2048: 'sha256',
  RSA3072: 'sha256',
  RSA4096: 'sha256',
};

/** The leaf as a general library makes it, every field given. */
async function peculiarLeaf(leaf: KeyPair, issuer: KeyPair, algorithm: KeyAlgorithm): Promise<unknown> {
  const spki = new Uint8Array(leaf.publicKey.spki);
  const hash = { name: (hashes[algorithm] ?? '').replace('sha', 'SHA-') };
  const parameters = algorithm.startsWith('RSA')
    ? { name: 'RSASSA-PKCS1-v1_5', hash }
    : algorithm === 'ED25519'
      ? { name: 'Ed25519' }
      : { name: 'ECDSA', namedCurve: algorithm.replace('ECDSAP', 'P-'), hash };
  return peculiar.X509CertificateGenerator.create({
    serialNumber: randomBytes(16).toString('hex'),
    issuer: 'CN=bench issuing authority',
    notBefore: new Date(nowMs),
    notAfter: new Date(nowMs + hourMs),
    publicKey: spki,
    signingKey: signingKeyOf(issuer.privateKey, parameters),
    signingAlgorithm: parameters,
    extensions: [
      new peculiar.BasicConstraintsExtension(false, undefined, true),
      new peculiar.KeyUsagesExtension(peculiar.KeyUsageFlags.digitalSignature, true),
      new peculiar.ExtendedKeyUsageExtension([peculiar.ExtendedKeyUsage.serverAuth, peculiar.ExtendedKeyUsage.clientAuth]),
      new peculiar.AuthorityKeyIdentifierExtension(issuer.publicKey.keyIdentifier),
      new peculiar.SubjectKeyIdentifierExtension(leaf.publicKey.keyIdentifier),
      new peculiar.SubjectAlternativeNameExtension(
        [{ type: 'url', value: 'spiffe://bench.example/ns/shop/sa/cart' }, ...dnsNames.map((value) => ({ type: 'dns' as const, value }))],
        true,
      ),
    ],
  });
}

const signingKeys = new WeakMap<KeyObject, webcrypto.CryptoKey>();

function signingKeyOf(key: KeyObject, parameters: { readonly name: string }): webcrypto.CryptoKey {
  const known = signingKeys.get(key);
  if (known !== undefined) return known;
  const made = key.toCryptoKey(parameters, false, ['sign']);
  signingKeys.set(key, made);
  return made;
}

const madeKeys = new Map<KeyAlgorithm, KeyPair>();

/** One key pair an algorithm: what is measured is signing. */
async function keyPairOf(algorithm: KeyAlgorithm): Promise<KeyPair> {
  const known = madeKeys.get(algorithm);
  if (known !== undefined) return known;
  const made = await generateKeyPair(algorithm);
  madeKeys.set(algorithm, made);
  return made;
}

/** Policy, lease, validity, template and signature: the whole way of a leaf through `issuance/`. */
async function operationsFor(leafAlgorithm: KeyAlgorithm, authorityAlgorithm: KeyAlgorithm): Promise<Operations> {
  const leaf = await keyPairOf(leafAlgorithm);
  const spec = { keyAlgorithm: authorityAlgorithm, lifetimeMs: 14 * 24 * hourMs };
  const rootSpec = { keyAlgorithm: 'ECDSAP256' as const, lifetimeMs: 365 * 24 * hourMs };
  const record = await createRecord(trustDomain, { root: rootSpec, issuing: spec }, nowMs, { generateKeyPair: keyPairOf, randomBytes });
  const authority = activeAuthority(record, 'Issuing');
  const issuer = await Issuer.open(authority, record.signerEpoch);
  const issuerKey = keyPairFromPem(authority.privateKeyPem ?? '');
  const lease = { acknowledge: () => Promise.resolve(), permits: (name: string, epoch: number) => name === trustDomain && epoch === record.signerEpoch };
  const serialNumbers = new SerialNumbers(randomBytes);
  const issue = (publicKey: KeyPair['publicKey']): unknown => {
    const decision = decide(request, policy);
    if (!decision.granted) throw new Error(decision.denials.map((denial) => denial.message).join('; '));
    return issuer.issue(decision.grant, publicKey, serialNumbers.next(), lease, nowMs);
  };
  const tbs = randomBytes(500);
  return {
    'own key': () => issue(leaf.publicKey),
    'foreign key': () => issue(validatePublicKey(leaf.publicKey.spki)),
    'bare signature': () => bareSign(hashes[authorityAlgorithm], tbs, issuerKey.privateKey),
    '@peculiar/x509': async () => peculiarLeaf(leaf, issuerKey, authorityAlgorithm),
  };
}

const subjects: readonly Subject[] = ['own key', 'foreign key', 'bare signature', '@peculiar/x509'];

type Rates = Map<string, number[]>;

function note(rates: Rates, key: string, rate: number): void {
  const known = rates.get(key);
  if (known === undefined) rates.set(key, [rate]);
  else known.push(rate);
}

/** Certificates a second for each subject, and the ratios that the budgets are about. */
function* figures(pair: string, rates: Rates, isDefault: boolean): Iterable<Measurement> {
  const rate = (subject: string): number => median(rates.get(subject) ?? []);
  const measurement = (metric: string, value: number, unit: string): Measurement => ({ bench: 'sign', metric: `${pair}: ${metric}`, value, unit });
  for (const subject of [...subjects, 'Go CreateCertificate']) yield measurement(subject, rate(subject), '/s');
  const ratios = [
    ['own key ÷ Go', rate('own key'), 3],
    ['foreign key ÷ Go', rate('foreign key'), 2],
  ] as const;
  for (const [metric, ours, least] of ratios) {
    const ratio = measurement(metric, ours / rate('Go CreateCertificate'), '×');
    yield isDefault ? { ...ratio, budget: { relation: '>=', value: least } } : ratio;
  }
}

/**
 * Leaf certificates a second of CPU time, from a given public key: through the whole of `issuance/` (policy, lease, linted
 * template, signature), with a key of our own making and with a foreign one that is validated each time, beside Go's
 * `x509.CreateCertificate`, `@peculiar/x509` and the bare signature. The budgets are about P-256 under P-256.
 */
export async function* sign(): AsyncIterable<Measurement> {
  peculiar.cryptoProvider.set(webcrypto);
  const program = await buildGoProgram();
  for (const [leaf, authority] of pairs) {
    const operations = await operationsFor(leaf, authority);
    const rates: Rates = new Map();
    const isDefault = leaf === 'ECDSAP256' && authority === 'ECDSAP256';
    for (let round = 0; round < roundsOf(isDefault); round += 1) {
      for (const subject of subjects) note(rates, subject, await ratePerSecond(operations[subject], cpuMs));
      for (const { perSecond } of await goRates(program, cpuMs, [`${leaf}/${authority}`])) note(rates, 'Go CreateCertificate', perSecond);
    }
    yield* figures(`${leaf} by ${authority}`, rates, isDefault);
  }
}

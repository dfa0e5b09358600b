import { parseDnsName, parseTrustDomainName, requireSpiffeId } from '../../src/spiffe/index.ts';
import {
  buildIssuingCertificate,
  buildRootCertificate,
  type Certificate,
  generateKeyPair,
  type KeyAlgorithm,
  keyAlgorithms,
  type KeyPair,
  type LeafFields,
  LeafTemplate,
  parseCertificate,
  signData,
} from '../../src/x509/index.ts';

export const dayMs = 86_400_000;
export const trustDomain = parseTrustDomainName('shop.example');
export const startMs = Date.UTC(2030, 0, 1);

/** One of each kind: longer RSA keys take seconds to make and take the same path. The tests with OpenSSL have all of them. */
export const quickAlgorithms = keyAlgorithms.filter((algorithm) => algorithm !== 'RSA3072' && algorithm !== 'RSA4096');

const keys = new Map<string, Promise<KeyPair>>();

/** A key pair of this algorithm, made once a test file: `which` tells two of a kind apart. */
export async function keyOf(algorithm: KeyAlgorithm, which = 'any'): Promise<KeyPair> {
  const name = `${algorithm} ${which}`;
  const known = keys.get(name);
  if (known !== undefined) return known;
  const made = generateKeyPair(algorithm);
  keys.set(name, made);
  return made;
}

export const serial = (first: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, index) => (index === 0 ? first : index));

/** A root and an issuing authority of one algorithm, valid from `startMs` for 100 and 90 days. */
export interface Hierarchy {
  readonly algorithm: KeyAlgorithm;
  readonly rootKey: KeyPair;
  readonly root: Certificate;
  readonly issuingKey: KeyPair;
  readonly issuing: Certificate;
  readonly template: LeafTemplate;
}

export async function makeHierarchy(algorithm: KeyAlgorithm, from = startMs): Promise<Hierarchy> {
  const rootKey = await keyOf('ECDSAP256', 'root');
  const issuingKey = await keyOf(algorithm, 'issuing');
  const common = { trustDomain, notBeforeMs: from };
  const root = await buildRootCertificate({
    ...common,
    commonName: 'shop.example root 1',
    serialNumber: serial(0x11),
    notAfterMs: from + 100 * dayMs,
    publicKey: rootKey.publicKey,
    keyPair: rootKey,
  });
  const issuing = await buildIssuingCertificate({
    ...common,
    commonName: 'shop.example issuing 1',
    serialNumber: serial(0x22),
    notAfterMs: from + 90 * dayMs,
    publicKey: issuingKey.publicKey,
    issuer: root,
    issuerKey: rootKey,
  });
  return { algorithm, rootKey, root, issuingKey, issuing, template: LeafTemplate.compile(issuing, algorithm) };
}

/** Fields of an ordinary leaf. */
export function leafFields(publicKey: KeyPair['publicKey'], changes: Partial<LeafFields> = {}): LeafFields {
  return {
    serialNumber: serial(0x33),
    notBeforeMs: startMs,
    notAfterMs: startMs + dayMs,
    publicKey,
    spiffeId: requireSpiffeId('spiffe://shop.example/ns/shop/sa/cart'),
    dnsNames: [parseDnsName('cart.shop.svc'), parseDnsName('cart.shop.svc.cluster.local')],
    commonName: undefined,
    ...changes,
  };
}

export function issueLeaf(hierarchy: Hierarchy, fields: LeafFields): Certificate {
  const tbs = hierarchy.template.toBeSigned(fields);
  return parseCertificate(hierarchy.template.assemble(tbs, signData(hierarchy.issuingKey.privateKey, hierarchy.algorithm, tbs)));
}

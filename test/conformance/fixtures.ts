/**
 * Chains with one defect each, named after it, made with OpenSSL's command line and, where it cannot, with bytes changed
 * afterwards. Every one differs from `sound` in its defect alone.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePem, keyPairFromPem, LeafTemplate, parseCertificate, parsePem, signData } from '../../src/x509/index.ts';
import { requireSpiffeId } from '../../src/spiffe/index.ts';
import type { ExtensionValues, Made, Making, OpensslFolder } from '../cli/verify-fixtures.ts';
import type { Sample } from './judges/judge.ts';

/** A defect, what forbids it, and how `mtlsd verify` refuses it. */
export interface Fixture {
  readonly defect: string;
  readonly rule: string;
  /** Refusal code of `mtlsd verify`; `unreadable`: it takes the bytes for no certificate; `accepted`: it is no defect to a validator. */
  readonly ours: string;
  readonly make: (world: World) => Sample;
}

const trustDomain = 'shop.example';
const id = `spiffe://${trustDomain}/ns/shop/sa/cart`;
const dayMs = 86_400_000;

/** The authorities that fixtures hang from, and the folder that everything is in. */
export class World {
  readonly folder: OpensslFolder;
  readonly root: Made;
  readonly issuing: Made;
  #count = 0;

  constructor(folder: OpensslFolder) {
    this.folder = folder;
    this.root = folder.root();
    this.issuing = folder.issuing(this.root);
  }

  /** A leaf with its chain; `upwards` are the authorities above it, without the root. */
  sample(leaf: Made, upwards: readonly Made[] = [this.issuing], root: Made = this.root): Sample {
    const chain = this.folder.join(this.#name('pem'), leaf.certificate, ...upwards.map(({ certificate }) => certificate));
    return { chain, key: leaf.key, roots: root.certificate, trustDomain };
  }

  leaf(making: Making = {}): Sample {
    return this.sample(this.folder.leaf(this.issuing, making));
  }

  leafWith(extensions: ExtensionValues): Sample {
    return this.leaf({ extensions });
  }

  /** A leaf with this subjectAltName. */
  named(names: string): Sample {
    return this.leafWith({ subjectAltName: `critical,${names}` });
  }

  /** A sound leaf below an issuing authority that differs. */
  below(extensions: ExtensionValues, making: Making = {}): Sample {
    const issuing = this.folder.issuing(this.root, { ...making, extensions });
    return this.sample(this.folder.leaf(issuing), [issuing]);
  }

  /** A sound leaf whose bytes are changed afterwards. */
  changed(change: (der: Uint8Array) => Uint8Array): Sample {
    const leaf = this.folder.leaf(this.issuing);
    return this.sample({ ...leaf, certificate: this.#write(change(derOf(leaf.certificate))) });
  }

  /** A sound leaf, valid from so many days from now on, for a day. OpenSSL's command line cannot say when a validity begins. */
  validFrom(days: number): Sample {
    const key = this.folder.key();
    const { publicKey } = keyPairFromPem(readFileSync(key, 'utf8'));
    const template = LeafTemplate.compile(parseCertificate(derOf(this.issuing.certificate)), 'ECDSAP256');
    const notBeforeMs = Date.now() + days * dayMs;
    const validity = { notBeforeMs, notAfterMs: notBeforeMs + dayMs };
    const tbs = template.toBeSigned({ ...validity, serialNumber: randomBytes(16), publicKey, spiffeId: requireSpiffeId(id), dnsNames: [], commonName: undefined });
    const { privateKey } = keyPairFromPem(readFileSync(this.issuing.key, 'utf8'));
    return this.sample({ certificate: this.#write(template.assemble(tbs, signData(privateKey, 'ECDSAP256', tbs))), key });
  }

  #write(der: Uint8Array): string {
    return this.folder.write(this.#name('crt'), encodePem('CERTIFICATE', der));
  }

  #name(extension: string): string {
    this.#count += 1;
    return `fixture-${this.#count}.${extension}`;
  }
}

function derOf(file: string): Uint8Array {
  const [block] = parsePem(readFileSync(file, 'utf8'));
  if (block === undefined) throw new TypeError(`${file} holds no PEM`);
  return block.der;
}

function uri(text: string): (world: World) => Sample {
  return (world) => world.named(`URI:${text}`);
}

function leafWith(extensions: ExtensionValues): (world: World) => Sample {
  return (world) => world.leafWith(extensions);
}

function below(extensions: ExtensionValues): (world: World) => Sample {
  return (world) => world.below(extensions);
}

const rsa = (bits: number): Making => ({ key: ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`] });

/** What every judge must accept, or it would prove nothing by refusing the rest. */
export const sound: Fixture = { defect: 'none', rule: '', ours: 'accepted', make: (world) => world.leaf() };

export const fixtures: readonly Fixture[] = [
  { defect: 'ID with a query', rule: 'SPIFFE-1', ours: 'LEAF_ID_INVALID', make: uri(`${id}?a=b`) },
  { defect: 'ID with a fragment', rule: 'SPIFFE-1', ours: 'LEAF_ID_INVALID', make: uri(`${id}\\#a`) },
  { defect: 'ID with a port', rule: 'SPIFFE-1', ours: 'LEAF_ID_INVALID', make: uri(`spiffe://${trustDomain}:8443/ns/shop/sa/cart`) },
  { defect: 'ID with user information', rule: 'SPIFFE-1', ours: 'LEAF_ID_INVALID', make: uri(`spiffe://cart@${trustDomain}/ns/shop/sa/cart`) },
  { defect: 'URI of another scheme', rule: 'SPIFFE-1', ours: 'LEAF_ID_INVALID', make: uri(`https://${trustDomain}/ns/shop/sa/cart`) },
  { defect: 'ID without a trust domain', rule: 'SPIFFE-2', ours: 'LEAF_ID_INVALID', make: uri('spiffe:///ns/shop/sa/cart') },
  { defect: 'percent-encoded trust domain', rule: 'SPIFFE-2', ours: 'LEAF_ID_INVALID', make: uri('spiffe://shop%2eexample/ns/shop/sa/cart') },
  { defect: 'empty path segment', rule: 'SPIFFE-3', ours: 'LEAF_ID_INVALID', make: uri(`spiffe://${trustDomain}/ns//sa/cart`) },
  { defect: 'dot-dot path segment', rule: 'SPIFFE-3', ours: 'LEAF_ID_INVALID', make: uri(`spiffe://${trustDomain}/ns/../sa/cart`) },
  { defect: 'trailing slash', rule: 'SPIFFE-3', ours: 'LEAF_ID_INVALID', make: uri(`${id}/`) },
  { defect: 'percent-encoded path', rule: 'SPIFFE-3', ours: 'LEAF_ID_INVALID', make: uri(`spiffe://${trustDomain}/ns/sh%6fp/sa/cart`) },
  { defect: 'ID longer than 2,048 bytes', rule: 'SPIFFE-4', ours: 'LEAF_ID_INVALID', make: uri(`spiffe://${trustDomain}/${'a'.repeat(2_048)}`) },
  { defect: 'trust domain in upper case', rule: 'SPIFFE-5', ours: 'LEAF_ID_INVALID', make: uri('spiffe://SHOP.example/ns/shop/sa/cart') },
  { defect: 'two SPIFFE IDs', rule: 'SPIFFE-6', ours: 'LEAF_URI_COUNT', make: uri(`${id},URI:${id}2`) },
  { defect: 'SPIFFE ID beside an https URI', rule: 'SPIFFE-6', ours: 'LEAF_URI_COUNT', make: uri(`${id},URI:https://cart.example`) },
  { defect: 'no URI', rule: 'SPIFFE-6', ours: 'LEAF_URI_COUNT', make: (world) => world.named('DNS:cart.shop.svc') },
  { defect: 'no subjectAltName', rule: 'SPIFFE-6', ours: 'LEAF_URI_COUNT', make: (world) => world.leaf({ subject: 'CN=cart', extensions: { subjectAltName: undefined } }) },
  { defect: 'ID of the trust domain itself', rule: 'SPIFFE-7', ours: 'LEAF_ROOT_PATH', make: uri(`spiffe://${trustDomain}`) },
  { defect: 'empty subject, subjectAltName not critical', rule: 'SPIFFE-8', ours: 'LEAF_SAN_NOT_CRITICAL', make: leafWith({ subjectAltName: `URI:${id}` }) },
  { defect: 'leaf without basicConstraints', rule: 'SPIFFE-9', ours: 'accepted', make: leafWith({ basicConstraints: undefined }) },
  { defect: 'leaf without keyUsage', rule: 'SPIFFE-10', ours: 'LEAF_KEY_USAGE', make: leafWith({ keyUsage: undefined }) },
  { defect: 'keyUsage not critical', rule: 'SPIFFE-10', ours: 'LEAF_KEY_USAGE', make: leafWith({ keyUsage: 'digitalSignature' }) },
  { defect: 'no digitalSignature', rule: 'SPIFFE-10', ours: 'LEAF_KEY_USAGE', make: leafWith({ keyUsage: 'critical,keyAgreement' }) },
  { defect: 'leaf may sign certificates', rule: 'SPIFFE-10', ours: 'LEAF_KEY_USAGE', make: leafWith({ keyUsage: 'critical,digitalSignature,keyCertSign' }) },
  { defect: 'leaf may sign revocation lists', rule: 'SPIFFE-10', ours: 'LEAF_KEY_USAGE', make: leafWith({ keyUsage: 'critical,digitalSignature,cRLSign' }) },
  { defect: 'leaf for servers only', rule: 'SPIFFE-11', ours: 'LEAF_EXTENDED_KEY_USAGE', make: leafWith({ extendedKeyUsage: 'serverAuth' }) },
  { defect: 'leaf for code signing', rule: 'SPIFFE-11', ours: 'LEAF_EXTENDED_KEY_USAGE', make: leafWith({ extendedKeyUsage: 'codeSigning' }) },
  { defect: 'issuing certificate without CA', rule: 'SPIFFE-12', ours: 'NOT_AN_AUTHORITY', make: below({ basicConstraints: 'critical,CA:FALSE' }) },
  { defect: 'issuing certificate without basicConstraints', rule: 'SPIFFE-12', ours: 'NOT_AN_AUTHORITY', make: below({ basicConstraints: undefined }) },
  { defect: 'issuing certificate without keyCertSign', rule: 'SPIFFE-12', ours: 'AUTHORITY_KEY_USAGE', make: below({ keyUsage: 'critical,cRLSign' }) },
  { defect: 'issuing certificate of another trust domain', rule: 'SPIFFE-13', ours: 'AUTHORITY_ID', make: below({ subjectAltName: 'URI:spiffe://other.example' }) },
  { defect: 'issuing certificate with a path in its ID', rule: 'SPIFFE-13', ours: 'AUTHORITY_ID', make: below({ subjectAltName: `URI:${id}` }) },
  {
    defect: 'ID outside the name constraints',
    rule: 'SPIFFE-14',
    ours: 'NAME_CONSTRAINTS',
    make: below({ nameConstraints: 'critical,permitted;URI:other.example' }),
  },
  {
    defect: 'signing certificate as a workload',
    rule: 'SPIFFE-15',
    ours: 'LEAF_IS_AUTHORITY',
    make: leafWith({ basicConstraints: 'critical,CA:TRUE', keyUsage: 'critical,digitalSignature,keyCertSign' }),
  },
  { defect: 'issuing certificate for servers only', rule: 'SPIFFE-15', ours: 'AUTHORITY_EXTENDED_KEY_USAGE', make: below({ extendedKeyUsage: 'serverAuth' }) },
  { defect: 'ID of another trust domain', rule: 'SPIFFE-17', ours: 'WRONG_TRUST_DOMAIN', make: uri('spiffe://other.example/ns/shop/sa/cart') },
  {
    defect: "other trust domain's root",
    rule: 'SPIFFE-17',
    ours: 'UNTRUSTED_ROOT',
    make: (world) => world.sample(world.folder.leaf(world.issuing), [world.issuing], world.folder.root({ subject: 'CN=another root' })),
  },
  { defect: 'expired', rule: 'RFC 5280 §6.1.3', ours: 'EXPIRED', make: (world) => world.validFrom(-2) },
  { defect: 'not yet valid', rule: 'RFC 5280 §6.1.3', ours: 'NOT_YET_VALID', make: (world) => world.validFrom(2) },
  { defect: 'issuing certificate left out', rule: 'RFC 5280 §6.1', ours: 'UNTRUSTED_ROOT', make: (world) => world.sample(world.folder.leaf(world.issuing), []) },
  {
    defect: 'path longer than pathLenConstraint',
    rule: 'RFC 5280 §6.1.4',
    ours: 'PATH_TOO_LONG',
    make: (world) => {
      const second = world.folder.issuing(world.issuing, { subject: 'CN=second issuing' });
      return world.sample(world.folder.leaf(second), [second, world.issuing]);
    },
  },
  { defect: 'unknown critical extension', rule: 'RFC 5280 §4.2', ours: 'MALFORMED_EXTENSIONS', make: leafWith({ '1.3.6.1.4.1.99999.1': 'critical,ASN1:NULL' }) },
  { defect: 'unknown critical extension above', rule: 'RFC 5280 §4.2', ours: 'MALFORMED_EXTENSIONS', make: below({ '1.3.6.1.4.1.99999.1': 'critical,ASN1:NULL' }) },
  { defect: 'RSA key of 1,024 bits', rule: 'NIST SP 800-57', ours: 'WEAK_KEY', make: (world) => world.leaf(rsa(1_024)) },
  { defect: 'signature by SHA-1', rule: 'RFC 9155', ours: 'SIGNATURE_ALGORITHM', make: (world) => world.leaf({ sign: ['-sha1'] }) },
  {
    defect: 'signature changed in its last octet',
    rule: 'RFC 5280 §6.1.3',
    ours: 'SIGNATURE_INVALID',
    make: (world) => world.changed((der) => der.map((octet, place) => (place === der.length - 1 ? octet ^ 1 : octet))),
  },
  { defect: 'octet behind the certificate', rule: 'X.690', ours: 'unreadable', make: (world) => world.changed((der) => Uint8Array.of(...der, 0)) },
  {
    defect: 'length in more octets than needed',
    rule: 'X.690 §10.1',
    ours: 'unreadable',
    // The outermost length is not signed: 30 82 xx xx becomes 30 83 00 xx xx.
    make: (world) => world.changed((der) => Uint8Array.of(0x30, 0x83, 0, ...der.subarray(2))),
  },
  ...committed(),
];

/** The chains that are kept as files, by the name of their folder: see test/fixtures/negative. */
function committed(): readonly Fixture[] {
  const folder = join(import.meta.dirname, '..', 'fixtures', 'negative');
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return names.sort().map((name) => {
    const file = (which: string): string => join(folder, name, which);
    const expected = JSON.parse(readFileSync(file('expect.json'), 'utf8')) as { breaks: string; code: string; exitStatus: number; trustDomain: string };
    const sample = { chain: file('chain.pem'), roots: file('bundle.pem'), trustDomain: expected.trustDomain };
    return { defect: `\`${name}\``, rule: expected.breaks, ours: expected.exitStatus === 2 ? 'unreadable' : expected.code, make: () => sample };
  });
}

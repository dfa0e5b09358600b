import { rootCertificates } from 'node:tls';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { isMtlsdError } from '../../src/errors/index.ts';
import { type Certificate, parseCertificate, parsePem, verifySignature } from '../../src/x509/index.ts';
import { encodeElement, encodeOid, encodeSequence, encodeUnsignedInteger } from '../../src/x509/der-writer.ts';
import { oid } from '../../src/x509/oids.ts';
import { type Hierarchy, issueLeaf, keyOf, leafFields, makeHierarchy, quickAlgorithms } from './hierarchy.ts';
import { malformed, octets } from './malformed.ts';
import { expectSameReading } from './second-opinion.ts';

function refusal(der: Uint8Array): string {
  try {
    parseCertificate(der);
  } catch (error) {
    if (isMtlsdError(error, 'X509_CERTIFICATE_INVALID')) return error.message;
    throw error;
  }
  throw new Error('the certificate was accepted');
}

let hierarchy: Hierarchy;
let leaf: Certificate;
beforeAll(async () => {
  hierarchy = await makeHierarchy('ECDSAP256');
  leaf = issueLeaf(hierarchy, leafFields((await keyOf('ECDSAP256')).publicKey));
});

const extension = (name: string, value: Uint8Array, critical: Uint8Array = new Uint8Array(0)): Uint8Array =>
  encodeSequence(encodeOid(name), critical, encodeElement(0x04, value));

interface Parts {
  readonly version?: Uint8Array;
  readonly serialNumber?: Uint8Array;
  readonly issuer?: Uint8Array;
  readonly validity?: Uint8Array;
  readonly tail?: readonly Uint8Array[];
  readonly outerAlgorithm?: Uint8Array;
}

const ecdsa = encodeSequence(encodeOid(oid.ecdsaWithSha256));
const text = (tagOctet: number, value: string): Uint8Array => encodeElement(tagOctet, new TextEncoder().encode(value));
const validity = (from: Uint8Array, to: Uint8Array): Uint8Array => encodeSequence(from, to);
const list = (...extensions: readonly Uint8Array[]): Uint8Array => encodeElement(0xa3, encodeSequence(...extensions));

/** A certificate around chosen parts; nobody checks its signature. */
function around(parts: Parts): Uint8Array {
  const tbs = encodeSequence(
    parts.version ?? octets('a003020102'),
    parts.serialNumber ?? octets('020101'),
    ecdsa,
    parts.issuer ?? octets('3000'),
    parts.validity ?? validity(text(0x17, '300101000000Z'), text(0x17, '300102000000Z')),
    octets('3000'),
    leaf.publicKey.spki,
    ...(parts.tail ?? []),
  );
  return encodeSequence(tbs, parts.outerAlgorithm ?? ecdsa, octets('030100'));
}

const name = (...attributes: readonly Uint8Array[]): Uint8Array => encodeSequence(...attributes.map((attribute) => encodeElement(0x31, attribute)));
const attribute = (type: string, value: Uint8Array): Uint8Array => encodeSequence(encodeOid(type), value);

describe('what others read', () => {
  test.each(quickAlgorithms)('%s: root, issuing authority and leaf', async (algorithm) => {
    const { root, issuing } = await makeHierarchy(algorithm);
    expectSameReading(root);
    expectSameReading(issuing);
  });

  test('leaves with every variation of what is optional', async () => {
    for (const algorithm of ['ECDSAP384', 'ED25519', 'RSA2048'] as const) {
      const { publicKey } = await keyOf(algorithm);
      expectSameReading(issueLeaf(hierarchy, leafFields(publicKey)));
      expectSameReading(issueLeaf(hierarchy, leafFields(publicKey, { dnsNames: [], commonName: 'Кот, 猫' })));
    }
  });

  test('the certificates of public authorities', () => {
    const refused: string[] = [];
    for (const pem of rootCertificates) {
      const [block] = parsePem(pem);
      if (block === undefined) throw new Error('no block');
      try {
        const certificate = parseCertificate(block.der);
        expectSameReading(certificate);
        if (certificate.signatureAlgorithm !== '1.2.840.113549.1.1.5') expect(verifySignature(certificate, certificate)).toBe(true);
      } catch (error) {
        if (!isMtlsdError(error)) throw error;
        refused.push(error.message);
      }
    }
    expect(rootCertificates.length).toBeGreaterThan(100);
    // RFC 5280 §4.1.2.5: one old root writes a time before 2050 as GeneralizedTime.
    expect(refused.every((message) => message.includes('wrong type of time for its year'))).toBe(true);
    expect(refused.length).toBeLessThanOrEqual(2);
  });
});

describe('names', () => {
  const subjectText = (...attributes: readonly Uint8Array[]): string => parseCertificate(around({ issuer: name(...attributes) })).issuer.text;

  test('an empty one', () => {
    expect(leaf.subject).toMatchObject({ empty: true, text: '' });
  });

  test('the last relative name comes first, values are escaped (RFC 4514 §2.4)', () => {
    const country = attribute('2.5.4.6', text(0x13, 'DE'));
    expect(subjectText(country, attribute('2.5.4.3', text(0x0c, ' a,b+c"d\\e<f>;#g ')))).toBe('CN=\\ a\\,b\\+c\\"d\\\\e\\<f\\>\\;#g\\ ,C=DE');
    expect(subjectText(attribute('2.5.4.3', text(0x0c, '#a')))).toBe('CN=\\#a');
  });

  test('what would steer a terminal or turn text around is escaped', () => {
    expect(subjectText(attribute('2.5.4.3', text(0x0c, 'a\u001b[2J\n\u202eb\u0000')))).toBe('CN=a\\1b[2J\\0a\\e2\\80\\aeb\\00');
  });

  test('several attributes in one relative name, an unknown type, a value that is no text', () => {
    const both = encodeSequence(encodeElement(0x31, attribute('2.5.4.3', text(0x0c, 'a')), attribute('1.2.3.4', octets('020105'))));
    expect(parseCertificate(around({ issuer: both })).issuer.text).toBe('CN=a+1.2.3.4=#020105');
  });

  test('BMPString and Latin-1 text', () => {
    expect(subjectText(attribute('2.5.4.3', octets('1e04 00c4 732b')))).toBe('CN=Ä猫');
    expect(subjectText(attribute('2.5.4.3', octets('1402 c441')))).toBe('CN=ÄA');
  });

  test.each([
    ['UTF8String that is not UTF-8', attribute('2.5.4.3', octets('0c01ff'))],
    ['BMPString of odd length', attribute('2.5.4.3', octets('1e0100'))],
    ['an attribute with two values', encodeSequence(encodeOid('2.5.4.3'), text(0x0c, 'a'), text(0x0c, 'b'))],
    ['an attribute without a value', encodeSequence(encodeOid('2.5.4.3'))],
  ])('%s is refused', (_name, wrong) => {
    expect(refusal(around({ issuer: name(wrong) }))).toContain('not strict DER');
  });

  test('an empty relative name is refused', () => {
    expect(refusal(around({ issuer: octets('30023100') }))).toContain('not strict DER');
  });
});

describe('versions, serial numbers, algorithms', () => {
  test.each([
    [1, ''],
    [2, 'a003020101'],
    [3, 'a003020102'],
  ])('version %i', (version, encoded) => {
    expect(parseCertificate(around({ version: octets(encoded) })).version).toBe(version);
  });

  test.each([
    ['version 1 spelled out', 'a003020100'],
    ['version 4', 'a003020103'],
    ['a version of two octets', 'a00402020100'],
    ['two versions', 'a006020102020102'],
  ])('%s is refused', (_name, encoded) => {
    expect(refusal(around({ version: octets(encoded) }))).toContain('not strict DER');
  });

  test('extensions belong to version 3', () => {
    const tail = [list(extension(oid.subjectKeyIdentifier, octets('040101')))];
    expect(refusal(around({ version: octets('a003020101'), tail }))).toContain('extensions in a certificate of version 2');
    expect(parseCertificate(around({ tail })).subjectKeyIdentifier).toBe('01');
  });

  test('unique identifiers are passed over', () => {
    const tail = [octets('81020041'), octets('82020041'), list(extension(oid.subjectKeyIdentifier, octets('040101')))];
    expect(parseCertificate(around({ tail })).subjectKeyIdentifier).toBe('01');
  });

  test('a serial number keeps its octets, the sign included', () => {
    expect(parseCertificate(around({ serialNumber: octets('020200ff') })).serialNumber).toBe('00ff');
    expect(parseCertificate(around({ serialNumber: octets('0201ff') })).serialNumber).toBe('ff');
  });

  test('two signature algorithms that differ are told, parameters included', () => {
    const outerAlgorithm = encodeSequence(encodeOid(oid.ecdsaWithSha256), octets('0500'));
    expect(parseCertificate(around({ outerAlgorithm })).signatureAlgorithmsMatch).toBe(false);
    expect(parseCertificate(around({})).signatureAlgorithmsMatch).toBe(true);
  });
});

describe('times', () => {
  const from = (time: Uint8Array): number => parseCertificate(around({ validity: validity(time, text(0x18, '20900101000000Z')) })).notBeforeMs;

  test.each([
    [0x17, '500101000000Z', '1950-01-01T00:00:00Z'],
    [0x17, '491231235959Z', '2049-12-31T23:59:59Z'],
    [0x17, '000229120000Z', '2000-02-29T12:00:00Z'],
    [0x18, '20500101000000Z', '2050-01-01T00:00:00Z'],
    [0x18, '99991231235959Z', '9999-12-31T23:59:59Z'],
  ])('tag %i %s is %s', (tagOctet, value, iso) => {
    expect(from(text(tagOctet, value))).toBe(Date.parse(iso));
  });

  test.each([
    ['GeneralizedTime before 2050', text(0x18, '20491231235959Z')],
    ['without seconds', text(0x17, '3001010000Z')],
    ['with an offset', text(0x17, '300101000000+0000')],
    ['with fractions', text(0x18, '20600101000000.5Z')],
    ['31 February', text(0x17, '300231000000Z')],
    ['29 February of a common year', text(0x17, '310229000000Z')],
    ['month 0', text(0x17, '300001000000Z')],
    ['month 13', text(0x17, '301301000000Z')],
    ['hour 24', text(0x17, '300101240000Z')],
    ['second 60', text(0x17, '300101000060Z')],
    ['letters', text(0x17, '3001010000aaZ')],
    ['another type', text(0x0c, '300101000000Z')],
  ])('%s is refused', (_name, time) => {
    expect(refusal(around({ validity: validity(time, text(0x18, '20900101000000Z')) }))).toContain('time');
  });
});

describe('extensions', () => {
  const withExtension = (nameOf: string, value: string, critical = ''): Uint8Array =>
    around({ tail: [list(extension(nameOf, octets(value), octets(critical)))] });

  test.each([
    ['basicConstraints with its default spelled out', oid.basicConstraints, '3003010100'],
    ['basicConstraints with bytes behind it', oid.basicConstraints, '300000'],
    ['basicConstraints with a negative path length', oid.basicConstraints, '30060101ff0201ff'],
    ['basicConstraints with a path length of three octets', oid.basicConstraints, '30080101ff0203010000'],
    ['keyUsage without a bit', oid.keyUsage, '030100'],
    ['keyUsage with trailing zero bits', oid.keyUsage, '03020080'],
    ['keyUsage with a tenth bit', oid.keyUsage, '0303060040'],
    ['extendedKeyUsage without a purpose', oid.extendedKeyUsage, '3000'],
    ['subjectAltName without a name', oid.subjectAltName, '3000'],
    ['subjectAltName with an empty constructed URI', oid.subjectAltName, '3002a600'],
    ['subjectAltName with a control character', oid.subjectAltName, '300382010a'],
    ['subjectAltName with a NUL', oid.subjectAltName, '30058203610062'],
    ['subjectAltName beyond ASCII', oid.subjectAltName, '30048202c3a4'],
    ['subjectAltName with an address of 5 octets', oid.subjectAltName, '300787050000000000'],
    ['subjectAltName with type 9', oid.subjectAltName, '30028900'],
    ['nameConstraints that are empty', oid.nameConstraints, '3000'],
    ['nameConstraints with an empty list', oid.nameConstraints, '3002a000'],
    ['subjectKeyIdentifier that is no OCTET STRING', oid.subjectKeyIdentifier, '020101'],
    ['authorityKeyIdentifier with an unknown field', oid.authorityKeyIdentifier, '30028300'],
  ])('%s is refused', (_name, nameOf, value) => {
    expect(refusal(withExtension(nameOf, value))).toContain('not strict DER');
  });

  test('critical FALSE spelled out is refused', () => {
    expect(refusal(withExtension('1.2.3.4', '0500', '010100'))).toContain('default value is encoded');
  });

  test('one extension twice, an empty list, and more than 64', () => {
    const one = extension(oid.subjectKeyIdentifier, octets('040101'));
    expect(refusal(around({ tail: [list(one, one)] }))).toContain('appears twice');
    expect(refusal(around({ tail: [list()] }))).toContain('not strict DER');
    const many = Array.from({ length: 65 }, (_, index) => extension(`1.2.3.${index}`, octets('0500')));
    expect(refusal(around({ tail: [list(...many)] }))).toContain('more than 64 extensions');
    expect(parseCertificate(around({ tail: [list(...many.slice(1))] })).extensions).toHaveLength(64);
  });

  test('an unknown one is named and its content left alone', () => {
    const found = parseCertificate(withExtension('1.2.3.4', 'ffff', '0101ff'));
    expect(found.extensions).toEqual([{ oid: '1.2.3.4', critical: true }]);
  });

  test('every type of name', () => {
    const value = '8601 61 8202 6262 8103 614062 8704 0a000001 8710 20010db8000000000000000000000001 8710 00000000000000000000000000000000 8803 2a0304 a007 06012aa0020500 a4023000 8710 20010db8000100010001000100010001';
    const inner = encodeSequence(octets(value));
    const names = parseCertificate(around({ tail: [list(extension(oid.subjectAltName, inner))] })).subjectAltName;
    expect(names).toEqual({
      critical: false,
      uris: ['a'],
      dnsNames: ['bb'],
      emails: ['a@b'],
      ipAddresses: ['10.0.0.1', '2001:db8::1', '::', '2001:db8:1:1:1:1:1:1'],
      others: 3,
    });
  });

  test('name constraints, and those that cannot be applied', () => {
    const subtrees = '3005 8603 2e6161 3004 8202 6262 300a 8708 0a000000ff000000 3007 8202 6363 800105';
    const value = encodeSequence(encodeElement(0xa0, octets(subtrees)), encodeElement(0xa1, octets('3004 8602 6464')));
    expect(parseCertificate(around({ tail: [list(extension(oid.nameConstraints, value, octets('0101ff')))] })).nameConstraints).toEqual({
      critical: true,
      permittedUris: ['.aa'],
      excludedUris: ['dd'],
      permittedDnsNames: ['bb'],
      excludedDnsNames: [],
      others: 2,
    });
  });

  test('all nine key usages', () => {
    const usages = parseCertificate(withExtension(oid.keyUsage, '030307ff80')).keyUsage?.usages;
    expect(usages?.size).toBe(9);
    expect(usages?.has('decipherOnly')).toBe(true);
  });

  test('an authority key identifier without a key', () => {
    const value = encodeSequence(octets('a1023000'), octets('820105'));
    expect(parseCertificate(around({ tail: [list(extension(oid.authorityKeyIdentifier, value))] })).authorityKeyIdentifier).toBeUndefined();
  });
});

describe('malformed', () => {
  test.each(Object.entries(malformed))('%s is refused', (_name, bytes) => {
    expect(refusal(bytes)).toContain('not strict DER');
  });

  test('cut at every octet, and with one octet more', () => {
    for (const { der } of [leaf, hierarchy.root]) {
      for (let length = 0; length < der.length; length += 1) refusal(der.subarray(0, length));
      expect(refusal(Uint8Array.of(...der, 0))).toContain('1 trailing bytes');
    }
  });

  test('any octet changed: read or refused, never another error', () => {
    fc.assert(
      fc.property(fc.nat(leaf.der.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(leaf.der);
        changed[at] = (changed[at] ?? 0) ^ change;
        try {
          parseCertificate(changed);
        } catch (error) {
          expect(isMtlsdError(error, 'X509_CERTIFICATE_INVALID')).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('the caller’s buffer is not shared', () => {
    const bytes = Uint8Array.from(leaf.der);
    const read = parseCertificate(bytes);
    bytes.fill(0);
    expect(read.der).toEqual(leaf.der);
    expect(read.publicKey.spki).toEqual(leaf.publicKey.spki);
  });

  test('a serial number of any length is bounded by the certificate', () => {
    expect(parseCertificate(around({ serialNumber: encodeUnsignedInteger(new Uint8Array(1000).fill(1)) })).serialNumber).toHaveLength(2000);
  });
});

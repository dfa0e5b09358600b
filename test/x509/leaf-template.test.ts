import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { isMtlsdError } from '../../src/errors/index.ts';
import { type DnsName, lint, parseDnsName, workloadSpiffeId } from '../../src/spiffe/index.ts';
import {
  type KeyAlgorithm,
  keyAlgorithms,
  type LeafFields,
  LeafTemplate,
  parseCertificate,
  parsePem,
  serialNumberText,
  validatePublicKey,
  verifySignature,
} from '../../src/x509/index.ts';
import { toHex } from '../../src/x509/der-values.ts';
import golden from './golden/inputs.json' with { type: 'json' };
import { dayMs, type Hierarchy, issueLeaf, keyOf, leafFields, makeHierarchy, serial, startMs, trustDomain, quickAlgorithms } from './hierarchy.ts';

let hierarchy: Hierarchy;
let publicKey: LeafFields['publicKey'];
beforeAll(async () => {
  hierarchy = await makeHierarchy('ECDSAP256');
  ({ publicKey } = await keyOf('ECDSAP256'));
});

const issue = (changes: Partial<LeafFields>) => issueLeaf(hierarchy, leafFields(publicKey, changes));

describe('golden bytes', () => {
  const der = (pem: string): Uint8Array => parsePem(pem)[0]?.der ?? new Uint8Array(0);
  const goldenLeaf = (algorithm: KeyAlgorithm): string => {
    const { issuer, publicKey: key } = golden[algorithm];
    const template = LeafTemplate.compile(parseCertificate(der(issuer)), algorithm);
    const tbs = template.toBeSigned(leafFields(validatePublicKey(der(key)), { commonName: algorithm === 'ED25519' ? 'cart' : undefined }));
    return toHex(tbs).replace(/.{1,64}/g, '$&\n');
  };

  // ECDSA signatures are random: what is held still is what they sign. Ed25519 is the one with a common name.
  test.each(keyAlgorithms)('to be signed: %s key under %s issuer', async (algorithm) => {
    await expect(goldenLeaf(algorithm)).toMatchFileSnapshot(`golden/leaf-${algorithm}.hex`);
  });
});

describe('what was asked for is what is said', () => {
  const segment = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
  const dnsName: fc.Arbitrary<DnsName> = fc.array(label, { minLength: 2, maxLength: 5 }).map((labels) => parseDnsName(`${labels.join('.')}.svc`));
  const serialNumber = fc.uint8Array({ minLength: 16, maxLength: 16 }).filter((octets) => octets.some((octet) => octet !== 0));
  const commonName = fc.option(fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme-ascii' }), { nil: undefined });
  const fields = fc.record({
    serialNumber,
    path: fc.array(segment, { minLength: 1, maxLength: 20 }),
    dnsNames: fc.uniqueArray(dnsName, { maxLength: 60 }),
    startsAfterMs: fc.integer({ min: 0, max: 80 * dayMs }),
    lastsMs: fc.integer({ min: 1000, max: 9 * dayMs }),
    commonName,
  });

  test('for every combination of fields', () => {
    fc.assert(
      fc.property(fields, (asked) => {
        const spiffeId = workloadSpiffeId(trustDomain, `/${asked.path.join('/')}`);
        const notBeforeMs = startMs + asked.startsAfterMs;
        const leaf = issue({ ...asked, spiffeId, notBeforeMs, notAfterMs: notBeforeMs + asked.lastsMs });
        const seconds = (ms: number): number => Math.floor(ms / 1000) * 1000;
        expect(leaf.subjectAltName).toEqual({
          critical: asked.commonName === undefined,
          uris: [spiffeId.toString()],
          dnsNames: asked.dnsNames,
          ipAddresses: [],
          emails: [],
          others: 0,
        });
        expect(leaf.subject.empty).toBe(asked.commonName === undefined);
        expect(leaf.serialNumber).toBe(serialNumberText(asked.serialNumber));
        expect([leaf.notBeforeMs, leaf.notAfterMs]).toEqual([seconds(notBeforeMs), seconds(notBeforeMs + asked.lastsMs)]);
        expect(leaf.issuer.der).toEqual(hierarchy.issuing.subject.der);
        expect(leaf.publicKey.spki).toEqual(publicKey.spki);
        expect(leaf.subjectKeyIdentifier).toBe(publicKey.keyIdentifier);
        expect(leaf.authorityKeyIdentifier).toBe(hierarchy.issuing.subjectKeyIdentifier);
        expect(leaf.keyUsage).toEqual({ critical: true, usages: new Set(['digitalSignature']) });
        expect(leaf.basicConstraints).toEqual({ critical: true, ca: false, pathLength: undefined });
        expect(leaf.signatureAlgorithmsMatch).toBe(true);
        expect(lint(leaf, 'leaf')).toEqual([]);
        expect(verifySignature(leaf, hierarchy.issuing)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test.each(quickAlgorithms.flatMap((authority) => quickAlgorithms.map((leaf) => [leaf, authority] as const)))('%s leaf by %s', async (leaf, authority) => {
    const made = await makeHierarchy(authority);
    const issued = issueLeaf(made, leafFields((await keyOf(leaf)).publicKey));
    expect(issued.publicKey.algorithm).toBe(leaf);
    expect(verifySignature(issued, made.issuing)).toBe(true);
    expect(lint(issued, 'leaf')).toEqual([]);
  });
});

describe('serial numbers', () => {
  test.each([
    ['a high bit', Uint8Array.of(0x80, ...new Uint8Array(15)), `0080${'00'.repeat(15)}`],
    ['a leading zero', Uint8Array.of(0, 0x7f, ...new Uint8Array(14)), `7f${'00'.repeat(14)}`],
    ['a leading zero before a high bit', Uint8Array.of(0, 0x80, ...new Uint8Array(14)), `0080${'00'.repeat(14)}`],
    ['one', Uint8Array.of(...new Uint8Array(15), 1), '01'],
    ['all ones', new Uint8Array(16).fill(0xff), `00${'ff'.repeat(16)}`],
  ])('%s', (_name, serialNumber, expected) => {
    expect(issue({ serialNumber }).serialNumber).toBe(expected);
    expect(serialNumberText(serialNumber)).toBe(expected);
  });

  test.each([
    ['zero', new Uint8Array(16)],
    ['15 octets', new Uint8Array(15).fill(1)],
    ['20 octets', new Uint8Array(20).fill(1)],
    ['none', new Uint8Array(0)],
  ])('%s crashes: it was never random', (_name, serialNumber) => {
    expect(() => issue({ serialNumber })).toThrow(RangeError);
  });
});

describe('validity', () => {
  const code = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (isMtlsdError(error)) return error.code;
      throw error;
    }
    return 'none';
  };

  test('across 2050 each end has the type of its year', async () => {
    const newYearMs = Date.UTC(2050, 0, 1);
    const late = await makeHierarchy('ED25519', newYearMs - dayMs);
    const tbs = late.template.toBeSigned(leafFields(publicKey, { notBeforeMs: newYearMs - 1000, notAfterMs: newYearMs }));
    expect(tbs.toString()).toContain('491231235959Z');
    expect(tbs.toString()).toContain('20500101000000Z');
    const leaf = issueLeaf(late, leafFields(publicKey, { notBeforeMs: newYearMs - 1000, notAfterMs: newYearMs }));
    expect([leaf.notBeforeMs, leaf.notAfterMs]).toEqual([newYearMs - 1000, newYearMs]);
    expect(late.issuing.notAfterMs).toBe(newYearMs + 89 * dayMs);
    expect(verifySignature(leaf, late.issuing)).toBe(true);
  });

  test('it ends with its issuer, never later', () => {
    const { notAfterMs } = hierarchy.issuing;
    expect(issue({ notAfterMs }).notAfterMs).toBe(notAfterMs);
    expect(issue({ notAfterMs: notAfterMs + 999 }).notAfterMs).toBe(notAfterMs);
    expect(code(() => issue({ notAfterMs: notAfterMs + 1000 }))).toBe('X509_VALIDITY');
  });

  test.each([
    ['empty', { notAfterMs: startMs }],
    ['empty within a second', { notAfterMs: startMs + 999 }],
    ['backwards', { notAfterMs: startMs - 1000 }],
    ['not a number', { notAfterMs: Number.NaN }],
    ['without a beginning', { notBeforeMs: Number.NaN }],
    ['before 1950', { notBeforeMs: Date.UTC(1949, 11, 31) }],
    ['endless', { notAfterMs: Number.POSITIVE_INFINITY }],
  ])('%s is refused', (_name, changes) => {
    expect(code(() => issue(changes))).toBe('X509_VALIDITY');
  });
});

describe('common names', () => {
  test.each(['a', 'x'.repeat(64), '猫'.repeat(64), 'a,b', '𝒳'.repeat(64)])('%s is the whole subject', (commonName) => {
    const leaf = issue({ commonName });
    expect(toHex(leaf.subject.der)).toContain(Buffer.from(commonName).toString('hex'));
    expect(leaf.subjectAltName?.critical).toBe(false);
  });

  test.each(['', 'x'.repeat(65), 'a\ud800'])('%j crashes: it is refused where it is read', (commonName) => {
    expect(() => issue({ commonName })).toThrow(RangeError);
  });
});

describe('an issuer that cannot issue', () => {
  test('a leaf', () => {
    expect(() => LeafTemplate.compile(issue({}), 'ECDSAP256')).toThrow(TypeError);
  });

  test('another key than announced', () => {
    expect(() => LeafTemplate.compile(hierarchy.issuing, 'ED25519')).toThrow(/ECDSAP256/);
  });
});

test('names that are not ASCII never reach a certificate, whatever the types say', () => {
  expect(() => issue({ dnsNames: ['bücher.example' as DnsName] })).toThrow(RangeError);
  expect(() => issue({ dnsNames: ['a\nb' as DnsName], serialNumber: serial(1) })).toThrow(RangeError);
});

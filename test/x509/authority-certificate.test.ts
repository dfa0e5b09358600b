import { beforeAll, describe, expect, test } from 'vitest';
import { isMtlsdError } from '../../src/errors/index.ts';
import { lint } from '../../src/spiffe/index.ts';
import { type AuthorityCertificateInput, buildIssuingCertificate, buildRootCertificate, verifySignature } from '../../src/x509/index.ts';
import { dayMs, type Hierarchy, keyOf, makeHierarchy, serial, startMs, trustDomain, quickAlgorithms } from './hierarchy.ts';

let hierarchy: Hierarchy;
beforeAll(async () => {
  hierarchy = await makeHierarchy('ECDSAP256');
});

const input = (changes: Partial<AuthorityCertificateInput> = {}): AuthorityCertificateInput => ({
  commonName: 'shop.example issuing 2',
  trustDomain,
  serialNumber: serial(0x44),
  notBeforeMs: startMs,
  notAfterMs: startMs + dayMs,
  publicKey: hierarchy.issuingKey.publicKey,
  ...changes,
});

const issuing = async (changes: Partial<AuthorityCertificateInput> = {}) =>
  buildIssuingCertificate({ ...input(changes), issuer: hierarchy.root, issuerKey: hierarchy.rootKey });

async function codeOf(made: Promise<unknown>): Promise<string> {
  try {
    await made;
  } catch (error) {
    if (isMtlsdError(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('a root', () => {
  test.each(quickAlgorithms)('of %s signs itself and breaks no rule', async (algorithm) => {
    const keyPair = await keyOf(algorithm);
    const root = await buildRootCertificate({ ...input({ publicKey: keyPair.publicKey, commonName: 'shop.example root 2' }), keyPair });
    expect(root).toMatchObject({
      version: 3,
      notBeforeMs: startMs,
      notAfterMs: startMs + dayMs,
      signatureAlgorithmsMatch: true,
      basicConstraints: { critical: true, ca: true, pathLength: undefined },
      keyUsage: { critical: true, usages: new Set(['keyCertSign', 'cRLSign']) },
      extendedKeyUsage: undefined,
      subjectKeyIdentifier: keyPair.publicKey.keyIdentifier,
      authorityKeyIdentifier: undefined,
      subjectAltName: { critical: false, uris: ['spiffe://shop.example'], dnsNames: [] },
    });
    expect(root.issuer.der).toEqual(root.subject.der);
    expect(root.subject.text).toBe('CN=shop.example root 2');
    expect(verifySignature(root, root)).toBe(true);
    expect(lint(root, 'authority')).toEqual([]);
  });

  test('certifies no other key than the one that signs', async () => {
    await expect(buildRootCertificate({ ...input(), keyPair: hierarchy.rootKey })).rejects.toThrow(TypeError);
  });
});

describe('an issuing authority', () => {
  test.each(quickAlgorithms)('under a root of %s', async (algorithm) => {
    const rootKey = await keyOf(algorithm);
    const root = await buildRootCertificate({ ...input({ publicKey: rootKey.publicKey, commonName: 'shop.example root 3' }), keyPair: rootKey });
    const made = await buildIssuingCertificate({ ...input(), issuer: root, issuerKey: rootKey });
    expect(made).toMatchObject({
      basicConstraints: { critical: true, ca: true, pathLength: 0 },
      keyUsage: { critical: true, usages: new Set(['keyCertSign', 'cRLSign']) },
      extendedKeyUsage: undefined,
      subjectKeyIdentifier: hierarchy.issuingKey.publicKey.keyIdentifier,
      authorityKeyIdentifier: rootKey.publicKey.keyIdentifier,
      subjectAltName: { uris: ['spiffe://shop.example'] },
    });
    expect(made.issuer.der).toEqual(root.subject.der);
    expect(verifySignature(made, root)).toBe(true);
    expect(verifySignature(root, made)).toBe(false);
    expect(lint(made, 'authority')).toEqual([]);
  });

  test.each([
    ['a high bit', 0x80],
    ['a leading zero', 0x00],
  ])('a serial number with %s', async (_name, first) => {
    const octets = serial(first);
    const made = await issuing({ serialNumber: octets });
    expect(BigInt(`0x${made.serialNumber}`)).toBe(BigInt(`0x${Buffer.from(octets).toString('hex')}`));
    expect(Number.parseInt(made.serialNumber.slice(0, 2), 16)).toBeLessThan(0x80);
  });

  test('names outside PrintableString keep their text and chain byte by byte', async () => {
    const keyPair = hierarchy.rootKey;
    const root = await buildRootCertificate({ ...input({ publicKey: keyPair.publicKey, commonName: 'Wurzel "Ä", 1=2+3 \\ <猫>' }), keyPair });
    expect(root.subject.text).toBe('CN=Wurzel \\"Ä\\"\\, 1=2\\+3 \\\\ \\<猫\\>');
    const made = await buildIssuingCertificate({ ...input(), issuer: root, issuerKey: keyPair });
    expect(made.issuer.der).toEqual(root.subject.der);
  });

  test('may live exactly as long as its root', async () => {
    const { notBeforeMs, notAfterMs } = hierarchy.root;
    const made = await issuing({ notBeforeMs, notAfterMs });
    expect([made.notBeforeMs, made.notAfterMs]).toEqual([notBeforeMs, notAfterMs]);
  });

  test('is dated across 2050', async () => {
    const late = await makeHierarchy('ECDSAP384', Date.UTC(2049, 11, 1));
    expect(late.issuing.notBeforeMs).toBe(Date.UTC(2049, 11, 1));
    expect(late.issuing.notAfterMs).toBe(Date.UTC(2049, 11, 1) + 90 * dayMs);
  });

  test.each([
    ['that outlives its root', { notAfterMs: startMs + 101 * dayMs }],
    ['that begins before its root', { notBeforeMs: startMs - 1000 }],
    ['that never is', { notAfterMs: startMs }],
    ['that ends before it begins', { notAfterMs: startMs - dayMs }],
    ['without an end', { notAfterMs: Number.NaN }],
  ])('%s is refused', async (_name, changes) => {
    expect(await codeOf(issuing(changes))).toBe('X509_VALIDITY');
  });

  test('signed by a key that is not its issuer’s crashes', async () => {
    const made = buildIssuingCertificate({ ...input(), issuer: hierarchy.root, issuerKey: hierarchy.issuingKey });
    await expect(made).rejects.toThrow(TypeError);
  });

  test('below another issuing authority crashes: its path length is 0', async () => {
    const made = buildIssuingCertificate({ ...input(), issuer: hierarchy.issuing, issuerKey: hierarchy.issuingKey });
    await expect(made).rejects.toThrow('may not sign authorities');
  });

  test.each(['', 'x'.repeat(65), 'a\ud800'])('the common name %j crashes', async (commonName) => {
    await expect(issuing({ commonName })).rejects.toThrow(RangeError);
  });
});

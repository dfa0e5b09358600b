import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Certificate, parseCertificate, signData, verifySignature } from '../../src/x509/index.ts';
import { signatureSchemes } from '../../src/x509/algorithm.ts';
import { DerReader } from '../../src/x509/der-reader.ts';
import { encodeElement, encodeOid, encodeSequence } from '../../src/x509/der-writer.ts';
import { oid } from '../../src/x509/oids.ts';
import { readSignedParts } from '../../src/x509/signature.ts';
import { type Hierarchy, issueLeaf, keyOf, leafFields, makeHierarchy, quickAlgorithms } from './hierarchy.ts';

let hierarchy: Hierarchy;
let leaf: Certificate;
beforeAll(async () => {
  hierarchy = await makeHierarchy('ECDSAP256');
  leaf = issueLeaf(hierarchy, leafFields((await keyOf('ECDSAP256')).publicKey));
});

/** The leaf with other algorithm identifiers and another signature over what they then say. */
function resigned(inner: Uint8Array, outer: Uint8Array, signature: (tbs: Uint8Array) => Uint8Array): Certificate {
  const { toBeSigned, algorithmIdentifier } = readSignedParts(DerReader.overChecked(leaf.der));
  const content = Buffer.from(DerReader.overChecked(toBeSigned).bytes.subarray(toBeSigned[1] === 0x82 ? 4 : 3));
  const at = content.indexOf(algorithmIdentifier);
  const tbs = encodeSequence(content.subarray(0, at), inner, content.subarray(at + algorithmIdentifier.length));
  return parseCertificate(encodeSequence(tbs, outer, encodeElement(0x03, Uint8Array.of(0), signature(tbs))));
}

const identifier = (name: string, ...parameters: Uint8Array[]): Uint8Array => encodeSequence(encodeOid(name), ...parameters);

describe('verifySignature', () => {
  test('any bit of the certificate that changes and still parses makes it false', () => {
    let parsed = 0;
    for (let at = 0; at < leaf.der.length; at += 1) {
      const changed = Uint8Array.from(leaf.der);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      let certificate: Certificate;
      try {
        certificate = parseCertificate(changed);
      } catch {
        continue;
      }
      parsed += 1;
      expect(verifySignature(certificate, hierarchy.issuing)).toBe(false);
    }
    expect(parsed).toBeGreaterThan(200);
  });

  test('another authority’s key, of the same and of another kind', async () => {
    expect(verifySignature(leaf, hierarchy.issuing)).toBe(true);
    expect(verifySignature(leaf, hierarchy.root)).toBe(false);
    expect(verifySignature(leaf, (await makeHierarchy('RSA2048')).issuing)).toBe(false);
    expect(verifySignature(leaf, (await makeHierarchy('ED25519')).issuing)).toBe(false);
  });

  test('a sound signature by SHA-1 is not believed', () => {
    const sha1 = identifier('1.2.840.10045.4.1');
    const { privateKey } = hierarchy.issuingKey;
    expect(verifySignature(resigned(sha1, sha1, (tbs) => sign('sha1', tbs, privateKey)), hierarchy.issuing)).toBe(false);
  });

  test('a sound signature by SHA-384 with a P-256 key is', () => {
    const sha384 = identifier(oid.ecdsaWithSha384);
    const { privateKey } = hierarchy.issuingKey;
    expect(verifySignature(resigned(sha384, sha384, (tbs) => sign('sha384', tbs, privateKey)), hierarchy.issuing)).toBe(true);
  });

  test('an inner algorithm that differs from the outer one', () => {
    const { privateKey } = hierarchy.issuingKey;
    const made = resigned(identifier(oid.ecdsaWithSha384), identifier(oid.ecdsaWithSha256), (tbs) => sign('sha256', tbs, privateKey));
    expect(made.signatureAlgorithmsMatch).toBe(false);
    expect(verifySignature(made, hierarchy.issuing)).toBe(false);
  });

  test('a key that OpenSSL cannot read verifies nothing', () => {
    const publicKey = { spki: Uint8Array.of(0x30, 0), algorithm: 'ECDSAP256' };
    expect(verifySignature(leaf, { ...hierarchy.issuing, publicKey })).toBe(false);
  });

  test('a view whose bytes are no certificate verifies nothing', () => {
    expect(verifySignature({ ...leaf, der: Uint8Array.of(0x30, 0) }, hierarchy.issuing)).toBe(false);
  });
});

describe('signData', () => {
  test.each(quickAlgorithms)('%s signs with the hash of its strength', async (algorithm) => {
    const pair = await keyOf(algorithm);
    const data = new Uint8Array(100).fill(7);
    const key = { key: Buffer.from(pair.publicKey.spki), format: 'der', type: 'spki' } as const;
    expect(verify(signatureSchemes[algorithm].hash, data, key, signData(pair.privateKey, algorithm, data))).toBe(true);
  });

  test('ECDSA comes as DER', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(signData(privateKey, 'ECDSAP256', new Uint8Array(1))[0]).toBe(0x30);
  });
});

import 'reflect-metadata';
import { createPublicKey, sign, webcrypto } from 'node:crypto';
import { ChallengePasswordAttribute, cryptoProvider, Pkcs10CertificateRequest, Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { isMtlsdError } from '../../src/errors/index.ts';
import { type KeyPair, parseCertificateRequest } from '../../src/x509/index.ts';
import { encodeElement, encodeOid, encodeSequence } from '../../src/x509/der-writer.ts';
import { oid } from '../../src/x509/oids.ts';
import { signatureSchemes } from '../../src/x509/algorithm.ts';
import { keyOf, quickAlgorithms } from './hierarchy.ts';
import { malformed, octets } from './malformed.ts';

function refusal(der: Uint8Array): string {
  try {
    parseCertificateRequest(der);
  } catch (error) {
    if (isMtlsdError(error, 'X509_REQUEST_INVALID')) return error.message;
    throw error;
  }
  throw new Error('the request was accepted');
}

let pair: KeyPair;
beforeAll(async () => {
  cryptoProvider.set(webcrypto);
  pair = await keyOf('ECDSAP256');
});

const extension = (name: string, value: Uint8Array): Uint8Array => encodeSequence(encodeOid(name), encodeElement(0x04, value));
const attribute = (name: string, ...values: Uint8Array[]): Uint8Array => encodeSequence(encodeOid(name), encodeElement(0x31, ...values));
const san = (...names: string[]): Uint8Array => extension(oid.subjectAltName, encodeSequence(...names.map((name) => octets(name))));

function request(attributes: readonly Uint8Array[], key = pair, version = octets('020100')): Uint8Array {
  const scheme = signatureSchemes[key.algorithm];
  const info = encodeSequence(version, octets('3000'), key.publicKey.spki, encodeElement(0xa0, ...attributes));
  const algorithm = encodeSequence(encodeOid(scheme.oid), octets(scheme.nullParameters ? '0500' : ''));
  return encodeSequence(info, algorithm, encodeElement(0x03, Uint8Array.of(0), sign(scheme.hash, info, key.privateKey)));
}

describe('what is asked for', () => {
  test.each(quickAlgorithms)('%s proves possession', async (algorithm) => {
    const key = await keyOf(algorithm);
    const read = parseCertificateRequest(request([attribute(oid.extensionRequest, encodeSequence(san('86022f61', '820162')))], key));
    expect(read.signatureValid).toBe(true);
    expect(read.publicKey).toEqual({ spki: key.publicKey.spki, algorithm });
    expect(read.subjectAltName).toMatchObject({ uris: ['/a'], dnsNames: ['b'] });
    expect(read.extensions).toEqual([{ oid: oid.subjectAltName, critical: false }]);
  });

  test('a request of another library, with a subject and other attributes', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const publicKey = createPublicKey(pair.privateKey).toCryptoKey(algorithm, true, ['verify']);
    const made = await Pkcs10CertificateRequestGenerator.create({
      name: 'CN=cart, O=shop',
      keys: { privateKey: pair.privateKey.toCryptoKey(algorithm, true, ['sign']), publicKey },
      signingAlgorithm: algorithm,
      attributes: [new ChallengePasswordAttribute('x')],
      extensions: [new SubjectAlternativeNameExtension([{ type: 'url', value: 'spiffe://shop.example/cart' }])],
    });
    const read = parseCertificateRequest(new Uint8Array(made.rawData));
    expect(read).toMatchObject({ signatureValid: true, subject: { text: 'O=shop,CN=cart' }, subjectAltName: { uris: ['spiffe://shop.example/cart'] } });
  });

  test('nothing', () => {
    const read = parseCertificateRequest(request([]));
    expect(read).toMatchObject({ signatureValid: true, extensions: [], subjectAltName: undefined, subject: { empty: true } });
  });
});

describe('proof of possession', () => {
  test('a request for someone else’s key is not valid', async () => {
    const stranger = await keyOf('ECDSAP256', 'stranger');
    const claimed = request([], { ...pair, algorithm: 'ECDSAP256', publicKey: stranger.publicKey, privateKeyPem: () => '', privateKey: pair.privateKey });
    expect(parseCertificateRequest(claimed).signatureValid).toBe(false);
  });

  test.each(quickAlgorithms)('%s: not with a signature that says to be of another kind', async (algorithm) => {
    const key = await keyOf(algorithm);
    const other = algorithm === 'ED25519' ? 'ECDSAP256' : 'ED25519';
    const info = encodeSequence(octets('020100'), octets('3000'), key.publicKey.spki, encodeElement(0xa0));
    const foreign = encodeSequence(info, encodeSequence(encodeOid(signatureSchemes[other].oid)), encodeElement(0x03, Uint8Array.of(0), sign(signatureSchemes[algorithm].hash, info, key.privateKey)));
    expect(parseCertificateRequest(foreign).signatureValid).toBe(false);
  });

  test('nothing holds here that does not hold for an independent reader, whichever octet changes', async () => {
    const der = request([attribute(oid.extensionRequest, encodeSequence(san('86022f61')))]);
    const holdsHere = (bytes: Uint8Array): boolean => {
      try {
        return parseCertificateRequest(bytes).signatureValid;
      } catch (error) {
        if (isMtlsdError(error, 'X509_REQUEST_INVALID')) return false;
        throw error;
      }
    };
    const held: number[] = [];
    for (let at = 0; at <= der.length; at += 1) {
      const changed = Uint8Array.from(der, (octet, index) => (index === at ? octet ^ 0x01 : octet));
      if (!holdsHere(changed)) continue;
      held.push(at);
      expect(await new Pkcs10CertificateRequest(changed).verify()).toBe(true);
    }
    // The last round changes nothing.
    expect(held).toEqual([der.length]);
  });

  test('any bit of the content that changes', () => {
    const der = request([attribute(oid.extensionRequest, encodeSequence(san('86022f61')))]);
    for (let at = der.indexOf(0x2f); at < der.indexOf(0x2f) + 2; at += 1) {
      const changed = Uint8Array.from(der);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      expect(parseCertificateRequest(changed).signatureValid).toBe(false);
    }
  });
});

describe('refused', () => {
  test.each(Object.entries(malformed))('%s', (_name, bytes) => {
    expect(refusal(bytes)).toContain('not strict DER');
  });

  test('cut at every octet, and with one octet more', () => {
    const der = request([attribute(oid.extensionRequest, encodeSequence(san('86022f61')))]);
    for (let length = 0; length < der.length; length += 1) refusal(der.subarray(0, length));
    expect(refusal(Uint8Array.of(...der, 0))).toContain('trailing');
  });

  test('version 2, two extension requests, two values, an empty one, too many attributes', () => {
    const wish = attribute(oid.extensionRequest, encodeSequence(san('86022f61')));
    expect(refusal(request([], pair, octets('020101')))).toContain('version');
    expect(refusal(request([wish, wish]))).toContain('two extension requests');
    expect(refusal(request([attribute(oid.extensionRequest, encodeSequence(san('86022f61')), encodeSequence(san('86022f61')))]))).toContain('unexpected');
    expect(refusal(request([attribute(oid.extensionRequest)]))).toContain('not strict DER');
    expect(refusal(request(Array.from({ length: 17 }, () => attribute('1.2.3.4', octets('0500')))))).toContain('more than 16 attributes');
  });

  test('an octet changed anywhere: read or refused, never another error', () => {
    const der = request([attribute(oid.extensionRequest, encodeSequence(san('86022f61')))]);
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(der);
        changed[at] = (changed[at] ?? 0) ^ change;
        try {
          parseCertificateRequest(changed);
        } catch (error) {
          expect(isMtlsdError(error, 'X509_REQUEST_INVALID')).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

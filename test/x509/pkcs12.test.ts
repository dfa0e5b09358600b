import { pbkdf2Sync } from 'node:crypto';
import * as fc from 'fast-check';
import forge from 'node-forge';
import { describe, expect, test } from 'vitest';
import { isMtlsdError } from '../../src/errors/index.ts';
import { buildKeystores, encodePem, openPkcs12 } from '../../src/x509/index.ts';
import { derivedFor, derivePbkdf2, derivePkcs12 } from '../../src/x509/pkcs12/key-derivation.ts';
import { modernEncryption } from '../../src/x509/pkcs12/encryption.ts';
import { makeSeal } from '../../src/x509/pkcs12/integrity.ts';
import { pkcs12Oid } from '../../src/x509/pkcs12/oids.ts';
import { count, explicit, objectIdentifier, octetString, sequence, type Structure } from '../../src/x509/pkcs12/structure.ts';
import { certificateBag, encryptedContents, friendlyName, plainContents, sealed, trustedForAll } from '../../src/x509/pkcs12/write.ts';
import { issueLeaf, keyOf, leafFields, makeHierarchy } from './hierarchy.ts';
import { malformed, octets } from './malformed.ts';

const password = 'open sesame';
const fixedBytes = (length: number): Uint8Array => new Uint8Array(length).fill(7);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

async function sample(): Promise<{ readonly keyStore: Uint8Array; readonly key: string; readonly root: Uint8Array }> {
  const hierarchy = await makeHierarchy('ECDSAP256');
  const pair = await keyOf('ECDSAP256');
  const chainPem = encodePem('CERTIFICATE', issueLeaf(hierarchy, leafFields(pair.publicKey)).der) + encodePem('CERTIFICATE', hierarchy.issuing.der);
  const roots = [{ alias: 'root', certificate: hierarchy.root.der }];
  const { keyStore } = await buildKeystores({ privateKeyPem: pair.privateKeyPem(), chainPem, alias: 'cart', roots }, password, 'Modern', fixedBytes);
  return { keyStore, key: pair.privateKeyPem(), root: hierarchy.root.der };
}

describe('key derivation', () => {
  test.each([
    ['encryptionKey', 24, 'sha1'],
    ['initialisationVector', 8, 'sha1'],
    ['macKey', 20, 'sha1'],
    ['macKey', 32, 'sha256'],
    ['encryptionKey', 170, 'sha256'],
  ] as const)('of RFC 7292 appendix B is that of node-forge: %s of %i octets with %s', async (purpose, length, digest) => {
    const salt = octets('0a58cf64530d823f');
    const expected = forge.pkcs12.generateKey('smeg', forge.util.createBuffer(Buffer.from(salt).toString('latin1')), derivedFor[purpose], 600, length, forge.md[digest].create());
    expect(hex(await derivePkcs12('smeg', salt, 600, length, derivedFor[purpose], digest))).toBe(expected.toHex());
  });

  test('of RFC 8018 is that of Node', async () => {
    const salt = octets('00112233');
    expect(hex(await derivePbkdf2(password, salt, 1000, 32, 'sha256'))).toBe(pbkdf2Sync(password, salt, 1000, 32, 'sha256').toString('hex'));
  });
});

describe('bytes from outside', () => {
  test.each(Object.entries(malformed))('%s is refused', async (_, bytes) => {
    await expect(openPkcs12(bytes, password)).rejects.toThrow(expect.objectContaining({ code: 'X509_KEYSTORE_INVALID' }));
  });

  test('any byte that is changed, and any cut, is refused with a code, and no message holds a secret', async () => {
    const { keyStore, key } = await sample();
    const secret = key.split('\n')[1] ?? '';
    await fc.assert(
      fc.asyncProperty(fc.nat(keyStore.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), async (at, flip, cut) => {
        const bytes = cut ? keyStore.slice(0, at) : Uint8Array.from(keyStore, (octet, index) => (index === at ? octet ^ flip : octet));
        const outcome = await openPkcs12(bytes, password).then(() => new Error('it opened'), (error: unknown) => error);
        if (!isMtlsdError(outcome)) throw outcome;
        expect(['X509_KEYSTORE_INVALID', 'X509_KEYSTORE_PASSWORD']).toContain(outcome.code);
        expect(outcome.message).not.toContain(password);
        expect(outcome.message).not.toContain(secret);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  test.each([
    ['a certificate', 'CERTIFICATE'],
    ['a key', 'PRIVATE KEY'],
  ])('%s in its place is refused', async (_, what) => {
    const { root, key } = await sample();
    const bytes = what === 'CERTIFICATE' ? root : Buffer.from(key.split('\n').slice(1, -2).join(''), 'base64');
    await expect(openPkcs12(bytes, password)).rejects.toThrow('The keystore cannot be read');
  });

  test('an iteration count that would take a day is refused before it is worked on', async () => {
    const macOf = (iterations: number): Structure =>
      sequence(sequence(sequence(objectIdentifier(pkcs12Oid.sha256)), octetString(fixedBytes(32))), octetString(fixedBytes(16)), count(iterations));
    const storeOf = (iterations: number): Uint8Array => sealed([], { over: () => macOf(iterations) });
    await expect(openPkcs12(storeOf(1_000_001), password)).rejects.toThrow('a count is not from 1 to 1000000');
    await expect(openPkcs12(storeOf(1_000), password)).rejects.toThrow('The password does not open the keystore');
  });

  test('an alias that would write to a terminal is refused', async () => {
    const { root } = await sample();
    const seal = await makeSeal(password, fixedBytes, 'sha256');
    const store = sealed([plainContents([certificateBag(root, [friendlyName('root\u001b[2J'), trustedForAll()])])], seal);
    await expect(openPkcs12(store, password)).rejects.toThrow('a friendlyName has a control character');
  });

  test('contents that nobody knows are named', async () => {
    const seal = await makeSeal(password, fixedBytes, 'sha256');
    const unknown = sequence(objectIdentifier('1.2.840.113549.1.7.3'), explicit(octetString(new Uint8Array())));
    await expect(openPkcs12(sealed([unknown], seal), password)).rejects.toThrow('content 1.2.840.113549.1.7.3 is not supported');
  });

  test('a certificate without a mark and without a key is shown apart: Java shows it not at all', async () => {
    const { root } = await sample();
    const seal = await makeSeal(password, fixedBytes, 'sha256');
    const contents = await encryptedContents([certificateBag(root, [friendlyName('root')])], await modernEncryption(password, fixedBytes));
    const { trusted, others } = await openPkcs12(sealed([contents], seal), password);
    expect(trusted).toEqual([]);
    expect(others.map(({ alias, certificate }) => [alias, certificate.der])).toEqual([['root', root]]);
  });
});

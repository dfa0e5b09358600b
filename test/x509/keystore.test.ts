import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildKeystores, encodePem, type KeyAlgorithm, keyAlgorithms, type KeystoreInput, type KeystoreProfile, type Keystores, openPkcs12 } from '../../src/x509/index.ts';
import { issueLeaf, keyOf, leafFields, makeHierarchy, quickAlgorithms } from './hierarchy.ts';
import { forgeOpens } from './pkcs12-second-opinion.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const password = 'correct horse battery staple';
const profiles = ['Modern', 'Compatible'] as const;

/** Bytes that differ from call to call and are the same in each run. */
function countedBytes(): (length: number) => Uint8Array {
  let next = 0;
  return (length) => Uint8Array.from({ length }, () => (next = (next * 5 + 113) % 256));
}

async function inputOf(algorithm: KeyAlgorithm): Promise<KeystoreInput & { readonly chain: readonly Uint8Array[] }> {
  const hierarchy = await makeHierarchy('ECDSAP256');
  const other = await makeHierarchy('ECDSAP384');
  const pair = await keyOf(algorithm);
  const chain = [issueLeaf(hierarchy, leafFields(pair.publicKey)).der, hierarchy.issuing.der];
  return {
    privateKeyPem: pair.privateKeyPem(),
    chainPem: chain.map((der) => encodePem('CERTIFICATE', der)).join(''),
    chain,
    alias: 'cart',
    roots: [
      { alias: 'root-1', certificate: hierarchy.root.der },
      { alias: 'root-2', certificate: other.root.der },
    ],
  };
}

const build = (input: KeystoreInput, profile: KeystoreProfile, randomBytes = countedBytes()): Promise<Keystores> => buildKeystores(input, password, profile, randomBytes);

describe.each(profiles)('profile %s', (profile) => {
  test.each(quickAlgorithms)('what is written opens again: %s', async (algorithm) => {
    const input = await inputOf(algorithm);
    const { keyStore, trustStore } = await build(input, profile);

    const own = await openPkcs12(keyStore, password);
    expect(own).toMatchObject({ profile, trusted: [], others: [] });
    expect(own.entries.map((entry) => [entry.alias, entry.chain.map(({ der }) => der)])).toEqual([['cart', input.chain]]);
    expect(own.entries[0]?.privateKey?.export({ type: 'pkcs8', format: 'pem' })).toBe(input.privateKeyPem);

    const trust = await openPkcs12(trustStore, password);
    expect(trust).toMatchObject({ profile, entries: [], others: [] });
    expect(trust.trusted.map(({ alias, certificate }) => ({ alias, certificate: certificate.der }))).toEqual(input.roots);
  });

  test.each(['', 'Correct horse battery staple', `${password} `])('another password is refused as such: "%s"', async (wrong) => {
    const { keyStore, trustStore } = await build(await inputOf('ECDSAP256'), profile);
    for (const store of [keyStore, trustStore]) await expect(openPkcs12(store, wrong)).rejects.toThrow(expect.objectContaining({ code: 'X509_KEYSTORE_PASSWORD' }));
  });

  test('the same randomness makes the same bytes, other randomness shares none of its secrets', async () => {
    const input = await inputOf('ECDSAP256');
    const once = await build(input, profile);
    expect(await build(input, profile)).toEqual(once);
    let calls = 0;
    const other = await build(input, profile, (length) => new Uint8Array(length).fill((calls += 1)));
    expect(Buffer.from(other.keyStore).equals(once.keyStore)).toBe(false);
  });

  test('a keystore and its trust store hold no key in the clear', async () => {
    const input = await inputOf('ED25519');
    const seed = Buffer.from(input.privateKeyPem.split('\n')[1] ?? '', 'base64').subarray(-32);
    const { keyStore, trustStore } = await build(input, profile);
    for (const store of [keyStore, trustStore]) expect(Buffer.from(store).indexOf(seed)).toBe(-1);
  });

  test.each(quickAlgorithms)('node-forge reads the same: %s', async (algorithm) => {
    const input = await inputOf(algorithm);
    const { keyStore, trustStore } = await build(input, profile);
    const key = Buffer.from(input.privateKeyPem.split('\n').slice(1, -2).join(''), 'base64').toString('hex');
    expect(forgeOpens(keyStore, password)).toEqual({ keys: [{ alias: 'cart', pkcs8: key }], certificates: [['cart', input.chain[0]], [undefined, input.chain[1]]].map(([alias, der]) => ({ alias, der: Buffer.from(der as Uint8Array).toString('hex') })) });
    expect(forgeOpens(trustStore, password)).toEqual({ keys: [], certificates: input.roots.map(({ alias, certificate }) => ({ alias, der: Buffer.from(certificate).toString('hex') })) });
  });
});

describe.skipIf(!hasOpenssl)('OpenSSL', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mtlsd-keystore-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const openssl = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout + stderr;
  };

  test.each(profiles.flatMap((profile) => keyAlgorithms.map((algorithm) => ({ profile, algorithm }))))('reads $profile with a key of kind $algorithm', async ({ profile, algorithm }) => {
    const input = await inputOf(algorithm);
    const { keyStore, trustStore } = await build(input, profile);
    writeFileSync(join(folder, 'keystore.p12'), keyStore);
    writeFileSync(join(folder, 'truststore.p12'), trustStore);
    const read = (file: string, ...args: readonly string[]): string => openssl('pkcs12', '-in', file, '-passin', `pass:${password}`, '-nodes', ...args);
    expect(read('keystore.p12', '-nocerts')).toContain(input.privateKeyPem);
    expect(read('keystore.p12', '-info')).toContain(profile === 'Modern' ? 'MAC: sha256, Iteration 10000' : 'MAC: sha1, Iteration 2048');
    expect(read('truststore.p12', '-nokeys')).toContain('friendlyName: root-1');
  });

  const madeBy: readonly (readonly [name: string, profile: string, ...args: string[]])[] = [
    ['its defaults', 'Modern'],
    ['3DES and SHA-1', 'Compatible', '-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
    ['AES-128 and SHA-512', 'AES-128 with PBKDF2-HMAC-SHA256; sealed with HMAC-SHA512', '-certpbe', 'AES-128-CBC', '-keypbe', 'AES-128-CBC', '-macalg', 'sha512'],
    ['certificates in the clear', 'AES-256 with PBKDF2-HMAC-SHA256; not sealed', '-certpbe', 'NONE', '-nomac'],
  ];
  test.each(madeBy)('what it makes with %s opens', async (_name, profile, ...args) => {
    const input = await inputOf('ECDSAP256');
    writeFileSync(join(folder, 'own.pem'), input.privateKeyPem + input.chainPem);
    openssl('pkcs12', '-export', '-in', 'own.pem', '-name', 'cart', '-passout', `pass:${password}`, '-out', 'made.p12', ...args);
    const content = await openPkcs12(readFileSync(join(folder, 'made.p12')), password);
    expect(content.entries.map((entry) => [entry.alias, entry.chain.map(({ der }) => der)])).toEqual([['cart', input.chain]]);
    expect(content.profile).toBe(profile);
  });

  test('what it encrypts with RC2 is refused with the name of the cipher', async () => {
    const input = await inputOf('ECDSAP256');
    writeFileSync(join(folder, 'own.pem'), input.privateKeyPem + input.chainPem);
    openssl('pkcs12', '-export', '-legacy', '-in', 'own.pem', '-passout', `pass:${password}`, '-out', 'legacy.p12');
    await expect(openPkcs12(readFileSync(join(folder, 'legacy.p12')), password)).rejects.toThrow('encryption 1.2.840.113549.1.12.1.6 is not supported');
  });
});

/** The keystores of a running mtlsd, as Java and OpenSSL take them: read, trusted and presented, for every kind of key. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyAlgorithms, openPkcs12, type KeyAlgorithm } from '../../src/x509/index.ts';
import { readIdentity } from './identity-folder.ts';
import { keystorePrograms } from './peers/keystore-programs.ts';
import { LineProgram } from './line-program.ts';
import { nodePeer } from './peers/node.ts';
import type { Peer } from './peers/peer.ts';
import { sharedPeer } from './peers/one-program-peer.ts';
import { Product, type Manifest } from './product.ts';
import { requirementsMet } from './requirements.ts';

const run = promisify(execFile);
const { env } = process;
const password = 'open sesame 1';
const namespace = 'stores';
const profiles = ['Modern', 'Compatible'] as const;
type Profile = (typeof profiles)[number];

const hasJava = await requirementsMet('Java takes keystores as delivered', ['java'], env);
const hasOpenssl = await requirementsMet('OpenSSL takes keystores as delivered', ['openssl'], env);

const cases = profiles.flatMap((profile) => keyAlgorithms.map((algorithm) => ({ profile, algorithm, name: `${profile}-${algorithm}`.toLowerCase() })));
const manifestOf = (profile: Profile, algorithm: KeyAlgorithm, name: string): Manifest => {
  const spec = { keyAlgorithm: algorithm, formats: { der: true, pkcs12: { passwordFile: 'stores.password', profile } } };
  return { kind: 'WorkloadIdentity', namespace, name, spec };
};

let product: Product;
const folderOf = (name: string): string => product.identityFolder(namespace, name);
const idOf = (name: string): string => `spiffe://stores.example/ns/${namespace}/sa/${name}`;
const manifestsFolder = (): string => join(product.identityFolder('', ''), '..', '..', 'manifests');

/** Waits until a file of an identity's newest generation meets `wanted`. */
async function untilFile(name: string, file: string, wanted: (bytes: Buffer) => boolean | Promise<boolean>): Promise<Buffer> {
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 100) {
    const bytes = await readFile(join(folderOf(name), file)).catch(() => undefined);
    if (bytes !== undefined && (await wanted(bytes))) return bytes;
    await sleep(100);
  }
  throw new Error(`${file} of ${name} is not as it was waited for`);
}

beforeAll(async () => {
  const custom: Manifest = {
    kind: 'WorkloadIdentity',
    namespace,
    name: 'named',
    spec: { formats: { pkcs12: { passwordFile: 'stores.password', alias: 'tls', trustAlias: 'shop' } } },
  };
  product = await Product.create([
    { kind: 'TrustDomain', name: 'stores.example', spec: {} },
    custom,
    ...cases.map(({ profile, algorithm, name }) => manifestOf(profile, algorithm, name)),
  ]);
  await writeFile(join(manifestsFolder(), 'stores.password'), `${password}\n`);
  product.start();
  for (const { name } of [...cases, custom]) await untilFile(name, 'keystore.p12', () => true);
}, 240_000);
afterAll(() => product[Symbol.asyncDispose]());

describe.skipIf(!hasJava)('keytool', () => {
  // One process for all of them: to start one takes ten times as long as to list a file.
  let keytool: LineProgram;
  beforeAll(async () => {
    keytool = new LineProgram((await keystorePrograms(env)).keytool, env);
  });
  afterAll(() => keytool[Symbol.asyncDispose]());

  const listing = (file: string, storePassword: string): readonly string[] => ['-list', '-v', '-storetype', 'PKCS12', '-keystore', file, '-storepass', storePassword];
  const list = async (file: string): Promise<string> => {
    const { printed } = await keytool.ask<{ printed: string }>({ arguments: Buffer.from(listing(file, password).join('\0')).toString('base64') });
    return Buffer.from(printed, 'base64').toString('utf8');
  };
  const listByCommand = async (file: string, storePassword = password): Promise<string> => {
    const { stdout } = await run('keytool', ['-J-XX:TieredStopAtLevel=1', '-J-Duser.language=en', ...listing(file, storePassword)]);
    return stdout;
  };

  test.each(cases)('lists $name: one key with its chain, one trusted root', async ({ name }) => {
    const keyStore = await list(join(folderOf(name), 'keystore.p12'));
    expect(keyStore).toContain(`Alias name: ${name}\n`);
    expect(keyStore).toContain('Entry type: PrivateKeyEntry\nCertificate chain length: 2\n');
    expect(keyStore).toContain('Your keystore contains 1 entry');
    expect(keyStore).toContain(idOf(name));
    const trustStore = await list(join(folderOf(name), 'truststore.p12'));
    expect(trustStore).toMatch(/Alias name: root-[0-9a-f]{8}\n/);
    expect(trustStore).toContain('Entry type: trustedCertEntry\n');
    expect(trustStore).toContain('Your keystore contains 1 entry');
  });

  test('shows the aliases that were chosen', async () => {
    expect(await listByCommand(join(folderOf('named'), 'keystore.p12'))).toContain('Alias name: tls\n');
    expect(await listByCommand(join(folderOf('named'), 'truststore.p12'))).toMatch(/Alias name: shop-[0-9a-f]{8}\n/);
  });

  test('refuses another password', async () => {
    await expect(listByCommand(join(folderOf('named'), 'keystore.p12'), 'not the password')).rejects.toThrow('Command failed');
  });
});

describe.skipIf(!hasOpenssl)('openssl pkcs12', () => {
  test.each(cases)('reads $name', async ({ name, profile }) => {
    const generation = readIdentity(folderOf(name));
    const info = async (file: string, ...args: readonly string[]): Promise<string> => {
      const { stdout, stderr } = await run('openssl', ['pkcs12', '-info', '-in', join(generation.folder, file), '-passin', `pass:${password}`, '-nodes', ...args]);
      return stdout + stderr;
    };
    const legacy = profile === 'Compatible' ? [[], ['-legacy']] : [[]];
    for (const args of legacy) {
      const keyStore = await info('keystore.p12', ...args);
      expect(keyStore).toContain(profile === 'Modern' ? 'PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256' : 'pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048');
      expect(keyStore).toContain(generation.key);
      for (const block of generation.chain.matchAll(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)) expect(keyStore).toContain(block[0]);
      expect(await info('truststore.p12', ...args)).toContain(generation.roots.trim());
    }
  });

  test.each(cases.filter(({ profile }) => profile === 'Modern'))('reads the DER files of $name', async ({ name }) => {
    const { folder, chain, key, roots } = readIdentity(folderOf(name));
    const der = async (...args: readonly string[]): Promise<string> => (await run('openssl', [...args], { cwd: folder })).stdout;
    expect(chain.startsWith(await der('x509', '-inform', 'DER', '-in', 'tls.der'))).toBe(true);
    expect(await der('pkey', '-inform', 'DER', '-in', 'key.der')).toBe(key);
    expect(await der('x509', '-inform', 'DER', '-in', 'ca.der')).toBe(roots);
    const [tls, whole] = await Promise.all([readFile(join(folder, 'tls.der')), readFile(join(folder, 'chain.der'))]);
    expect(whole.subarray(0, tls.length).equals(tls)).toBe(true);
  });
});

describe.skipIf(!hasJava)('a Java application with nothing but the platform', () => {
  const withPassword = async (known: string) => sharedPeer('Java', (await keystorePrograms(env)).peer, { ...env, KEYSTORE_PASSWORD: known });
  let java: Peer & AsyncDisposable;
  beforeAll(async () => {
    java = await withPassword(password);
  });
  afterAll(() => java[Symbol.asyncDispose]());

  const shake = async (client: Peer, server: Peer, name: string, tls: '1.2' | '1.3', admitted = name) => {
    await using listening = await server.serve(folderOf(name), idOf(admitted));
    await using dialling = await client.dial(folderOf(name));
    // Awaited here: both ends are put away when this ends.
    return await Promise.all([dialling.dial(listening.port, idOf(name), tls), listening.next()]);
  };

  test.each(cases)('presents and trusts $name, as client and as server', async ({ name, profile }) => {
    for (const tls of profile === 'Modern' ? (['1.3', '1.2'] as const) : (['1.3'] as const)) {
      const accepted = { ok: true, spiffeId: idOf(name), protocol: `TLSv${tls}` };
      expect(await shake(java, nodePeer, name, tls)).toMatchObject([accepted, accepted]);
      expect(await shake(nodePeer, java, name, tls)).toMatchObject([accepted, accepted]);
    }
  });

  test('refuses a client of another name', async () => {
    const [, atServer] = await shake(nodePeer, java, 'modern-ecdsap256', '1.3', 'stranger');
    expect(atServer).toMatchObject({ ok: false });
  });

  // Last of all: every store gets the other password.
  test('a changed password writes the stores again and leaves the certificate', async () => {
    const name = 'modern-ecdsap256';
    const before = await readFile(join(folderOf(name), 'tls.crt'));
    await writeFile(join(manifestsFolder(), 'stores.password'), 'another password');
    const opens = (bytes: Buffer): Promise<boolean> => openPkcs12(bytes, 'another password').then(() => true, () => false);
    await untilFile(name, 'keystore.p12', opens);
    expect(await opens(await readFile(join(folderOf(name), 'truststore.p12')))).toBe(true);
    expect(await readFile(join(folderOf(name), 'tls.crt'))).toEqual(before);
    await using other = await withPassword('another password');
    expect(await shake(other, nodePeer, name, '1.3')).toMatchObject([{ ok: true }, { ok: true }]);
  });
});

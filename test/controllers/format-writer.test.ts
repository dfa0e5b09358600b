import { describe, expect, test } from 'vitest';
import { deliveredFormats, encodeFormats, formatsReason, mayStay } from '../../src/controllers/workload-identity/formats.ts';
import { renderFormats, type FormatsInput } from '../../src/controllers/workload-identity/format-writer.ts';
import { readPassword, type PasswordReading } from '../../src/controllers/workload-identity/keystore-password.ts';
import { secretFiles } from '../../src/controllers/workload-identity/secret.ts';
import type { Secret } from '../../src/resources/index.ts';
import type { SecretMetadata } from '../../src/store/port.ts';
import { buildRootCertificate, encodePem, generateKeyPair, openPkcs12 } from '../../src/x509/index.ts';
import { dayMs, issueLeaf, keyOf, leafFields, makeHierarchy, serial, startMs, trustDomain } from '../x509/hierarchy.ts';

const keystore = { password: { file: 'x' }, profile: 'Modern', alias: 'cart', trustAlias: 'root' } as const;
const wanted = { der: true, keystore };
const nowMs = startMs + 1000;
const notAfterMs = startMs + dayMs;

function passwordOf(text: string, version: string): Promise<PasswordReading> {
  return readPassword({ store: undefined as never, cluster: undefined, readPasswordFile: async () => ({ bytes: Buffer.from(text), version }) }, 'shop', keystore.password);
}
const missing = { kind: 'unusable', reason: 'KeystorePasswordMissing', message: 'none', lookAgainMs: 1 } as const;

async function inputOf(roots: readonly Uint8Array[], generation: number, password: PasswordReading, before?: FormatsInput['before']): Promise<FormatsInput> {
  const hierarchy = await makeHierarchy('ECDSAP256');
  const pair = await keyOf('ECDSAP256');
  const chainPem = encodePem('CERTIFICATE', issueLeaf(hierarchy, leafFields(pair.publicKey)).der) + encodePem('CERTIFICATE', hierarchy.issuing.der);
  return {
    resolved: wanted,
    password,
    pair: { chainPem, privateKeyPem: pair.privateKeyPem(), serialNumber: '11', notAfterMs },
    bundle: { generation, sha256: '', caPem: roots.map((root) => encodePem('CERTIFICATE', root)).join(''), json: '{}' },
    before,
    nowMs,
    randomBytes: (length) => new Uint8Array(length).fill(3),
  };
}

const rootOf = async (algorithm: 'ECDSAP256' | 'ECDSAP384'): Promise<Uint8Array> => (await makeHierarchy(algorithm)).root.der;
const metadata = { name: 'cart-mtls', namespace: 'shop', uid: 'u', resourceVersion: '1', creationTimestamp: '2030-01-01T00:00:00Z' };

function secretOf({ delivered, data }: Awaited<ReturnType<typeof renderFormats>>): Secret {
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { ...metadata, annotations: { 'mtlsd.io/formats': encodeFormats(delivered) ?? '' } }, data };
}

const beforeOf = (secret: Secret): NonNullable<FormatsInput['before']> => ({ formats: deliveredFormats(secret), read: async () => secret });

describe('a bundle that changed', () => {
  test('is in the trust store and in ca.der, under aliases that stay', async () => {
    const [first, second] = [await rootOf('ECDSAP256'), (await buildRoot()).der];
    const password = await passwordOf('open sesame', '1');
    const aliases = async (roots: readonly Uint8Array[], generation: number): Promise<readonly (string | undefined)[]> => {
      const { data } = await renderFormats(await inputOf(roots, generation, password));
      const bytes = (name: string): Buffer => Buffer.from(data[name] ?? '', 'base64');
      expect(bytes('ca.der')).toEqual(Buffer.concat(roots));
      return (await openPkcs12(bytes('truststore.p12'), 'open sesame')).trusted.map(({ alias }) => alias);
    };
    const [one] = await aliases([first], 1);
    const both = await aliases([second, first], 2);
    expect(both).toHaveLength(2);
    expect(both[1]).toBe(one);
    expect(new Set(both).size).toBe(2);
  });

  test('takes keystores along that cannot be written again', async () => {
    const root = await rootOf('ECDSAP256');
    const secret = secretOf(await renderFormats(await inputOf([root], 1, await passwordOf('open sesame', '1'))));
    const kept = await renderFormats(await inputOf([root], 1, missing, beforeOf(secret)));
    expect(kept.data['keystore.p12']).toBe(secret.data['keystore.p12']);
    const gone = await renderFormats(await inputOf([root], 2, missing, beforeOf(secret)));
    expect(Object.keys(gone.data).sort()).toEqual(['ca.der', 'chain.der', 'key.der', 'tls.der']);
    expect(gone.delivered.keystores).toBeUndefined();
  });

  test('and an end of validity too; what somebody else put in their place is not kept either', async () => {
    const root = await rootOf('ECDSAP256');
    const secret = secretOf(await renderFormats(await inputOf([root], 1, await passwordOf('open sesame', '1'))));
    const { keystores } = deliveredFormats(secret);
    expect([mayStay(keystores, 1, notAfterMs - 1), mayStay(keystores, 1, notAfterMs), mayStay(keystores, 2, nowMs)]).toEqual([true, false, false]);
    const foreign = { ...secret, data: { ...secret.data, 'truststore.p12': secret.data['keystore.p12'] ?? '' } };
    expect((await renderFormats(await inputOf([root], 1, missing, beforeOf(foreign)))).delivered.keystores).toBeUndefined();
  });
});

async function buildRoot() {
  const keyPair = await generateKeyPair('RSA4096');
  return buildRootCertificate({ trustDomain, commonName: 'shop.example root 2', serialNumber: serial(0x12), notBeforeMs: startMs, notAfterMs: startMs + 100 * dayMs, publicKey: keyPair.publicKey, keyPair });
}

test('L19: a hundred roots of the largest kind in every format fit into a Secret', async () => {
  const { der } = await buildRoot();
  const input = await inputOf(Array.from({ length: 100 }, () => der), 1, await passwordOf('open sesame', '1'));
  const { data } = await renderFormats(input);
  // A SPIFFE bundle holds each root in base64, with some hundred octets around it.
  const json = 'x'.repeat(100 * (Math.ceil((der.length * 4) / 3) + 200));
  const pem = Object.values(secretFiles(input.pair.chainPem, input.pair.privateKeyPem, { ...input.bundle, json }));
  const bytes = [...pem.map((text) => text.length), ...Object.values(data).map((value) => Buffer.from(value, 'base64').length)].reduce((sum, length) => sum + length, 0);
  expect(bytes).toBeLessThan(1024 * 1024);
  const { trusted } = await openPkcs12(Buffer.from(data['truststore.p12'] ?? '', 'base64'), 'open sesame');
  expect(new Set(trusted.map(({ alias }) => alias)).size).toBe(100);
});

describe('what has to be written again', () => {
  const secret = (formats: string | undefined): SecretMetadata => ({ apiVersion: 'v1', kind: 'Secret', metadata: { ...metadata, annotations: formats === undefined ? {} : { 'mtlsd.io/formats': formats } } });
  const ask = async (found: SecretMetadata, change: Partial<Parameters<typeof formatsReason>[1]> = {}) =>
    formatsReason(found, { resolved: wanted, password: await passwordOf('open sesame', '1'), sameAsVersion: undefined, serialNumber: '11', bundleGeneration: 1, ...change });

  test('nothing when all is as asked; otherwise a reason', async () => {
    const { delivered } = await renderFormats(await inputOf([await rootOf('ECDSAP256')], 1, await passwordOf('open sesame', '1')));
    const current = secret(encodeFormats(delivered));
    expect(await ask(current)).toBeUndefined();
    expect(await ask(current, { password: await passwordOf('open sesame', '2') })).toBe('the keystore password changed');
    expect(await ask(current, { password: await passwordOf('open sesame', '2'), sameAsVersion: '2' })).toBeUndefined();
    expect(await ask(current, { password: missing })).toBeUndefined();
    expect(await ask(current, { serialNumber: '12' })).toBe('the keystore was of another pair');
    expect(await ask(current, { bundleGeneration: 2 })).toBe('the keystore was of another pair');
    expect(await ask(current, { resolved: { der: true, keystore: { ...keystore, alias: 'tls' } } })).toBe('the formats changed');
    expect(await ask(current, { resolved: { der: false, keystore } })).toBe('the formats changed');
    expect(await ask(current, { resolved: { der: true, keystore: undefined } })).toBe('the formats changed');
  });

  test.each([undefined, '', 'null', '[]', '{', '{"der":true,"keystores":{}}', '{"der":true,"keystores":{"serialNumber":1,"files":null}}'])('an annotation that was edited to %s says nothing, and never throws', async (text) => {
    expect(['the formats changed', 'the keystore was missing']).toContain(await ask(secret(text)));
  });
});

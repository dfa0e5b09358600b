/**
 * Every parser of outside bytes, before inputs that keep the structure of sound ones and differ in a few places. A parser
 * returns or throws its one typed error; what it returns holds together.
 */
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ErrorCode, isMtlsdError } from '../../src/errors/index.ts';
import { lint, parseSpiffeBundle, parseTrustDomainName, validateX509Svid } from '../../src/spiffe/index.ts';
import { parseManifest } from '../../src/store/directory/manifest-text.ts';
import { type Certificate, encodePem, openPkcs12, parseCertificate, parseCertificateRequest, parsePem, verifySignature } from '../../src/x509/index.ts';
import { defects } from '../fixtures/negative/defects.ts';
import { Random } from '../model/random.ts';
import { cases, fuzzSeed, fuzzTimeoutMs } from './budget.ts';
import { mutateDer, readTree, writeTree } from './der-tree.ts';
import { atMs, derOf, issuingLink, leafLink, rootLink, trustDomain } from './forged-chain.ts';
import { mutateJson, mutateText } from './text-mutations.ts';

const corpus = join(import.meta.dirname, 'corpus');
const names = readdirSync(corpus);
const seeds = (suffix: string, prefix = ''): readonly Buffer[] =>
  names.filter((name) => name.startsWith(prefix) && name.endsWith(suffix)).map((name) => readFileSync(join(corpus, name)));

const root = rootLink();
const issuing = issuingLink(root);
const chain = [leafLink(issuing), issuing].map(derOf);
const readable = defects.filter(({ expected }) => expected !== 'unreadable').flatMap((defect) => defect.make().chain.slice(0, 1));
const certificates = [...seeds('.der', 'cert-'), ...chain, derOf(root), ...readable];
const domain = parseTrustDomainName(trustDomain);

/** What the parser makes of it; undefined when it refuses with `code`. Everything else that is thrown fails the test. */
function parsed<T>(parse: () => T, ...codes: readonly ErrorCode[]): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (isMtlsdError(error) && codes.includes(error.code)) return undefined;
    throw error;
  }
}

/** Runs `check` for every case; what fails says which case and on which bytes it was. */
async function each(count: number, make: (random: Random) => Uint8Array | string, check: (input: never) => void | Promise<void>): Promise<void> {
  for (const index of cases(count)) {
    const input = make(new Random(fuzzSeed * 1_000_003 + index));
    try {
      await check(input as never);
    } catch (cause) {
      throw new Error(`seed ${fuzzSeed}, case ${index}: ${Buffer.from(input).toString('base64').slice(0, 4000)}`, { cause });
    }
  }
}

/** What node makes of the bytes, as far as it can read them. */
function nodeReading(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

function checkCertificate(der: Uint8Array): void {
  const certificate = parsed(() => parseCertificate(der), 'X509_CERTIFICATE_INVALID');
  if (certificate === undefined) return;
  expect(Buffer.from(writeTree(readTree(der))).equals(Buffer.from(der)), 'what is accepted has one spelling').toBe(true);
  expect(parseCertificate(certificate.der)).toEqual(certificate);
  for (const role of ['leaf', 'authority'] as const) lint(certificate, role);
  const node = nodeReading(der);
  if (node === undefined) return;
  if (!node.serialNumber.startsWith('-')) expect(BigInt(`0x${node.serialNumber}`)).toBe(BigInt(`0x${certificate.serialNumber}`));
  expect([node.validFromDate.getTime(), node.validToDate.getTime()]).toEqual([certificate.notBeforeMs, certificate.notAfterMs]);
  if (node.ca) expect(certificate.basicConstraints?.ca).toBe(true);
}

const toBeSignedOf = (der: Uint8Array): Buffer => Buffer.from(writeTree(readTree(der).children?.[0] ?? readTree(der)));

describe('a parser of outside bytes', () => {
  test('of certificates refuses or agrees with OpenSSL', { timeout: fuzzTimeoutMs }, async () => {
    for (const seed of certificates) checkCertificate(seed);
    await each(10_000, (random) => mutateDer(random.pick(certificates), random), checkCertificate);
  });

  test('of chains accepts nothing that differs in a signed octet', { timeout: fuzzTimeoutMs }, async () => {
    const roots = [parseCertificate(derOf(root))];
    const originals = chain.map(toBeSignedOf);
    const verify = (presented: readonly Certificate[]): boolean =>
      validateX509Svid(presented, { trustDomain: domain, roots }, { nowMs: atMs, verifySignature }).valid;
    expect(verify(chain.map((der) => parseCertificate(der)))).toBe(true);
    for (const which of [0, 1]) {
      await each(1_500, (random) => mutateDer(chain[which] ?? new Uint8Array(), random), (der: Uint8Array) => {
        const changed = parsed(() => parseCertificate(der), 'X509_CERTIFICATE_INVALID');
        if (changed === undefined) return;
        const presented = chain.map((original, index) => (index === which ? changed : parseCertificate(original)));
        if (verify(presented)) expect(toBeSignedOf(der).equals(originals[which] ?? Buffer.alloc(0))).toBe(true);
      });
    }
  });

  test('of chains takes a signature that was remembered for no other key and no other bytes', () => {
    const parse = (links: readonly Uint8Array[]): readonly Certificate[] => links.map((der) => parseCertificate(der));
    const [leaf, authority] = parse(chain);
    const [anchor] = parse([derOf(root)]);
    // Without key identifiers, name and signature are all that there is to go by.
    const [imposter] = parse([derOf(rootLink({ keyName: 'imposter', extensions: { subjectKeyIdentifier: undefined } }))]);
    if (leaf === undefined || authority === undefined || anchor === undefined || imposter === undefined) throw new RangeError('a certificate is missing');
    for (let turn = 0; turn < 2; turn += 1) {
      expect(verifySignature(authority, anchor)).toBe(true);
      expect(verifySignature(authority, imposter)).toBe(false);
      expect(verifySignature(leaf, authority)).toBe(true);
      expect(verifySignature(leaf, anchor)).toBe(false);
    }
    const changed = derOf(issuingLink(rootLink({ keyName: 'imposter' })));
    expect(verifySignature(parseCertificate(changed), anchor)).toBe(false);
  });

  test('of requests refuses or reads', { timeout: fuzzTimeoutMs }, async () => {
    const requests = seeds('.der', 'csr-');
    for (const seed of requests) expect(parseCertificateRequest(seed).signatureValid).toBe(true);
    const signedParts = requests.map((seed) => toBeSignedOf(seed).toString('hex'));
    await each(4_000, (random) => mutateDer(random.pick(requests), random), (der: Uint8Array) => {
      const request = parsed(() => parseCertificateRequest(der), 'X509_REQUEST_INVALID');
      if (request?.signatureValid === true) expect(signedParts).toContain(toBeSignedOf(der).toString('hex'));
    });
  });

  test('of PEM refuses, or reads blocks that it writes again', { timeout: fuzzTimeoutMs }, async () => {
    const texts = seeds('.pem').map((seed) => seed.toString('utf8'));
    await each(2_500, (random) => mutateText(random.pick(texts), random), (text: string) => {
      const blocks = parsed(() => parsePem(text), 'X509_PEM_INVALID');
      if (blocks === undefined) return;
      expect(parsePem(blocks.map(({ label, der }) => encodePem(label, der)).join(''))).toEqual(blocks);
    });
  });

  test('of SPIFFE bundles refuses, or keeps what is sound', { timeout: fuzzTimeoutMs }, async () => {
    const bundles = seeds('.json').map((seed) => seed.toString('utf8'));
    const change = (random: Random): string => {
      const text = random.pick(bundles);
      return random.chance(0.7) ? JSON.stringify(mutateJson(JSON.parse(text), random)) : mutateText(text, random);
    };
    await each(4_000, change, (text: string) => {
      const result = parsed(() => parseSpiffeBundle(text, domain), 'SPIFFE_BUNDLE_INVALID');
      for (const der of result?.bundle.x509Roots ?? []) parsed(() => parseCertificate(der), 'X509_CERTIFICATE_INVALID');
    });
  });

  test('of manifests says what is wrong, or takes an object', { timeout: fuzzTimeoutMs }, async () => {
    const manifests = seeds('.yaml').map((seed) => seed.toString('utf8'));
    await each(1_200, (random) => mutateText(random.pick(manifests), random), (text: string) => {
      const { entries, problems } = parseManifest('fuzz.yaml', Buffer.from(text), () => undefined);
      for (const { result } of entries) if (!result.ok) expect(result.problems.length).toBeGreaterThan(0);
      for (const { message } of problems) expect(message).not.toBe('');
    });
  });

  test('of keystores refuses or opens', { timeout: fuzzTimeoutMs }, async () => {
    const stores = seeds('.p12');
    for (const seed of stores) expect((await openPkcs12(seed, 'changeit')).entries).toHaveLength(1);
    const check = async (der: Uint8Array): Promise<void> => {
      await openPkcs12(der, 'changeit').catch((error: unknown) => {
        if (!isMtlsdError(error, 'X509_KEYSTORE_INVALID') && !isMtlsdError(error, 'X509_KEYSTORE_PASSWORD')) throw error;
      });
    };
    await each(600, (random) => mutateDer(random.pick(stores), random), check);
  });

  test('takes every cut of a sound input for nothing', () => {
    for (const seed of certificates.slice(0, 4)) {
      for (let length = 0; length < seed.length; length += 1) expect(parsed(() => parseCertificate(seed.subarray(0, length)), 'X509_CERTIFICATE_INVALID')).toBeUndefined();
    }
  });
});

/** Judges Secrets with programs that nobody here wrote: OpenSSL's command line, and Node's own reading of X.509. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runCommand } from './chart.ts';
import { fileOf, serialOf, type Live } from './controller-site.ts';

const pemBlock = /-----BEGIN [A-Z ]+-----[\s\S]*?-----END [A-Z ]+-----\n/gu;

/** Fails unless the Secret holds a pair that matches, chains to its own ca.crt and says what the annotations say. */
export function expectValidPair(secret: Live): X509Certificate {
  const [leafPem = '', ...intermediatePems] = fileOf(secret, 'tls.crt').match(pemBlock) ?? [];
  const leaf = new X509Certificate(leafPem);
  const [issuing, ...rest] = intermediatePems.map((pem) => new X509Certificate(pem));
  const roots = (fileOf(secret, 'ca.crt').match(pemBlock) ?? []).map((pem) => new X509Certificate(pem));
  expect(rest).toEqual([]);
  expect(leaf.checkPrivateKey(createPrivateKey(fileOf(secret, 'tls.key'))), 'tls.key belongs to tls.crt').toBe(true);
  expect(issuing !== undefined && leaf.verify(issuing.publicKey), 'the leaf is signed by the issuing authority').toBe(true);
  expect(roots.some((root) => issuing?.verify(root.publicKey)), 'the issuing authority is signed by a root of ca.crt').toBe(true);
  expect(BigInt(`0x${leaf.serialNumber}`)).toBe(BigInt(`0x${serialOf(secret)}`));
  expect(fileOf(secret, 'credential-bundle.pem')).toBe(fileOf(secret, 'tls.key') + fileOf(secret, 'tls.crt'));
  return leaf;
}

/** What `openssl verify` says of the Secret's chain, for a TLS server. */
export async function opensslVerdict(secret: Live): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mtlsd-judge-'));
  try {
    for (const name of ['tls.crt', 'ca.crt']) await writeFile(join(folder, name), fileOf(secret, name));
    const { stdout, stderr } = await runCommand('openssl', ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', 'ca.crt', '-untrusted', 'tls.crt', 'tls.crt'], {}, folder);
    return (stdout + stderr).trim();
  } finally {
    await rm(folder, { recursive: true });
  }
}

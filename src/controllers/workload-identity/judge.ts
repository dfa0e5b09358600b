import { isMtlsdError } from '../../errors/index.ts';
import type { Secret } from '../../resources/index.ts';
import { parseSpiffeId, validateX509Svid } from '../../spiffe/index.ts';
import { keyPairFromPem, parseCertificate, parsePem, verifySignature } from '../../x509/index.ts';
import type { AuthorityRecord } from '../../authority/index.ts';
import { rootsOf } from '../../authority/index.ts';
import type { RenderedBundle } from '../domains.ts';
import { deliveredTokens } from '../jwt/delivery.ts';
import { deliveredFederated } from './federated.ts';
import { deliveredFormats, derFiles, fileDigest } from './formats.ts';
import { deliveredSvid, secretFiles } from './secret.ts';

/**
 * What is wrong with the content of one of our Secrets, or undefined when it is what we wrote: a valid pair that matches,
 * says what the annotations say, chains to our roots, and stands in every file alike. Our own write before a crash passes;
 * a foreign change does not. The answer names files and fields, never content.
 */
export function judgeSecret(secret: Secret, record: AuthorityRecord, bundle: RenderedBundle, nowMs: number): string | undefined {
  if (secret.type !== 'kubernetes.io/tls') return 'its type is not kubernetes.io/tls';
  const described = deliveredSvid({ ...secret, kind: 'Secret' });
  if (described === undefined) return 'its annotations do not describe an SVID';
  try {
    const chainPem = text(secret, 'tls.crt');
    const privateKeyPem = text(secret, 'tls.key');
    const [leaf, ...intermediates] = parsePem(chainPem).map((block) => parseCertificate(block.der));
    if (leaf === undefined) return 'tls.crt is empty';
    const pair = keyPairFromPem(privateKeyPem);
    if (!Buffer.from(pair.publicKey.spki).equals(leaf.publicKey.spki)) return 'tls.key does not belong to tls.crt';
    const isDescribed = leaf.serialNumber === described.serialNumber && leaf.notAfterMs === described.notAfterMs && leaf.notBeforeMs === described.notBeforeMs;
    if (!isDescribed) return 'tls.crt is not the certificate that the annotations describe';
    // An expired pair was valid once: whether it is to be renewed is not for this question to decide.
    const atMs = Math.max(leaf.notBeforeMs, Math.min(nowMs, leaf.notAfterMs));
    const verdict = validateX509Svid(
      [leaf, ...intermediates],
      { trustDomain: record.trustDomain, roots: rootsOf(record).map((root) => root.certificate) },
      { nowMs: atMs, verifySignature, expectedId: parseSpiffeId(described.spiffeId) },
    );
    if (!verdict.valid) return `tls.crt does not verify (${verdict.reasons.map((reason) => reason.sentence).join('; ')})`;
    const bundleIsCurrent = described.bundleGeneration === bundle.generation;
    return sameFiles(secret, secretFiles(chainPem, privateKeyPem, bundle), bundleIsCurrent) ?? sameFormats(secret, chainPem, privateKeyPem, bundle, bundleIsCurrent);
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    return error.message;
  }
}

/** Files that a newer bundle replaces. */
const ofBundle: ReadonlySet<string> = new Set(['ca.crt', 'bundle.json', 'ca.der']);

function sameFiles(secret: Secret, wanted: Record<string, string>, bundleIsCurrent: boolean): string | undefined {
  for (const [name, content] of Object.entries(wanted)) {
    // A bundle of an earlier generation is about to be replaced anyway.
    if (!bundleIsCurrent && ofBundle.has(name)) continue;
    if (secret.data[name] === undefined) return `${name} is missing`;
    if (Buffer.from(secret.data[name], 'base64').toString('utf8') !== content) return `${name} was changed`;
  }
  return undefined;
}

/** DER follows from the PEM files; a keystore is salted, so its digest tells whether it is still what was written. */
function sameFormats(secret: Secret, chainPem: string, privateKeyPem: string, bundle: RenderedBundle, bundleIsCurrent: boolean): string | undefined {
  const { der, keystores } = deliveredFormats(secret);
  for (const [name, bytes] of Object.entries(der ? derFiles(chainPem, privateKeyPem, bundle) : {})) {
    if (!bundleIsCurrent && ofBundle.has(name)) continue;
    if (!Buffer.from(secret.data[name] ?? '', 'base64').equals(bytes)) return `${name} was changed`;
  }
  for (const [name, digest] of Object.entries({ ...keystores?.files, ...deliveredFederated(secret), ...deliveredTokens(secret)?.files })) {
    if (fileDigest(Buffer.from(secret.data[name] ?? '', 'base64')) !== digest) return `${name} was changed`;
  }
  return undefined;
}

function text(secret: Secret, name: string): string {
  return Buffer.from(secret.data[name] ?? '', 'base64').toString('utf8');
}

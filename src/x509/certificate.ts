import { MtlsdError } from '../errors/index.ts';
import type { CertificateView } from '../spiffe/index.ts';
import { contextTag, DerError, DerReader, tag } from './der-reader.ts';
import { readOid, sameBytes, toHex } from './der-values.ts';
import { type Extensions, noExtensions, readExtensions } from './extensions.ts';
import { readName } from './name.ts';
import { readPublicKey } from './public-key.ts';
import { keepSignedParts, readSignedParts } from './signature.ts';
import { readTime } from './time.ts';

/** An X.509 certificate, parsed. Immutable: its views share the memory of `der`, which is its own copy. */
export type Certificate = CertificateView;

/** `version [0] EXPLICIT INTEGER DEFAULT v1`: 1, 2 or 3. DER never encodes the default. */
function readVersion(reader: DerReader): number {
  const explicit = reader.optional(contextTag(0, true));
  if (explicit === undefined) return 1;
  const inner = reader.inside(explicit);
  const [value, ...more] = inner.content(inner.element(tag.integer));
  inner.finish();
  if (more.length > 0 || (value !== 1 && value !== 2)) throw new DerError('no such version');
  return value + 1;
}

/** issuerUniqueID, subjectUniqueID and extensions, as far as the version has them (RFC 5280 §4.1.2.8, §4.1.2.9). */
function readOptionalParts(reader: DerReader, version: number): Extensions {
  if (version >= 2) {
    reader.optional(contextTag(1, false));
    reader.optional(contextTag(2, false));
  }
  if (version !== 3 && reader.peek() === contextTag(3, true)) throw new DerError(`extensions in a certificate of version ${version}`);
  const explicit = reader.optional(contextTag(3, true));
  if (explicit === undefined) return noExtensions();
  const inner = reader.inside(explicit);
  const extensions = readExtensions(inner);
  inner.finish();
  return extensions;
}

function readCertificate(der: Uint8Array): Certificate {
  const parts = readSignedParts(DerReader.overChecked(der));
  const reader = DerReader.overPassed(parts.toBeSigned).constructed(tag.sequence);
  const version = readVersion(reader);
  const serialNumber = toHex(reader.content(reader.element(tag.integer)));
  const innerAlgorithm = reader.element(tag.sequence);
  readOid(reader.inside(innerAlgorithm));
  const issuer = readName(reader);
  const validity = reader.constructed(tag.sequence);
  const notBeforeMs = readTime(validity);
  const notAfterMs = readTime(validity);
  validity.finish();
  const subject = readName(reader);
  const publicKey = readPublicKey(reader);
  const { all, ...extensions } = readOptionalParts(reader, version);
  reader.finish();
  const certificate: Certificate = {
    der,
    version,
    serialNumber,
    signatureAlgorithm: parts.algorithm,
    signatureAlgorithmsMatch: sameBytes(reader.whole(innerAlgorithm), parts.algorithmIdentifier),
    issuer,
    subject,
    notBeforeMs,
    notAfterMs,
    publicKey,
    extensions: all,
    ...extensions,
  };
  keepSignedParts(certificate, parts);
  return certificate;
}

/**
 * Reads one certificate in strict DER: no trailing bytes, minimal lengths, at most 64 KiB and 16 levels, no default value
 * spelled out, times as RFC 5280 wants them, no extension twice. It judges the form, not the meaning: `spiffe/` does that.
 *
 * @throws MtlsdError `X509_CERTIFICATE_INVALID`
 */
export function parseCertificate(der: Uint8Array): Certificate {
  try {
    return readCertificate(new Uint8Array(der));
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new MtlsdError('X509_CERTIFICATE_INVALID', `The certificate is not strict DER: ${error.message}.`, { cause: error });
  }
}

import { MtlsdError } from '../errors/index.ts';
import type { CertificateView, ExtensionView, NameView, PublicKeyView, SubjectAltNameView } from '../spiffe/index.ts';
import { contextTag, DerError, DerReader, tag } from './der-reader.ts';
import { readOid } from './der-values.ts';
import { type Extensions, noExtensions, readExtensions } from './extensions.ts';
import { readName } from './name.ts';
import { oid } from './oids.ts';
import { readPublicKey } from './public-key.ts';
import { readSignedParts, verifyOwnParts } from './signature.ts';

/** A PKCS#10 request (RFC 2986): what its sender wishes for, and whether it holds the key. */
export interface CertificateRequest {
  readonly der: Uint8Array;
  readonly subject: NameView;
  readonly publicKey: PublicKeyView;
  /** OID. */
  readonly signatureAlgorithm: string;
  /** Whether the requested key made the signature: proof of possession. */
  readonly signatureValid: boolean;
  /** Requested extensions (RFC 2985 §5.4.2); a wish is not a grant. */
  readonly extensions: readonly ExtensionView[];
  readonly subjectAltName: SubjectAltNameView | undefined;
  readonly basicConstraints: CertificateView['basicConstraints'];
  readonly keyUsage: CertificateView['keyUsage'];
  readonly extendedKeyUsage: CertificateView['extendedKeyUsage'];
}

const attributesMax = 16;

function readExtensionRequest(values: DerReader): Extensions {
  const extensions = readExtensions(values);
  values.finish();
  return extensions;
}

/** `attributes [0] IMPLICIT SET OF Attribute`: the requested extensions are read, the rest only has to be well-formed. */
function readAttributes(reader: DerReader): Extensions {
  let requested: Extensions | undefined;
  for (let count = 0; !reader.done; count += 1) {
    if (count === attributesMax) throw new DerError(`more than ${attributesMax} attributes`);
    const attribute = reader.constructed(tag.sequence);
    const type = readOid(attribute);
    const values = attribute.constructed(tag.set);
    attribute.finish();
    if (type !== oid.extensionRequest) continue;
    if (requested !== undefined) throw new DerError('two extension requests');
    requested = readExtensionRequest(values);
  }
  return requested ?? noExtensions();
}

function readRequest(der: Uint8Array): CertificateRequest {
  const parts = readSignedParts(DerReader.overChecked(der));
  const reader = DerReader.overPassed(parts.toBeSigned).constructed(tag.sequence);
  const version = reader.content(reader.element(tag.integer));
  if (version.length !== 1 || version[0] !== 0) throw new DerError('no such version');
  const subject = readName(reader);
  const publicKey = readPublicKey(reader);
  const requested = readAttributes(reader.constructed(contextTag(0, true)));
  reader.finish();
  return {
    der,
    subject,
    publicKey,
    signatureAlgorithm: parts.algorithm,
    signatureValid: verifyOwnParts(parts, publicKey),
    extensions: requested.all,
    subjectAltName: requested.subjectAltName,
    basicConstraints: requested.basicConstraints,
    keyUsage: requested.keyUsage,
    extendedKeyUsage: requested.extendedKeyUsage,
  };
}

/**
 * Reads one request in strict DER, with the bounds of `parseCertificate`, and checks its signature. A wrong signature is
 * not an error here: `signatureValid` says so. The key is not judged: `validatePublicKey` does that.
 *
 * @throws MtlsdError `X509_REQUEST_INVALID`
 */
export function parseCertificateRequest(der: Uint8Array): CertificateRequest {
  try {
    return readRequest(new Uint8Array(der));
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new MtlsdError('X509_REQUEST_INVALID', `The certificate signing request is not strict DER: ${error.message}.`, { cause: error });
  }
}

import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { MtlsdError } from '../errors/index.ts';
import type { TrustDomainName } from '../spiffe/index.ts';
import type { KeyAlgorithm } from './algorithm.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { encodeCommonName } from './common-name.ts';
import { sameBytes } from './der-values.ts';
import type { KeyPair } from './key-pair.ts';
import type { PublicKey } from './public-key.ts';
import { serialNumberText } from './serial-number.ts';
import { verifySignature } from './signature.ts';
import { isoTime, wholeSecondMs } from './time.ts';

cryptoProvider.set(webcrypto);

/** What roots and issuing authorities have in common. */
export interface AuthorityCertificateInput {
  /** The only attribute of the subject, 1 to 64 characters. No two authorities of a trust domain may share one. */
  readonly commonName: string;
  readonly trustDomain: TrustDomainName;
  /** 16 random octets, not all zero. */
  readonly serialNumber: Uint8Array;
  /** Milliseconds since the epoch; cut down to whole seconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKey: PublicKey;
}

/** The import and the signing parameters that WebCrypto wants for a key of each algorithm. */
interface WebCryptoAlgorithm {
  readonly name: string;
  readonly namedCurve?: string;
  readonly hash?: string;
}

const rsa: WebCryptoAlgorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

const webCryptoAlgorithms: Readonly<Record<KeyAlgorithm, WebCryptoAlgorithm>> = {
  ECDSAP256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ECDSAP384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  ECDSAP521: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  ED25519: { name: 'Ed25519' },
  RSA2048: rsa,
  RSA3072: rsa,
  RSA4096: rsa,
};

function refuseValidity(what: string): never {
  throw new MtlsdError('X509_VALIDITY', `The certificate of an authority is refused: ${what}.`);
}

function requireValidity(input: AuthorityCertificateInput, issuer: Certificate | undefined): void {
  const [notBeforeMs, notAfterMs] = [wholeSecondMs(input.notBeforeMs), wholeSecondMs(input.notAfterMs)];
  if (!(notBeforeMs < notAfterMs)) refuseValidity(`from ${isoTime(notBeforeMs)} to ${isoTime(notAfterMs)} it is never valid`);
  if (issuer === undefined) return;
  if (notAfterMs > issuer.notAfterMs) {
    refuseValidity(`it would end at ${isoTime(notAfterMs)}, after its issuer, which ends at ${isoTime(issuer.notAfterMs)}`);
  }
  // Path validation judges both at the same moment: before its issuer begins, a certificate is of no use.
  if (notBeforeMs < issuer.notBeforeMs) {
    refuseValidity(`it would begin at ${isoTime(notBeforeMs)}, before its issuer, which begins at ${isoTime(issuer.notBeforeMs)}`);
  }
}

interface AuthoritySpec {
  readonly input: AuthorityCertificateInput;
  readonly pathLength: number | undefined;
  readonly issuerName: Name;
  readonly issuerKey: KeyPair;
  /** Hexadecimal; a self-signed certificate has none (RFC 5280 §4.2.1.1). */
  readonly authorityKeyIdentifier: string | undefined;
}

function extensionsOf(spec: AuthoritySpec): Extension[] {
  const { input, pathLength, authorityKeyIdentifier } = spec;
  const extensions: Extension[] = [
    // SPIFFE-12.
    new BasicConstraintsExtension(true, pathLength, true),
    // RFC 5280 lists the flags in one BIT STRING; they are bits, not alternatives.
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    new SubjectKeyIdentifierExtension(input.publicKey.keyIdentifier, false),
    // SPIFFE-13: the ID of the trust domain itself, without a path.
    new SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${input.trustDomain}` }], false),
  ];
  if (authorityKeyIdentifier !== undefined) extensions.push(new AuthorityKeyIdentifierExtension(authorityKeyIdentifier, false));
  return extensions;
}

const nameOf = (commonName: string): Name => new Name(new Uint8Array(encodeCommonName(commonName)));

async function build(spec: AuthoritySpec): Promise<Certificate> {
  const { input, issuerKey } = spec;
  const algorithm = webCryptoAlgorithms[issuerKey.algorithm];
  // Every field is given: what is left out, the generator fills in by itself.
  const generated = await X509CertificateGenerator.create({
    serialNumber: serialNumberText(input.serialNumber),
    subject: nameOf(input.commonName),
    issuer: spec.issuerName,
    notBefore: new Date(wholeSecondMs(input.notBeforeMs)),
    notAfter: new Date(wholeSecondMs(input.notAfterMs)),
    publicKey: new Uint8Array(input.publicKey.spki),
    signingKey: issuerKey.privateKey.toCryptoKey(algorithm, false, ['sign']),
    signingAlgorithm: algorithm,
    extensions: extensionsOf(spec),
  });
  const certificate = parseCertificate(new Uint8Array(generated.rawData));
  if (!sameBytes(certificate.publicKey.spki, input.publicKey.spki)) throw new Error('the generator changed the public key');
  return certificate;
}

/**
 * The certificate of a root authority, signed by itself: CA without path length, keyCertSign and cRLSign, key identifier,
 * the trust domain as its URI, no extended key usage.
 *
 * @throws MtlsdError `X509_VALIDITY`
 */
export async function buildRootCertificate(input: AuthorityCertificateInput & { readonly keyPair: KeyPair }): Promise<Certificate> {
  requireValidity(input, undefined);
  if (!sameBytes(input.publicKey.spki, input.keyPair.publicKey.spki)) throw new TypeError('a root certifies the key that signs it');
  return build({
    input,
    pathLength: undefined,
    issuerName: nameOf(input.commonName),
    issuerKey: input.keyPair,
    authorityKeyIdentifier: undefined,
  });
}

/**
 * The certificate of an issuing authority, signed by a root: as a root's, with path length 0 (SPIFFE-15: nothing below it
 * but leaves) and the root's key identifier.
 *
 * @throws MtlsdError `X509_VALIDITY` when it would begin before its issuer or outlive it (RFC 5280 §6.1)
 */
export async function buildIssuingCertificate(
  input: AuthorityCertificateInput & { readonly issuer: Certificate; readonly issuerKey: KeyPair },
): Promise<Certificate> {
  const { issuer, issuerKey } = input;
  requireValidity(input, issuer);
  if (issuer.subjectKeyIdentifier === undefined || !sameBytes(issuer.publicKey.spki, issuerKey.publicKey.spki)) {
    throw new TypeError('the key that signs is not the key of the issuer');
  }
  if (issuer.basicConstraints?.ca !== true || issuer.basicConstraints.pathLength === 0) {
    throw new TypeError('the issuer may not sign authorities');
  }
  const certificate = await build({
    input,
    pathLength: 0,
    issuerName: new Name(new Uint8Array(issuer.subject.der)),
    issuerKey,
    authorityKeyIdentifier: issuer.subjectKeyIdentifier,
  });
  // RFC 5280 §6.1.3: names chain byte by byte.
  if (!sameBytes(certificate.issuer.der, issuer.subject.der) || !verifySignature(certificate, issuer)) {
    throw new Error('the generator made a certificate that does not chain to its issuer');
  }
  return certificate;
}

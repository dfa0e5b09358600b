import { MtlsdError } from '../errors/index.ts';
import type { DnsName, SpiffeId } from '../spiffe/index.ts';
import { type KeyAlgorithm, signatureSchemes } from './algorithm.ts';
import type { Certificate } from './certificate.ts';
import { encodeCommonName } from './common-name.ts';
import { contextTag, tag } from './der-reader.ts';
import { encodeElement, encodeOid, encodeSequence, headerLength, writeAscii, writeHeader } from './der-writer.ts';
import { oid } from './oids.ts';
import type { PublicKey } from './public-key.ts';
import { encodeSerialNumber } from './serial-number.ts';
import { encodeTime, isoTime, wholeSecondMs } from './time.ts';

/** What differs from leaf to leaf. Every field is of a type that was checked where it was made. */
export interface LeafFields {
  /** 16 random octets, not all zero. */
  readonly serialNumber: Uint8Array;
  /** Milliseconds since the epoch; cut down to whole seconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKey: PublicKey;
  readonly spiffeId: SpiffeId;
  /** In the order given. No duplicates: callers collapse them. */
  readonly dnsNames: readonly DnsName[];
  /** The subject's only attribute when a user asked for one, 1 to 64 characters. Without it the subject is empty. */
  readonly commonName: string | undefined;
}

const identifierOctets = 20;
const uriTag = contextTag(6, false);
const dnsTag = contextTag(2, false);

const nothing = new Uint8Array(0);
const trueElement = Uint8Array.of(tag.boolean, 1, 0xff);
const version3 = encodeElement(contextTag(0, true), Uint8Array.of(tag.integer, 1, 2));
const emptyName = encodeSequence();

function encodeExtension(name: string, critical: boolean, value: Uint8Array): Uint8Array {
  return encodeSequence(encodeOid(name), critical ? trueElement : nothing, encodeElement(tag.octetString, value));
}

const fixedExtensions: readonly Uint8Array[] = [
  // SPIFFE-9: the extension is there although cA=false is the DEFAULT, which DER leaves out of the SEQUENCE.
  encodeExtension(oid.basicConstraints, true, encodeSequence()),
  // SPIFFE-10: digitalSignature alone, the first bit of the list.
  encodeExtension(oid.keyUsage, true, encodeElement(tag.bitString, Uint8Array.of(7, 0x80))),
  // SPIFFE-11.
  encodeExtension(oid.extendedKeyUsage, false, encodeSequence(encodeOid(oid.serverAuth), encodeOid(oid.clientAuth))),
];

/** Everything of the subjectKeyIdentifier extension before the identifier itself. */
const subjectKeyIdentifierHead = encodeExtension(oid.subjectKeyIdentifier, false, encodeElement(tag.octetString, new Uint8Array(identifierOctets))).slice(
  0,
  -identifierOctets,
);

const subjectAltNameOid = encodeOid(oid.subjectAltName);

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function encodeAlgorithm(algorithm: KeyAlgorithm): Uint8Array {
  const scheme = signatureSchemes[algorithm];
  return encodeSequence(encodeOid(scheme.oid), scheme.nullParameters ? Uint8Array.of(tag.null, 0) : nothing);
}

/** Sizes of the nested headers of the subjectAltName extension, the inside first. */
interface SanLayout {
  readonly uri: string;
  readonly names: number;
  readonly value: number;
  readonly extension: number;
  readonly total: number;
}

const sizeOf = (content: number): number => headerLength(content) + content;

function layOutSan(uri: string, dnsNames: readonly DnsName[], critical: boolean): SanLayout {
  let names = sizeOf(uri.length);
  for (const name of dnsNames) names += sizeOf(name.length);
  const value = sizeOf(names);
  const extension = subjectAltNameOid.length + (critical ? trueElement.length : 0) + sizeOf(value);
  return { uri, names, value, extension, total: sizeOf(extension) };
}

function writeSan(into: Uint8Array, from: number, layout: SanLayout, dnsNames: readonly DnsName[], critical: boolean): number {
  let at = writeHeader(into, from, tag.sequence, layout.extension);
  into.set(subjectAltNameOid, at);
  at += subjectAltNameOid.length;
  if (critical) {
    into.set(trueElement, at);
    at += trueElement.length;
  }
  at = writeHeader(into, at, tag.octetString, layout.value);
  at = writeHeader(into, at, tag.sequence, layout.names);
  at = writeAscii(into, writeHeader(into, at, uriTag, layout.uri.length), layout.uri);
  for (const name of dnsNames) at = writeAscii(into, writeHeader(into, at, dnsTag, name.length), name);
  return at;
}

/**
 * The X.509-SVID of one issuer with everything that never changes already encoded: what is left to do for a certificate
 * is to lay its own fields between the segments. It says what a leaf is (SPIFFE-6 to SPIFFE-11) and nothing in
 * `LeafFields` can change that. It neither signs nor knows a private key.
 */
export class LeafTemplate {
  readonly issuer: Certificate;
  /** What the issuer's key is, and with it how a leaf is signed. */
  readonly signatureAlgorithm: KeyAlgorithm;
  readonly #algorithmIdentifier: Uint8Array;
  /** Signature algorithm and issuer name. */
  readonly #issuing: Uint8Array;
  /** basicConstraints, keyUsage, extKeyUsage, authorityKeyIdentifier and the head of subjectKeyIdentifier. */
  readonly #extensions: Uint8Array;

  private constructor(issuer: Certificate, signatureAlgorithm: KeyAlgorithm, issuerKeyIdentifier: string) {
    this.issuer = issuer;
    this.signatureAlgorithm = signatureAlgorithm;
    this.#algorithmIdentifier = encodeAlgorithm(signatureAlgorithm);
    this.#issuing = concatenate([this.#algorithmIdentifier, issuer.subject.der]);
    const keyIdentifier = encodeElement(contextTag(0, false), new Uint8Array(Buffer.from(issuerKeyIdentifier, 'hex')));
    const authority = encodeExtension(oid.authorityKeyIdentifier, false, encodeSequence(keyIdentifier));
    this.#extensions = concatenate([...fixedExtensions, authority, subjectKeyIdentifierHead]);
  }

  /** Throws TypeError when `issuer` is not an authority that the leaf could name, or its key is not `signatureAlgorithm`. */
  static compile(issuer: Certificate, signatureAlgorithm: KeyAlgorithm): LeafTemplate {
    const { subject, subjectKeyIdentifier, basicConstraints, publicKey } = issuer;
    if (basicConstraints?.ca !== true || subject.empty || subjectKeyIdentifier === undefined) {
      throw new TypeError('a leaf template needs the certificate of an authority, with a subject and a key identifier');
    }
    if (publicKey.algorithm !== signatureAlgorithm) {
      throw new TypeError(`the issuer's key is ${publicKey.algorithm}, its leaves cannot be signed as ${signatureAlgorithm}`);
    }
    return new LeafTemplate(issuer, signatureAlgorithm, subjectKeyIdentifier);
  }

  /**
   * The TBSCertificate of one leaf, DER.
   *
   * @throws MtlsdError `X509_VALIDITY` for an empty validity or one that ends after the issuer's
   */
  toBeSigned(fields: LeafFields): Uint8Array {
    this.#requireValidity(fields);
    const { publicKey, dnsNames, commonName } = fields;
    const serialNumber = encodeSerialNumber(fields.serialNumber);
    const notBefore = encodeTime(fields.notBeforeMs);
    const notAfter = encodeTime(fields.notAfterMs);
    const subject = commonName === undefined ? emptyName : encodeCommonName(commonName);
    // RFC 5280 §4.1.2.6, SPIFFE-8: an empty subject makes the name that is left critical.
    const critical = commonName === undefined;
    const san = layOutSan(fields.spiffeId.toString(), dnsNames, critical);

    const validity = notBefore.length + notAfter.length;
    const list = this.#extensions.length + identifierOctets + san.total;
    const extensions = sizeOf(list);
    const fixed = version3.length + serialNumber.length + this.#issuing.length + subject.length + publicKey.spki.length;
    const content = fixed + sizeOf(validity) + sizeOf(extensions);

    const tbs = Buffer.allocUnsafe(sizeOf(content));
    let at = writeHeader(tbs, 0, tag.sequence, content);
    const put = (segment: Uint8Array): void => {
      tbs.set(segment, at);
      at += segment.length;
    };
    put(version3);
    put(serialNumber);
    put(this.#issuing);
    at = writeHeader(tbs, at, tag.sequence, validity);
    put(notBefore);
    put(notAfter);
    put(subject);
    put(publicKey.spki);
    at = writeHeader(tbs, at, contextTag(3, true), extensions);
    at = writeHeader(tbs, at, tag.sequence, list);
    put(this.#extensions);
    at += tbs.write(publicKey.keyIdentifier, at, identifierOctets, 'hex');
    at = writeSan(tbs, at, san, dnsNames, critical);
    // Every octet of the buffer comes from this function: a size that is off by one must never leave it.
    if (at !== tbs.length) throw new RangeError(`laid out ${tbs.length} octets and wrote ${at}`);
    return tbs;
  }

  /** The certificate: `tbs` from `toBeSigned`, and the issuer's signature over it. */
  assemble(tbs: Uint8Array, signature: Uint8Array): Uint8Array {
    const bits = 1 + signature.length;
    const content = tbs.length + this.#algorithmIdentifier.length + sizeOf(bits);
    const der = new Uint8Array(sizeOf(content));
    let at = writeHeader(der, 0, tag.sequence, content);
    der.set(tbs, at);
    at += tbs.length;
    der.set(this.#algorithmIdentifier, at);
    at = writeHeader(der, at + this.#algorithmIdentifier.length, tag.bitString, bits);
    der[at] = 0;
    der.set(signature, at + 1);
    return der;
  }

  #requireValidity(fields: LeafFields): void {
    const notBeforeMs = wholeSecondMs(fields.notBeforeMs);
    const notAfterMs = wholeSecondMs(fields.notAfterMs);
    if (!(notBeforeMs < notAfterMs)) {
      throw new MtlsdError('X509_VALIDITY', `A certificate from ${isoTime(notBeforeMs)} to ${isoTime(notAfterMs)} is never valid.`);
    }
    if (notAfterMs > this.issuer.notAfterMs) {
      throw new MtlsdError(
        'X509_VALIDITY',
        `A certificate until ${isoTime(notAfterMs)} would outlive its issuer, which ends at ${isoTime(this.issuer.notAfterMs)}.`,
      );
    }
  }
}

import { signatureSchemes } from './algorithm.ts';
import { contextTag, tag } from './der-reader.ts';
import { encodeElement, encodeOid, encodeSequence, encodeUnsignedInteger } from './der-writer.ts';
import type { KeyPair } from './key-pair.ts';
import { signData } from './signature.ts';

/** A PKCS#10 request (RFC 2986), DER, that asks for nothing but a certificate of its key: whoever signs decides about names. */
export function buildCertificateRequest({ privateKey, publicKey, algorithm }: KeyPair): Uint8Array {
  const { oid, nullParameters } = signatureSchemes[algorithm];
  const version = encodeUnsignedInteger(Uint8Array.of(0));
  const info = encodeSequence(version, encodeSequence(), publicKey.spki, encodeElement(contextTag(0, true)));
  const identifier = encodeSequence(encodeOid(oid), ...(nullParameters ? [encodeElement(tag.null)] : []));
  const signature = encodeElement(tag.bitString, Uint8Array.of(0), signData(privateKey, algorithm, info));
  return encodeSequence(info, identifier, signature);
}

/** Certificate signing requests by another library than ours: with whatever names and extensions. */
import 'reflect-metadata';
import { BasicConstraintsExtension, ChallengePasswordAttribute, ExtendedKeyUsageExtension, KeyUsageFlags, KeyUsagesExtension, Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension, Extension, type JsonGeneralNames } from '@peculiar/x509';

export { KeyUsageFlags };

/** What a request asks for. */
export interface Asked {
  readonly subject?: string;
  readonly names?: JsonGeneralNames;
  readonly authority?: boolean;
  readonly usages?: KeyUsageFlags;
  readonly purposes?: readonly string[];
  /** A text in an extension that nobody knows. */
  readonly unknown?: string;
  /** PKCS #9. */
  readonly challengePassword?: string;
}

/** PEM of a request that its own P-256 key signed. */
export async function requestPem({ subject = '', names, authority, usages, purposes, unknown, challengePassword }: Asked = {}): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const extensions: Extension[] = [
    ...(names === undefined ? [] : [new SubjectAlternativeNameExtension(names)]),
    ...(authority === true ? [new BasicConstraintsExtension(true)] : []),
    ...(usages === undefined ? [] : [new KeyUsagesExtension(usages)]),
    ...(unknown === undefined ? [] : [new Extension('1.3.6.1.4.1.99999.1', false, Buffer.from(unknown))]),
    ...(purposes === undefined ? [] : [new ExtendedKeyUsageExtension([...purposes])]),
  ];
  const request = await Pkcs10CertificateRequestGenerator.create({ name: subject, keys, signingAlgorithm: algorithm, extensions, attributes: challengePassword === undefined ? [] : [new ChallengePasswordAttribute(challengePassword)] });
  return request.toString('pem');
}

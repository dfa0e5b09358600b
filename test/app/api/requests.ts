/** Certificate signing requests by another library than ours: with whatever names and extensions. */
import 'reflect-metadata';
import { BasicConstraintsExtension, ExtendedKeyUsageExtension, KeyUsageFlags, KeyUsagesExtension, Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension, type Extension, type JsonGeneralNames } from '@peculiar/x509';

export { KeyUsageFlags };

/** What a request asks for. */
export interface Asked {
  readonly subject?: string;
  readonly names?: JsonGeneralNames;
  readonly authority?: boolean;
  readonly usages?: KeyUsageFlags;
  readonly purposes?: readonly string[];
}

/** PEM of a request that its own P-256 key signed. */
export async function requestPem({ subject = '', names, authority, usages, purposes }: Asked = {}): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const extensions: Extension[] = [
    ...(names === undefined ? [] : [new SubjectAlternativeNameExtension(names)]),
    ...(authority === true ? [new BasicConstraintsExtension(true)] : []),
    ...(usages === undefined ? [] : [new KeyUsagesExtension(usages)]),
    ...(purposes === undefined ? [] : [new ExtendedKeyUsageExtension([...purposes])]),
  ];
  const request = await Pkcs10CertificateRequestGenerator.create({ name: subject, keys, signingAlgorithm: algorithm, extensions });
  return request.toString('pem');
}

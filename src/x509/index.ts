/**
 * Certificates as bytes: reads them from strict DER, makes the ones that authorities and workloads carry, and holds the
 * keys behind them. It decides nothing: what may be issued, to whom and for how long is its callers' to say. It has no
 * clock and, key generation apart, no randomness of its own. Key material never reaches a message of its errors.
 */
export { type KeyAlgorithm, keyAlgorithms } from './algorithm.ts';
export { type AuthorityCertificateInput, buildIssuingCertificate, buildRootCertificate } from './authority-certificate.ts';
export { buildCertificateRequest } from './build-certificate-request.ts';
export { type Certificate, parseCertificate } from './certificate.ts';
export { type CertificateRequest, parseCertificateRequest } from './certificate-request.ts';
export { judgeTemplate } from './judge-template.ts';
export { generateKeyPair, type KeyPair, keyPairFromPem } from './key-pair.ts';
export { buildKeystores, type KeystoreInput, type KeystoreProfile, type Keystores } from './keystore.ts';
export { type LeafFields, LeafTemplate } from './leaf-template.ts';
export { openPkcs12 } from './pkcs12/open.ts';
export type { Pkcs12Certificate, Pkcs12Content, Pkcs12Entry } from './pkcs12/content.ts';
export { encodePem, parsePem, type PemBlock } from './pem.ts';
export { provesPossession } from './proof-of-possession.ts';
export { keyIdentifierOf, parsePublicKey, type PublicKey, validatePublicKey } from './public-key.ts';
export { SerialNumbers, serialNumberText } from './serial-number.ts';
export { signData, verifySignature } from './signature.ts';

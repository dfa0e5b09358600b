import { extensionOids, keyPurposes, signatureAlgorithmOids } from '../spiffe/index.ts';

/** Object identifiers that this folder reads or writes, by their name in the standards. */
export const oid = {
  ecPublicKey: '1.2.840.10045.2.1',
  prime256v1: '1.2.840.10045.3.1.7',
  secp384r1: '1.3.132.0.34',
  secp521r1: '1.3.132.0.35',
  rsaEncryption: '1.2.840.113549.1.1.1',

  ...signatureAlgorithmOids,

  commonName: '2.5.4.3',

  ...extensionOids,

  serverAuth: keyPurposes.serverAuth,
  clientAuth: keyPurposes.clientAuth,

  extensionRequest: '1.2.840.113549.1.9.14',
} as const;

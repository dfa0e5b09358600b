import { entry } from '../entry.ts';

/** Errors about certificates, requests and keys: what a parser refuses and what a builder will not make. */
export const x509Errors = {
  X509_PEM_INVALID: entry({
    meaning: 'The text is not well-formed PEM.',
    remedy: 'Give a file of PEM blocks whole and unchanged, without an encrypted or foreign header inside a block.',
    status: 400,
    retry: 'never',
    reason: 'PEMInvalid',
  }),
  X509_CERTIFICATE_INVALID: entry({
    meaning: 'The bytes are not an X.509 certificate in strict DER.',
    remedy: 'Get the certificate again from its issuer; the message says what is wrong with these bytes.',
    status: 400,
    retry: 'never',
    reason: 'CertificateInvalid',
  }),
  X509_REQUEST_INVALID: entry({
    meaning: 'The bytes are not a PKCS#10 certificate signing request in strict DER.',
    remedy: 'Make the request again with a current tool; the message says what is wrong with this one.',
    status: 400,
    retry: 'never',
    reason: 'RequestInvalid',
  }),
  X509_PUBLIC_KEY_INVALID: entry({
    meaning: 'The public key is of a kind that mtlsd does not certify, or it is not a sound key of its kind.',
    remedy: 'Use a fresh ECDSA P-256, P-384 or P-521, Ed25519, or RSA 2048, 3072 or 4096 key with exponent 65537.',
    status: 400,
    retry: 'never',
    reason: 'PublicKeyInvalid',
  }),
  X509_PRIVATE_KEY_INVALID: entry({
    meaning: 'The private key cannot be used: it is not unencrypted PKCS#8, not of a supported kind, or does not fit its own public half.',
    remedy: 'Give an unencrypted PKCS#8 PEM block (BEGIN PRIVATE KEY) of a supported algorithm.',
    status: 400,
    retry: 'never',
    reason: 'PrivateKeyInvalid',
  }),
  X509_KEYSTORE_INVALID: entry({
    meaning: 'The bytes are not a PKCS#12 keystore that can be read.',
    remedy: 'Export the keystore again, as PKCS#12 and encrypted with AES or 3DES (not with RC2); the message says what is wrong with this one.',
    status: 400,
    retry: 'never',
    reason: 'KeystoreInvalid',
  }),
  X509_KEYSTORE_PASSWORD: entry({
    meaning: 'The password does not open the PKCS#12 keystore.',
    remedy: 'Give the password that the keystore was written with; a file may end in one line break, which does not count.',
    status: 400,
    retry: 'never',
    reason: 'KeystorePassword',
  }),
  X509_VALIDITY: entry({
    meaning: 'The certificate would be valid when its issuer is not, or its validity is not a period of time.',
    remedy: 'Shorten the requested lifetime, or renew the issuing authority first; the message names the times.',
    status: 422,
    retry: 'never',
    reason: 'ValidityOutOfRange',
  }),
  X509_TEMPLATE_UNSOUND: entry<{ readonly differences: readonly string[] }>({
    meaning: 'A certificate made from the template, read by an independent parser, does not say what was asked for.',
    remedy: 'This is a defect of mtlsd: report it with the differences that the message lists. Nothing was signed with this template.',
    status: 500,
    retry: 'never',
    reason: 'TemplateUnsound',
  }),
} as const;

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { isMtlsdError } from '../errors/index.ts';
import { type Certificate, type CertificateRequest, parseCertificate, parseCertificateRequest, parsePem, type PemBlock, validatePublicKey } from '../x509/index.ts';
import { unusable } from './read-input.ts';

/** A private key that was found: what it is, never what it holds. `key` is undefined when it is encrypted. */
export interface FoundKey {
  readonly algorithm: string;
  readonly key: KeyObject | undefined;
}

/** What a file holds, in its order. */
export interface Credentials {
  readonly kind: 'credentials';
  readonly encoding: 'PEM' | 'DER';
  readonly certificates: readonly Certificate[];
  readonly requests: readonly CertificateRequest[];
  readonly keys: readonly FoundKey[];
  /** Labels of PEM blocks that are none of these. */
  readonly otherLabels: readonly string[];
}

/** A JSON document: the only one that certificates come in is a SPIFFE bundle. */
export interface BundleDocument {
  readonly kind: 'bundle';
  readonly text: string;
}

const rsaOrElse = (type: string, details: KeyObject['asymmetricKeyDetails']): string =>
  type === 'rsa' ? `RSA${details?.modulusLength ?? ''}` : [type === 'ec' ? 'EC' : type, details?.namedCurve].filter(Boolean).join(' ');

/** A private key with the name of its algorithm. */
export function foundKey(key: KeyObject): FoundKey {
  try {
    return { algorithm: validatePublicKey(createPublicKey(key).export({ type: 'spki', format: 'der' })).algorithm, key };
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    return { algorithm: rsaOrElse(key.asymmetricKeyType ?? 'unknown', key.asymmetricKeyDetails), key };
  }
}

type KeyEncoding = 'pkcs8' | 'sec1' | 'pkcs1';

/** The private key in `der`, or undefined. What OpenSSL says about it is dropped: it may quote the key. */
function keyFromDer(der: Uint8Array, encodings: readonly KeyEncoding[]): FoundKey | undefined {
  for (const type of encodings) {
    let key: KeyObject;
    try {
      key = createPrivateKey({ key: Buffer.from(der), format: 'der', type });
    } catch {
      continue;
    }
    return foundKey(key);
  }
  return undefined;
}

const keyLabels: Readonly<Record<string, KeyEncoding>> = { 'PRIVATE KEY': 'pkcs8', 'EC PRIVATE KEY': 'sec1', 'RSA PRIVATE KEY': 'pkcs1' };

function keyFromBlock(argument: string, name: string, block: PemBlock): FoundKey | undefined {
  if (block.label === 'ENCRYPTED PRIVATE KEY') return { algorithm: 'encrypted', key: undefined };
  const encoding = keyLabels[block.label];
  if (encoding === undefined) return undefined;
  const key = keyFromDer(block.der, [encoding]);
  if (key === undefined) throw unusable(argument, `The private key in ${name} cannot be read: make a new one, or get the file again.`);
  return key;
}

/** Runs a parser of `x509`, whose error does not know which block of which file it was about. */
function parsedFrom<T>(argument: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    throw unusable(argument, `${what} cannot be read: ${error.message} ${error.entry.remedy}`, error);
  }
}

const requestLabels: ReadonlySet<string> = new Set(['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']);

function fromPem(argument: string, name: string, text: string): Credentials {
  const blocks = parsedFrom(argument, name, () => parsePem(text));
  const certificates: Certificate[] = [];
  const requests: CertificateRequest[] = [];
  const keys: FoundKey[] = [];
  const otherLabels: string[] = [];
  for (const [index, block] of blocks.entries()) {
    const what = `Block ${index + 1} of ${name} (${block.label})`;
    const key = keyFromBlock(argument, name, block);
    if (key !== undefined) keys.push(key);
    else if (block.label === 'CERTIFICATE') certificates.push(parsedFrom(argument, what, () => parseCertificate(block.der)));
    else if (requestLabels.has(block.label)) requests.push(parsedFrom(argument, what, () => parseCertificateRequest(block.der)));
    else otherLabels.push(block.label);
  }
  if (certificates.length + requests.length + keys.length === 0) {
    throw unusable(argument, `${name} holds ${otherLabels.join(', ')}, and neither a certificate, a request nor a private key: name another file.`);
  }
  return { kind: 'credentials', encoding: 'PEM', certificates, requests, keys, otherLabels };
}

/** The value of a parser of `x509`, or the sentence of its refusal. */
function attempt<T>(parse: () => T): { readonly value: T } | { readonly problem: string } {
  try {
    return { value: parse() };
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    return { problem: error.message };
  }
}

function fromDer(argument: string, name: string, der: Uint8Array): Credentials {
  const empty = { kind: 'credentials', encoding: 'DER', certificates: [], requests: [], keys: [], otherLabels: [] } as const;
  const certificate = attempt(() => parseCertificate(der));
  if ('value' in certificate) return { ...empty, certificates: [certificate.value] };
  const request = attempt(() => parseCertificateRequest(der));
  if ('value' in request) return { ...empty, requests: [request.value] };
  const key = keyFromDer(der, ['pkcs8', 'sec1', 'pkcs1']);
  if (key !== undefined) return { ...empty, keys: [key] };
  throw unusable(
    argument,
    `${name} looks like DER, and is neither a certificate, a request nor a private key (read as a certificate: ${certificate.problem}) ` +
      'PKCS#7 files must be turned into PEM first: openssl pkcs7 -inform DER -in FILE -print_certs.',
  );
}

function unknownText(argument: string, name: string, text: string): never {
  if (text.trim() === '') throw unusable(argument, `${name} holds nothing but white space: give a certificate, key or bundle.`);
  if (/^[A-Za-z0-9+/=\s]{64,}$/u.test(text)) {
    throw unusable(argument, `${name} looks like base64 without a BEGIN line: decode it first (base64 -d), as for a value out of a Kubernetes Secret.`);
  }
  throw unusable(argument, `${name} is none of the files that are known here: give PEM (-----BEGIN …), DER, or a SPIFFE bundle in JSON.`);
}

/**
 * What `bytes` are: PEM, DER or a JSON document. `name` is the file for messages, `argument` what the user called it.
 *
 * @throws MtlsdError `CONFIGURATION_INVALID`, whose message says which block it is about and what to give instead
 */
export function readCredentials(argument: string, name: string, bytes: Uint8Array): Credentials | BundleDocument {
  if (bytes[0] === 0x30 && bytes.length > 1 && (bytes[1] ?? 0) >= 0x80) return fromDer(argument, name, bytes);
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw unusable(argument, `${name} is text in UTF-16: save it as UTF-8 or ASCII (in PowerShell: Out-File -Encoding ascii).`);
  }
  const text = Buffer.from(bytes).toString('utf8').replace(/^\u{feff}/u, '');
  if (text.trimStart().startsWith('{')) return { kind: 'bundle', text };
  return text.includes('-----BEGIN ') ? fromPem(argument, name, text) : unknownText(argument, name, text);
}

import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { isMtlsdError } from '../errors/index.ts';
import { parseSpiffeBundle, parseTrustDomainName } from '../spiffe/index.ts';
import { type Certificate, type CertificateRequest, parseCertificate, validatePublicKey } from '../x509/index.ts';
import { certificateProblems, type CertificateReport, certificateReport, chainReports, severalLeavesProblem, spiffeIdOf } from './certificate-report.ts';
import type { BundleDocument, Credentials, FoundKey } from './credential-file.ts';
import { unusable } from './read-input.ts';

export interface RequestReport {
  readonly spiffeId: string | undefined;
  readonly subject: string;
  readonly keyAlgorithm: string;
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly signatureValid: boolean;
}

export interface KeyReport {
  /** Its name in a keystore. */
  readonly alias?: string;
  readonly algorithm: string;
  /** Whether it belongs to the first certificate or request; left out when there is none, or the key is encrypted. */
  readonly matches?: boolean;
}

export interface BundleReport {
  /** Digits: the number may exceed what JSON readers keep. */
  readonly sequence: string;
  readonly refreshHintSeconds: number | undefined;
  readonly jwtKeys: readonly { readonly keyId: string; readonly type: string }[];
  readonly dropped: readonly string[];
}

/** How a server answered. */
export interface HandshakeReport {
  /** `TLSv1.3` */
  readonly protocol: string;
  readonly cipher: string;
  /** What it was asked for; left out for an address without a name. */
  readonly serverName: string | undefined;
  /** Whether it asked for a client certificate, and whether it was given one. */
  readonly asksForCertificate: boolean;
  readonly gaveCertificate: boolean;
  /** Why it ended the handshake after it had presented its certificates; left out when the handshake was completed. */
  readonly brokenOff?: string;
}

/** What a file is and what is wrong with it: the shape of `mtlsd inspect --output json`. */
export interface InspectReport {
  readonly file: string;
  readonly what: string;
  readonly handshake?: HandshakeReport;
  readonly certificates: readonly CertificateReport[];
  readonly requests: readonly RequestReport[];
  readonly privateKeys: readonly KeyReport[];
  readonly bundle?: BundleReport;
  /** Whole sentences, each with what to do; broken rules stand with their certificate. */
  readonly problems: readonly string[];
  /** Whether something is wrong: a problem, or a broken rule of severity `error`. */
  readonly sound: boolean;
}

/** Whether `key` can sign for `spki`: a signature is tried, since a damaged key file may hold a public half that is not its own. */
function signsFor(key: KeyObject, spki: Uint8Array): boolean {
  const probe = Buffer.from('mtlsd inspect: does this private key belong to this certificate?');
  const digest = key.asymmetricKeyType?.startsWith('ed') === true ? undefined : 'sha256';
  try {
    const publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    return publicKey.asymmetricKeyType === key.asymmetricKeyType && verify(digest, probe, publicKey, sign(digest, probe, key));
  } catch {
    // OpenSSL cannot sign or verify with one of the two: they are no pair.
    return false;
  }
}

/** What a private key is, and whether it belongs to `owner`. */
export function keyReport(found: FoundKey, owner: Certificate | CertificateRequest | undefined): KeyReport {
  const { algorithm, key } = found;
  return key === undefined || owner === undefined ? { algorithm } : { algorithm, matches: signsFor(key, owner.publicKey.spki) };
}

function requestReport(request: CertificateRequest): RequestReport {
  const { uris = [], dnsNames = [] } = request.subjectAltName ?? {};
  const { signatureValid } = request;
  return { spiffeId: spiffeIdOf(uris), subject: request.subject.text, keyAlgorithm: request.publicKey.algorithm, uris, dnsNames, signatureValid };
}

function requestProblems(request: CertificateRequest): readonly string[] {
  const problems: string[] = [];
  if (!request.signatureValid) {
    problems.push('The request is not signed by the key in it: its sender may not hold that key. Make it anew with the right key.');
  }
  try {
    validatePublicKey(request.publicKey.spki);
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    problems.push(`${error.message} ${error.entry.remedy}`);
  }
  return problems;
}

/** `1 certificate`, `3 certificates`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function describeCertificates(reports: readonly CertificateReport[], hasKey: boolean): string {
  const [first] = reports;
  if (first === undefined) return '';
  if (hasKey) return `credential bundle: a private key and a chain of ${counted(reports.length, 'certificate')}`;
  if (reports.every((report) => report.role === 'authority')) {
    return reports.length === 1 ? 'the certificate of an authority' : `the certificates of ${reports.length} authorities`;
  }
  return reports.length === 1 ? 'the certificate of a workload (leaf)' : `a chain of ${counted(reports.length, 'certificate')}`;
}

function describe(credentials: Credentials, reports: readonly CertificateReport[]): string {
  const { requests, keys, encoding } = credentials;
  const parts = [
    describeCertificates(reports, keys.length > 0),
    requests.length === 0 ? '' : counted(requests.length, 'certificate signing request'),
    keys.length === 0 || reports.length > 0 ? '' : counted(keys.length, 'private key'),
  ];
  return `${parts.filter((part) => part !== '').join(', ')} (${encoding})`;
}

function credentialProblems(credentials: Credentials, reports: readonly CertificateReport[], keys: readonly KeyReport[]): readonly string[] {
  const problems = [...certificateProblems(reports)];
  const severalLeaves = severalLeavesProblem(reports.map((report) => report.role));
  if (severalLeaves !== undefined) problems.push(severalLeaves);
  if (keys.some((key) => key.matches === false)) {
    problems.push(`The private key does not belong to ${reports.length > 0 ? 'certificate 1' : 'the request'}: the two are of different generations; read both again.`);
  }
  return [...problems, ...credentials.requests.flatMap(requestProblems)];
}

/** Whether nothing is wrong: no problem, and no broken rule of severity `error`. */
export function isSound(problems: readonly string[], reports: readonly CertificateReport[]): boolean {
  return problems.length === 0 && reports.every((report) => report.findings.every((finding) => finding.severity !== 'error'));
}

/** What `credentials`, read from `file`, are at `nowMs`, and what is wrong with them. */
export function inspectCredentials(file: string, credentials: Credentials, nowMs: number): InspectReport {
  const certificates = chainReports(credentials.certificates, nowMs);
  const [owner] = credentials.certificates.length > 0 ? credentials.certificates : credentials.requests;
  const privateKeys = credentials.keys.map((key) => keyReport(key, owner));
  const problems = credentialProblems(credentials, certificates, privateKeys);
  return {
    file,
    what: describe(credentials, certificates),
    certificates,
    requests: credentials.requests.map(requestReport),
    privateKeys,
    problems,
    sound: isSound(problems, certificates),
  };
}

/** A document does not say whose bundle it is (SPIFFE-32), and nothing that is told here depends on it. */
const unnamed = parseTrustDomainName('unnamed');

/**
 * What the SPIFFE bundle in `document` holds.
 *
 * @throws MtlsdError `CONFIGURATION_INVALID` when it is none
 */
export function inspectBundle(file: string, document: BundleDocument, nowMs: number): InspectReport {
  const { bundle, dropped } = readBundle('FILE', file, () => parseSpiffeBundle(document.text, unnamed));
  const certificates = bundle.x509Roots.map((der, index) => {
    const root = readBundle('FILE', `${file}: root ${index + 1}`, () => parseCertificate(der));
    return certificateReport(root, 'authority', nowMs);
  });
  const problems = [
    ...certificates.flatMap(({ state }, index) => (state === 'valid' ? [] : [`Root ${index + 1} is ${state}: nothing under it is trusted now.`])),
    ...dropped.map((why) => `Readers leave out an element: ${why}. Have the publisher correct it.`),
    ...(bundle.x509Roots.length + bundle.jwtKeys.length === 0 ? ['The bundle is empty: everything of its trust domain is revoked (SPIFFE-18).'] : []),
  ];
  const jwtKeys = bundle.jwtKeys.map(({ keyId, jwk }) => ({ keyId, type: jwk.kty === 'EC' ? `EC ${jwk.crv}` : 'RSA' }));
  return {
    file,
    what: `SPIFFE bundle: ${counted(certificates.length, 'X.509 root')}, ${counted(jwtKeys.length, 'JWT key')} (JSON)`,
    certificates,
    requests: [],
    privateKeys: [],
    bundle: { sequence: String(bundle.sequence), refreshHintSeconds: bundle.refreshHintSeconds, jwtKeys, dropped },
    problems,
    sound: isSound(problems, certificates),
  };
}

/** Runs a reader of bundles; its refusal becomes one of the argument, which names the file. */
export function readBundle<T>(argument: string, name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isMtlsdError(error)) throw error;
    throw unusable(argument, `${name} cannot be used as a SPIFFE bundle: ${error.message} ${error.entry.remedy}`, error);
  }
}

import { hash } from 'node:crypto';
import { isMtlsdError } from '../errors/index.ts';
import { type Finding, linkProblem, lint, parseSpiffeId, type Role } from '../spiffe/index.ts';
import { type Certificate, verifySignature } from '../x509/index.ts';

/** One certificate, as `inspect` tells about it. Times are RFC 3339; identifiers and serials are lower-case hexadecimal. */
export interface CertificateReport {
  readonly role: Role;
  /** Its name in a keystore. */
  readonly alias?: string;
  readonly spiffeId: string | undefined;
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly state: 'not yet valid' | 'valid' | 'expired';
  /** Seconds until it expires; negative once it has. */
  readonly lifeLeftSeconds: number;
  readonly keyAlgorithm: string;
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly subjectKeyIdentifier: string | undefined;
  readonly authorityKeyIdentifier: string | undefined;
  readonly sha256: string;
  /** Whether it is signed by its own key; left out when it does not claim to be. */
  readonly selfSigned?: boolean;
  /** How it goes on to the next certificate of the file; left out when there is none, or none is expected. */
  readonly link?: { readonly holds: boolean; readonly problem?: string };
  readonly findings: readonly Finding[];
}

/** The SPIFFE ID among URIs, or undefined when there is none or several: broken rules say more. */
export function spiffeIdOf(uris: readonly string[]): string | undefined {
  const [uri] = uris;
  if (uri === undefined || uris.length > 1) return undefined;
  try {
    return parseSpiffeId(uri).toString();
  } catch (error) {
    if (isMtlsdError(error)) return undefined;
    throw error;
  }
}

/** What a certificate is meant to be, even when its flags are wrong: a workload's ID makes a leaf, wherever it can stand. */
function roleOf(certificate: Certificate, index: number, below: Certificate | undefined): Role {
  // What issued the certificate in front of it is meant to be an authority, however little its extensions say so.
  if (below !== undefined && !below.issuer.empty && Buffer.compare(below.issuer.der, certificate.subject.der) === 0) return 'authority';
  const isAuthority = certificate.basicConstraints?.ca === true || certificate.keyUsage?.usages.has('keyCertSign') === true;
  if (!isAuthority) return 'leaf';
  const hasWorkloadId = certificate.subjectAltName?.uris.some((uri) => /^spiffe:\/\/[^/]*\/./u.test(uri)) === true;
  return index === 0 && hasWorkloadId ? 'leaf' : 'authority';
}

/** The role of each certificate of a file. */
export function rolesOf(certificates: readonly Certificate[]): readonly Role[] {
  return certificates.map((certificate, index) => roleOf(certificate, index, certificates[index - 1]));
}

function isSelfIssued(certificate: Certificate): boolean {
  return Buffer.compare(certificate.issuer.der, certificate.subject.der) === 0;
}

function stateOf(certificate: Certificate, nowMs: number): CertificateReport['state'] {
  if (nowMs < certificate.notBeforeMs) return 'not yet valid';
  return nowMs > certificate.notAfterMs ? 'expired' : 'valid';
}

export function certificateReport(certificate: Certificate, role: Role, nowMs: number): CertificateReport {
  const { uris = [], dnsNames = [], ipAddresses = [] } = certificate.subjectAltName ?? {};
  return {
    role,
    spiffeId: spiffeIdOf(uris),
    subject: certificate.subject.text,
    issuer: certificate.issuer.text,
    serialNumber: certificate.serialNumber,
    notBefore: new Date(certificate.notBeforeMs).toISOString(),
    notAfter: new Date(certificate.notAfterMs).toISOString(),
    state: stateOf(certificate, nowMs),
    lifeLeftSeconds: Math.floor((certificate.notAfterMs - nowMs) / 1000),
    keyAlgorithm: certificate.publicKey.algorithm,
    uris,
    dnsNames,
    ipAddresses,
    subjectKeyIdentifier: certificate.subjectKeyIdentifier,
    authorityKeyIdentifier: certificate.authorityKeyIdentifier,
    sha256: hash('sha256', certificate.der, 'hex'),
    ...(isSelfIssued(certificate) ? { selfSigned: linkProblem(certificate, certificate, verifySignature) === undefined } : {}),
    findings: lint(certificate, role),
  };
}

/** Certificates of a file: one chain when the first is a leaf or was issued by the second, otherwise a set of roots. */
export function chainReports(certificates: readonly Certificate[], nowMs: number): readonly CertificateReport[] {
  const [first] = certificates;
  const roles = rolesOf(certificates);
  const isChain = first !== undefined && (roles[0] === 'leaf' || !isSelfIssued(first));
  return certificates.map((certificate, index) => {
    const report = certificateReport(certificate, roles[index] ?? 'leaf', nowMs);
    const next = certificates[index + 1];
    if (!isChain || next === undefined) return report;
    const problem = linkProblem(certificate, next, verifySignature);
    return { ...report, link: problem === undefined ? { holds: true } : { holds: false, problem: `${problem.clause} (${problem.rule})` } };
  });
}

/** What is wrong with certificates beyond the rules that they break: times, signatures and links. Whole sentences. */
export function certificateProblems(reports: readonly CertificateReport[]): readonly string[] {
  return reports.flatMap((report, index) => {
    const name = `Certificate ${index + 1}`;
    const found: string[] = [];
    if (report.state === 'expired') found.push(`${name} has expired: get a new one.`);
    if (report.state === 'not yet valid') found.push(`${name} is not valid yet: check the clocks of this machine and of its issuer.`);
    if (report.selfSigned === false) found.push(`${name} names itself as its issuer, and its own key did not sign it: get it again from its source.`);
    if (report.link?.problem !== undefined) {
      found.push(`${name} ${report.link.problem}: put each certificate in front of the one that issued it.`);
    }
    return found;
  });
}

/** Why a file with several leaves is no credential, or undefined: readers would take one of them, and which is open. */
export function severalLeavesProblem(roles: readonly Role[]): string | undefined {
  const leaves = roles.flatMap((role, index) => (role === 'leaf' ? [index + 1] : []));
  if (leaves.length < 2) return undefined;
  return `Certificates ${leaves.join(' and ')} are leaves: put each into a file of its own, with the authorities that issued it behind it.`;
}

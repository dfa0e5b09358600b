import type { Finding } from '../spiffe/index.ts';
import type { CertificateReport } from './certificate-report.ts';
import type { BundleReport, HandshakeReport, InspectReport, KeyReport, RequestReport } from './inspect-report.ts';
import { spoken } from './overview-text.ts';
import { labelled, type Paint, printable, timeText } from './terminal-text.ts';

type Row = readonly [label: string, value: string];
const indent = '   ';

function lifeText(report: CertificateReport, paint: Paint): string {
  const left = report.lifeLeftSeconds;
  if (report.state === 'expired') return paint('bad', `expired ${spoken(-left)} ago`);
  const whole = (Date.parse(report.notAfter) - Date.parse(report.notBefore)) / 1000;
  if (report.state === 'not yet valid') return paint('bad', `not yet valid; will live ${spoken(whole)}`);
  const share = whole > 0 ? Math.floor((100 * left) / whole) : 0;
  return paint(share > 25 ? 'good' : 'warning', `${spoken(left)} of ${spoken(whole)} (${share} %)`);
}

function list(values: readonly string[]): string {
  return values.map(printable).join(', ');
}

function linkRow(report: CertificateReport, index: number, paint: Paint): readonly Row[] {
  if (report.link === undefined) {
    if (report.selfSigned === undefined) return [];
    return [['signed by', report.selfSigned ? 'itself' : paint('bad', 'not by itself, as it says')]];
  }
  const { holds, problem = '' } = report.link;
  return [['signed by', holds ? paint('good', `certificate ${index + 2}`) : paint('bad', `not certificate ${index + 2}: it ${printable(problem)}`)]];
}

function optional(label: string, values: readonly string[]): readonly Row[] {
  return values.length === 0 ? [] : [[label, list(values)]];
}

function certificateRows(report: CertificateReport, index: number, paint: Paint): readonly Row[] {
  const otherUris = report.uris.filter((uri) => uri !== report.spiffeId);
  return [
    ...optional('alias', report.alias === undefined ? [] : [report.alias]),
    ['subject', printable(report.subject) || '(empty)'],
    ['issuer', printable(report.issuer) || '(empty)'],
    ['serial', report.serialNumber],
    ['valid', `${timeText(Date.parse(report.notBefore))} to ${timeText(Date.parse(report.notAfter))}`],
    ['life left', lifeText(report, paint)],
    ['key', printable(report.keyAlgorithm)],
    ...optional('other URIs', otherUris),
    ...optional('DNS names', report.dnsNames),
    ...optional('IP addresses', report.ipAddresses),
    ...linkRow(report, index, paint),
    ['key id', `${report.subjectKeyIdentifier ?? '(none)'}, of its issuer ${report.authorityKeyIdentifier ?? '(none)'}`],
    ['SHA-256', report.sha256],
    ['rules', rulesText(report.findings, paint)],
  ];
}

function rulesText(findings: readonly Finding[], paint: Paint): string {
  if (findings.length === 0) return paint('good', 'all hold');
  const errors = findings.filter((finding) => finding.severity === 'error').length;
  const warnings = findings.length - errors;
  const parts = [
    errors === 0 ? '' : paint('bad', `${errors} broken`),
    warnings === 0 ? '' : paint('warning', `${warnings} warning${warnings === 1 ? '' : 's'}`),
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function findingText(finding: Finding, paint: Paint): string {
  const isError = finding.severity === 'error';
  const head = paint(isError ? 'bad' : 'warning', `${isError ? '✗' : '!'} ${finding.rule}`);
  return `${indent}${head} ${paint('faint', `(${finding.citation})`)}\n${indent}  It ${printable(finding.message)}.\n${indent}  ${finding.remedy}\n`;
}

function certificateText(report: CertificateReport, index: number, paint: Paint): string {
  const title = report.spiffeId ?? (report.role === 'leaf' ? '(no SPIFFE ID)' : printable(report.subject));
  const head = `${index + 1}. ${report.role}  ${paint('strong', title)}\n`;
  return head + labelled(indent, certificateRows(report, index, paint), paint) + report.findings.map((finding) => findingText(finding, paint)).join('');
}

function requestText(report: RequestReport, paint: Paint): string {
  const rows: readonly Row[] = [
    ['subject', printable(report.subject) || '(empty)'],
    ['key', printable(report.keyAlgorithm)],
    ...optional('other URIs', report.uris.filter((uri) => uri !== report.spiffeId)),
    ...optional('DNS names', report.dnsNames),
    ['signature', report.signatureValid ? paint('good', 'by the key in the request') : paint('bad', 'not by the key in the request')],
  ];
  return `request  ${paint('strong', report.spiffeId ?? '(no SPIFFE ID)')}\n${labelled(indent, rows, paint)}`;
}

/** Only that there is a key, of which kind, and whether it fits: never the key. */
function keyText(report: KeyReport, paint: Paint): string {
  const what = report.algorithm === 'encrypted' ? 'encrypted: its algorithm cannot be told' : printable(report.algorithm);
  const alias = report.alias === undefined ? '' : `${paint('strong', printable(report.alias))}  `;
  if (report.matches === undefined) return `private key  ${alias}${what}\n`;
  return `private key  ${alias}${what}, ${report.matches ? paint('good', 'fits') : paint('bad', 'does not fit')}\n`;
}

function bundleText(report: BundleReport, paint: Paint): string {
  const rows: readonly Row[] = [
    ['sequence', report.sequence],
    ['refresh hint', report.refreshHintSeconds === undefined ? '(none)' : spoken(report.refreshHintSeconds)],
    ...report.jwtKeys.map(({ keyId, type }): Row => ['JWT key', `${printable(keyId)} (${printable(type)})`]),
  ];
  return labelled(indent, rows, paint);
}

function clientCertificateText({ asksForCertificate, gaveCertificate, brokenOff }: HandshakeReport, paint: Paint): string {
  if (!asksForCertificate) return 'not asked for';
  if (gaveCertificate) return 'asked for, and given';
  return `asked for, and none given${brokenOff === undefined ? '' : paint('warning', ' (--client-identity)')}`;
}

function handshakeText(report: HandshakeReport, paint: Paint): string {
  const rows: readonly Row[] = [
    ['protocol', `${report.protocol}, ${report.cipher}`],
    ['server name', report.serverName === undefined ? '(none)' : printable(report.serverName)],
    ['client certificate', clientCertificateText(report, paint)],
    ...(report.brokenOff === undefined ? [] : [['handshake', paint('bad', `it ${report.brokenOff}`)] as const]),
  ];
  return labelled(indent, rows, paint);
}

/** The report for people: what it is first, then each part, what is wrong last. */
export function inspectText(report: InspectReport, paint: Paint): string {
  const sections = [
    `${printable(report.file)}: ${report.what}\n`,
    ...(report.handshake === undefined ? [] : [handshakeText(report.handshake, paint)]),
    ...(report.bundle === undefined ? [] : [bundleText(report.bundle, paint)]),
    ...report.privateKeys.map((key) => keyText(key, paint)),
    ...report.certificates.map((certificate, index) => certificateText(certificate, index, paint)),
    ...report.requests.map((request) => requestText(request, paint)),
    ...(report.problems.length === 0 ? [] : [report.problems.map((problem) => `${paint('bad', '✗')} ${printable(problem)}\n`).join('')]),
  ];
  return sections.join('\n');
}

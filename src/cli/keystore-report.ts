import type { Pkcs12Certificate, Pkcs12Content, Pkcs12Entry } from '../x509/index.ts';
import { certificateProblems, type CertificateReport, certificateReport, chainReports, rolesOf } from './certificate-report.ts';
import { foundKey } from './credential-file.ts';
import { counted, type InspectReport, isSound, type KeyReport, keyReport } from './inspect-report.ts';

function withAlias<T extends object>(report: T, alias: string | undefined): T & { readonly alias?: string } {
  return alias === undefined ? report : { ...report, alias };
}

function entryKey({ alias, privateKey, chain }: Pkcs12Entry): readonly KeyReport[] {
  return privateKey === undefined ? [] : [withAlias(keyReport(foundKey(privateKey), chain[0]), alias)];
}

function aloneReport({ alias, certificate }: Pkcs12Certificate, nowMs: number): CertificateReport {
  return withAlias(certificateReport(certificate, rolesOf([certificate])[0] ?? 'leaf', nowMs), alias);
}

function describe({ entries, trusted, others, profile }: Pkcs12Content): string {
  const parts = [
    entries.length === 0 ? '' : counted(entries.length, 'private key'),
    trusted.length === 0 ? '' : counted(trusted.length, 'trusted certificate'),
    others.length === 0 ? '' : counted(others.length, 'other certificate'),
  ].filter((part) => part !== '');
  const kind = entries.length === 0 && trusted.length > 0 ? 'trust store' : 'keystore';
  return `${kind}: ${parts.join(', ') || 'empty'} (PKCS#12, ${profile})`;
}

/** Problems of the store as such. `keys` are in the order of its entries. */
function storeProblems({ entries, others }: Pkcs12Content, keys: readonly KeyReport[]): readonly string[] {
  const quoted = (alias: string | undefined): string => (alias === undefined ? 'without an alias' : `"${alias}"`);
  return [
    ...entries.flatMap(({ alias, chain }) => (chain.length > 0 ? [] : [`The private key ${quoted(alias)} has no certificate: export it again with its chain.`])),
    ...keys.flatMap(({ alias, matches }) => (matches === false ? [`The private key ${quoted(alias)} does not belong to its certificate: export both again.`] : [])),
    ...(others.length === 0
      ? []
      : [`${counted(others.length, 'certificate')} of it ${others.length === 1 ? 'is' : 'are'} neither trusted nor part of the chain of a key: Java shows none of them. Import them with keytool, or leave them out.`]),
  ];
}

/** What a PKCS#12 file holds at `nowMs`, and what is wrong with it. Keys are told by their kind only. */
export function inspectKeystore(file: string, content: Pkcs12Content, nowMs: number): InspectReport {
  const certificates = [
    ...content.entries.flatMap(({ alias, chain }) => chainReports(chain, nowMs).map((report, index) => withAlias(report, index === 0 ? alias : undefined))),
    ...[...content.trusted, ...content.others].map((certificate) => aloneReport(certificate, nowMs)),
  ];
  const privateKeys = content.entries.flatMap(entryKey);
  const problems = [...certificateProblems(certificates), ...storeProblems(content, privateKeys)];
  return { file, what: describe(content), certificates, requests: [], privateKeys, problems, sound: isSound(problems, certificates) };
}

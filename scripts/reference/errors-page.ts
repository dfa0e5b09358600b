import type { ErrorEntry, Retry } from '../../src/errors/index.ts';

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`).replaceAll('<', String.raw`\<`);

const retries: Readonly<Record<Retry, string>> = {
  never: 'no',
  backoff: 'yes, with growing pauses',
  after: 'yes, when the other side said, else with growing pauses',
};

/** `STORE_LOCKED` and `STORE_CONFLICT` belong to one table: the first word of a code says what it is about. */
const areas: Readonly<Record<string, string>> = {
  ADDRESS: 'Command line',
  API: 'HTTPS API',
  AUDIT: 'Audit log',
  AUTHORITY: 'Authorities',
  CONFIGURATION: 'Command line',
  DNS: 'Names',
  DURATION: 'Manifests',
  FEDERATION: 'Federation',
  GATEWAY: 'Tokens',
  ISSUANCE: 'Signing',
  MANIFEST: 'Manifests',
  MANIFESTS: 'Manifests',
  OUTPUT: 'Command line',
  ROTATION: 'Rotation of authorities',
  SPIFFE: 'Names',
  STORE: 'Where objects are kept',
  TLS: 'Command line',
  TOKEN: 'Tokens',
  X509: 'Certificates and keys',
};

function areaOf(code: string): string {
  const area = areas[code.split('_')[0] ?? ''];
  if (area === undefined) throw new Error(`scripts/reference/errors-page.ts: say under which heading ${code} belongs`);
  return area;
}

function row([code, { meaning, remedy, reason, status, retry }]: readonly [string, ErrorEntry]): string {
  return `| \`${code}\`<br>\`${reason}\` | ${cell(meaning)} | ${cell(remedy)} | ${retries[retry]} | ${status} |`;
}

/** docs/reference/errors.md: every row of the catalogue. @throws {Error} for a code of an area that has no heading yet */
export function errorsPage(catalogue: Readonly<Record<string, ErrorEntry>>): string {
  const rows = Object.entries(catalogue).sort(([a], [b]) => (a < b ? -1 : 1));
  const headings = [...new Set(rows.map(([code]) => areaOf(code)))].sort();
  const sections = headings.map((heading) => {
    const table = rows.filter(([code]) => areaOf(code) === heading).map(row);
    return `## ${heading}\n\n| Code, reason | What happened | What to do | mtlsd tries again | HTTP |\n|---|---|---|---|---:|\n${table.join('\n')}\n`;
  });
  return `<!-- Generated from src/errors by \`npm run generate\`. Do not edit. -->
# Errors

Every error that mtlsd reports is one of these. A program tells them apart by the code; a condition in the status of an object
carries the reason, and a message that names the object, what happened to it, and what to do next. HTTP is the status that a
caller of an API gets.

A request for an identity that its trust domain does not allow is no error but a decision: the condition \`Issued\` is \`False\`
with the reason \`Denied\`, and its message lists every cause, not the first one only.

${sections.join('\n')}`;
}

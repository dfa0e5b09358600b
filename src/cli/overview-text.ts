import { styleText } from 'node:util';
import type { IdentityRow, Overview, TrustDomainRow } from '../app/overview.ts';
import { fit, table } from './table.ts';

/** How an overview is drawn. */
export interface OverviewStyle {
  readonly colour: boolean;
  /** Columns of the terminal. */
  readonly width: number;
}

type Colour = 'green' | 'yellow' | 'red' | 'dim' | 'bold' | 'cyan';

/** The overview as text: trust domains with their authorities, identities with life left, and what is wrong. */
export function overviewText(overview: Overview, style: OverviewStyle): string {
  const paint = painter(style.colour);
  const sections = [trustDomainsText(overview.trustDomains, paint), identitiesText(overview.identities, style, paint), problemsText(overview, paint)];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** The table of identities alone. */
export function identitiesText(identities: readonly IdentityRow[], style: OverviewStyle, paint = painter(style.colour)): string {
  if (identities.length === 0) return paint('dim', 'No identities yet: add a WorkloadIdentity.');
  const header = ['IDENTITY', 'SPIFFE ID', 'ISSUER', 'LIFE LEFT', 'RENEWALS'].map((title) => paint('dim', title));
  const idWidth = Math.max(20, style.width - 66);
  const rows = identities.map((row) => [
    row.ready ? `${row.namespace}/${row.name}` : paint('red', `${row.namespace}/${row.name}`),
    row.spiffeId === undefined ? paint('dim', '(not issued)') : fit(row.spiffeId, idWidth),
    row.issuer === undefined ? '' : paint('cyan', row.issuer.slice(0, 8)),
    lifeBar(row, paint),
    String(row.renewals),
  ]);
  return table([header, ...rows]);
}

const barCells = 12;

function lifeBar(row: IdentityRow, paint: (colour: Colour, text: string) => string): string {
  if (row.lifeLeft === undefined || row.lifeLeftSeconds === undefined) return '';
  const full = Math.round(row.lifeLeft * barCells);
  const colour = row.lifeLeft > 0.35 ? 'green' : row.lifeLeft > 0.15 ? 'yellow' : 'red';
  return `${paint(colour, '█'.repeat(full))}${paint('dim', '░'.repeat(barCells - full))} ${spoken(row.lifeLeftSeconds)}`;
}

/** Seconds in the two largest units that say enough: `45s`, `12m 05s`, `3h 20m`, `12d 4h`. */
export function spoken(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3600)}h`;
}

function trustDomainsText(trustDomains: readonly TrustDomainRow[], paint: (colour: Colour, text: string) => string): string {
  if (trustDomains.length === 0) return paint('dim', 'No trust domain yet: add a TrustDomain.');
  return trustDomains
    .map((domain) => {
      const title = `${paint('bold', domain.name)}  ${domain.ready ? paint('green', 'ready') : paint('red', 'not ready')}  signer epoch ${domain.signerEpoch ?? '-'}  bundle ${domain.bundleGeneration ?? '-'}`;
      const rows = domain.authorities.map((authority) => [`  ${authority.role.toLowerCase()}`, authority.state.toLowerCase(), paint('cyan', authority.keyIdentifier.slice(0, 8)), `until ${authority.notAfter}`]);
      return rows.length === 0 ? title : `${title}\n${table(rows)}`;
    })
    .join('\n');
}

function problemsText(overview: Overview, paint: (colour: Colour, text: string) => string): string {
  if (overview.problems.length === 0) return paint('green', 'Nothing is wrong.');
  const lines = overview.problems.map((problem) => `${paint('red', '✗')} ${paint('bold', problem.object)}  ${problem.reason}\n  ${problem.message}`);
  return `${paint('red', `${overview.problems.length} thing${overview.problems.length === 1 ? '' : 's'} to look at:`)}\n${lines.join('\n')}`;
}

function painter(colour: boolean): (format: Colour, text: string) => string {
  return (format, text) => (colour ? styleText(format, text, { validateStream: false }) : text);
}

import { styleText } from 'node:util';
import type { IdentityRow, Overview, TrustDomainRow } from '../app/overview.ts';
import { fit, fitEnd, table } from './table.ts';

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

/** The table of identities alone, as wide as there is room: what tells least goes first. */
export function identitiesText(identities: readonly IdentityRow[], style: OverviewStyle, paint = painter(style.colour)): string {
  if (identities.length === 0) return paint('dim', 'No identities yet: add a WorkloadIdentity.');
  const columns = columnsFor(identities, style.width);
  const title = (text: string): string => paint('dim', text);
  const header = [title('IDENTITY'), ...(columns.spiffeId > 0 ? [title('SPIFFE ID')] : []), ...(columns.issuer ? [title('ISSUER')] : []), title('LIFE LEFT'), title('RENEWALS')];
  const short = pathsAlone(identities, columns.spiffeId);
  const rows = identities.map((row) => {
    const name = fitEnd(nameOf(row), columns.name);
    const spiffeId = row.spiffeId === undefined ? paint('dim', fit('(not issued)', columns.spiffeId)) : fitEnd(short ? `…${pathOf(row.spiffeId)}` : row.spiffeId, columns.spiffeId);
    const issuer = row.issuer === undefined ? '' : paint('cyan', row.issuer.slice(0, issuerWidth));
    return [row.ready ? name : paint('red', name), ...(columns.spiffeId > 0 ? [spiffeId] : []), ...(columns.issuer ? [issuer] : []), lifeBar(row, columns.bar, paint), String(row.renewals)];
  });
  return table([header, ...rows]);
}

/** Whether the paths say enough: where not every SPIFFE ID fits, and all of them start alike. */
function pathsAlone(identities: readonly IdentityRow[], width: number): boolean {
  const ids = identities.map((row) => row.spiffeId).filter((id) => id !== undefined);
  return ids.some((id) => id.length > width) && new Set(ids.map((id) => id.slice(0, -pathOf(id).length))).size === 1;
}

const pathOf = (spiffeId: string): string => spiffeId.replace(/^spiffe:\/\/[^/]*/u, '');
const nameOf = (row: IdentityRow): string => `${row.namespace}/${row.name}`;
/** That much of a key identifier tells authorities apart. */
const issuerWidth = 8;
const renewalsWidth = 'RENEWALS'.length;
/** The longest that `spoken` answers: `12m 05s`. */
const spokenWidth = 7;
const gap = 2;

/** How wide each column is; a SPIFFE ID of width 0 is left out. */
function columnsFor(identities: readonly IdentityRow[], width: number) {
  const roomy = width >= 90;
  const bar = roomy ? 12 : 8;
  const name = Math.max('IDENTITY'.length, Math.min(Math.max(...identities.map((row) => nameOf(row).length)), Math.floor(width * 0.35)));
  const others = name + (roomy ? gap + issuerWidth : 0) + gap + bar + 1 + spokenWidth + gap + renewalsWidth;
  const left = width - others - gap;
  return { name, spiffeId: left >= 12 ? left : 0, issuer: roomy, bar };
}

function lifeBar(row: IdentityRow, cells: number, paint: (colour: Colour, text: string) => string): string {
  if (row.lifeLeft === undefined || row.lifeLeftSeconds === undefined) return '';
  const full = Math.round(row.lifeLeft * cells);
  const colour = row.lifeLeft > 0.35 ? 'green' : row.lifeLeft > 0.15 ? 'yellow' : 'red';
  return `${paint(colour, '█'.repeat(full))}${paint('dim', '░'.repeat(cells - full))} ${spoken(row.lifeLeftSeconds)}`;
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

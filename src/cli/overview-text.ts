import { styleText } from 'node:util';
import type { IdentityRow, Overview } from '../app/overview/overview.ts';
import type { RotationRow } from '../app/overview/rotation-row.ts';
import type { AuthorityRow, FederationRow, JwtRow, TrustDomainRow } from '../app/overview/trust-domain-row.ts';
import { fit, fitEnd, table } from './table.ts';
import { timeText } from './terminal-text.ts';

/** How an overview is drawn. */
export interface OverviewStyle {
  readonly colour: boolean;
  /** Columns of the terminal. */
  readonly width: number;
}

type Colour = 'green' | 'yellow' | 'red' | 'dim' | 'bold' | 'cyan';
type Painter = (colour: Colour, text: string) => string;

/** The overview as text: trust domains with their authorities, identities with life left, and what is wrong. */
export function overviewText(overview: Overview, style: OverviewStyle): string {
  const paint = painter(style.colour);
  const sections = [trustDomainsText(overview.trustDomains, paint), rotationsText(overview.rotations, paint), identitiesText(overview.identities, style, paint), problemsText(overview, paint), warningsText(overview, paint)];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** The table of identities alone, as wide as there is room: what tells least goes first. */
export function identitiesText(identities: readonly IdentityRow[], style: OverviewStyle, paint = painter(style.colour)): string {
  if (identities.length === 0) return paint('dim', 'No identities yet: add a WorkloadIdentity.');
  const columns = columnsFor(identities, style.width);
  const title = (text: string): string => paint('dim', text);
  const header = [title('IDENTITY'), ...(columns.spiffeId > 0 ? [title('SPIFFE ID')] : []), ...(columns.issuer ? [title('ISSUER')] : []), title('LIFE LEFT'), title('RENEWALS'), ...(columns.tokens > 0 ? [title('TOKENS')] : [])];
  const short = pathsAlone(identities, columns.spiffeId);
  const rows = identities.map((row) => {
    const name = fitEnd(nameOf(row), columns.name);
    const spiffeId = row.spiffeId === undefined ? paint('dim', fit('(not issued)', columns.spiffeId)) : fitEnd(short ? `…${pathOf(row.spiffeId)}` : row.spiffeId, columns.spiffeId);
    const issuer = row.issuer === undefined ? '' : paint('cyan', row.issuer.slice(0, issuerWidth));
    return [row.ready ? name : paint('red', name), ...(columns.spiffeId > 0 ? [spiffeId] : []), ...(columns.issuer ? [issuer] : []), lifeBar(row, columns.bar, paint), String(row.renewals), ...(columns.tokens > 0 ? [tokensCell(row, columns.tokens, paint)] : [])];
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
/** The longest reason that is shown whole. */
const tokensMax = 16;

/** How wide each column is; a SPIFFE ID of width 0 is left out. */
function columnsFor(identities: readonly IdentityRow[], width: number) {
  const roomy = width >= 90;
  const bar = roomy ? 12 : 8;
  const name = Math.max('IDENTITY'.length, Math.min(Math.max(...identities.map((row) => nameOf(row).length)), Math.floor(width * 0.35)));
  const told = roomy ? identities.flatMap((row) => (row.tokens === undefined ? [] : [row.tokens.length])) : [];
  const tokens = told.length === 0 ? 0 : Math.min(tokensMax, Math.max('TOKENS'.length, ...told));
  const others = name + (roomy ? gap + issuerWidth : 0) + gap + bar + 1 + spokenWidth + gap + renewalsWidth + (tokens > 0 ? gap + tokens : 0);
  const left = width - others - gap;
  return { name, spiffeId: left >= 12 ? left : 0, issuer: roomy, bar, tokens };
}

function tokensCell({ tokens = '' }: IdentityRow, width: number, paint: Painter): string {
  const text = fit(tokens.toLowerCase(), width);
  return tokens === 'Delivered' || tokens === '' ? text : paint('red', fit(tokens, width));
}

function lifeBar(row: IdentityRow, cells: number, paint: Painter): string {
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

function trustDomainsText(trustDomains: readonly TrustDomainRow[], paint: Painter): string {
  if (trustDomains.length === 0) return paint('dim', 'No trust domain yet: add a TrustDomain.');
  return trustDomains
    .map((domain) => {
      const title = `${paint('bold', domain.name)}  ${domain.ready ? paint('green', 'ready') : paint('red', 'not ready')}  signer epoch ${domain.signerEpoch ?? '-'}  bundle ${domain.bundleGeneration ?? '-'}`;
      if (domain.authorities.length === 0) return title;
      const federation = (domain.federation ?? []).map((row) => federationCells(row, paint));
      return [title, table([...domain.authorities.map((authority) => authorityCells(authority, paint)), ...jwtKeyRows(domain.jwt, paint)]), `  ${placesText(domain, paint)}`, ...jwtText(domain.jwt, paint), ...(federation.length === 0 ? [] : [table(federation)])].join('\n');
    })
    .join('\n');
}

/** A root's end is told in good time: nobody can put it off. */
const rootEndingSeconds = 30 * 86_400;
/** But for one that never lived long: that is no news. */
const rootEndingPart = 0.25;

function authorityCells({ role, state, keyIdentifier, notAfter, lifeLeft, lifeLeftSeconds, liveLeaves }: AuthorityRow, paint: Painter): readonly string[] {
  const isRoot = role === 'Root';
  const ending = lifeLeftSeconds < rootEndingSeconds && lifeLeft < rootEndingPart ? paint('yellow', `ends in ${spoken(lifeLeftSeconds)}`) : '';
  const leaves = isRoot ? ending : `${liveLeaves} certificate${liveLeaves === 1 ? '' : 's'}`;
  return [`  ${role.toLowerCase()}`, state.toLowerCase(), paint('cyan', keyIdentifier.slice(0, 8)), `until ${notAfter}`, leaves];
}

/** Keys for tokens, below the authorities. */
function jwtKeyRows(jwt: JwtRow | undefined, paint: Painter): readonly (readonly string[])[] {
  return (jwt?.keys ?? []).map(({ keyIdentifier, algorithm, state }) => {
    const whens: Readonly<Record<string, string>> = jwt?.turnsOverAt === undefined ? {} : { Active: `until ${jwt.turnsOverAt}`, Prepared: `from ${jwt.turnsOverAt}` };
    return ['  token key', state.toLowerCase(), paint('cyan', keyIdentifier.slice(0, 8)), whens[state] ?? '', algorithm];
  });
}

/** Whether tokens are signed, and who finds how many keys. */
function jwtText(jwt: JwtRow | undefined, paint: Painter): readonly string[] {
  if (jwt === undefined) return [];
  const { issuer, reason, keys } = jwt;
  const signed = reason === undefined ? `tokens of ${issuer ?? 'no issuer'}` : paint('yellow', `no tokens now (${reason})`);
  return [`  ${signed}${keys.length === 0 ? '' : `, ${keys.length} key${keys.length === 1 ? '' : 's'} published`}`];
}

/** Whose bundle is here, and what hinders the next. None of its roots means that all of them were revoked. */
function federationCells({ trustDomain, sequence, roots, fetchedAt, reason }: FederationRow, paint: Painter): readonly string[] {
  const here = sequence === undefined ? paint('red', 'no bundle yet') : `${roots ?? 0} root${roots === 1 ? '' : 's'}, sequence ${sequence}, since ${fetchedAt ?? '-'}`;
  return ['  federates with', trustDomain, here, reason === undefined ? '' : paint('yellow', reason)];
}

/** How far the newest bundle has come, and whether anything in use has a root that is not in it. */
function placesText({ bundles, bundleGeneration, notOnNewest, targets, violations }: TrustDomainRow, paint: Painter): string {
  const beside = targets === undefined ? 0 : targets.written + targets.stale + targets.failing.length;
  const all = bundles.reduce((sum, { identities }) => sum + identities, 0) + beside;
  const older = bundles.filter(({ generation }) => generation !== bundleGeneration).map(({ generation, identities }) => `${identities} on ${generation}`);
  const reached = `bundle ${bundleGeneration ?? '-'} in ${all - notOnNewest} of ${all} places`;
  const lagging = older.length === 0 ? '' : ` (${older.join(', ')})`;
  const wrong = `${violations} violation${violations === 1 ? '' : 's'}`;
  return `${notOnNewest === 0 ? reached : paint('yellow', `${reached}${lagging}`)}, ${violations === 0 ? wrong : paint('red', wrong)}`;
}

/** Rotations, those under way first; what ended stays as a line until its CARotation is deleted. */
function rotationsText(rotations: readonly RotationRow[], paint: Painter): string {
  if (rotations.length === 0) return '';
  const rows = rotations.map((rotation) => [rotation.ended ? rotation.name : paint('bold', rotation.name), rotation.what.toLowerCase(), paint(phaseColour(rotation), phaseOf(rotation)), gateOf(rotation)]);
  return table([['ROTATION', 'WHAT', 'PHASE', 'GATE'].map((title) => paint('dim', title)), ...rows]);
}

function phaseOf({ phase, direction, mode }: RotationRow): string {
  return `${phase ?? 'not begun'}${direction === 'Back' ? ' (back)' : ''}${mode === 'Emergency' ? ' (emergency)' : ''}`;
}

function phaseColour({ phase, ended }: RotationRow): Colour {
  if (!ended) return 'cyan';
  return phase === 'Complete' ? 'green' : 'dim';
}

function gateOf({ ended, gate, progress, stragglers, nextTime, finishedAt }: RotationRow): string {
  if (ended) return finishedAt === undefined ? '' : `since ${timeText(Date.parse(finishedAt))}`;
  if (gate === undefined) return '';
  const held = stragglers === 0 ? '' : `, held up by ${stragglers}`;
  return `${gate}${progress === undefined ? '' : ` ${progress}`}${held}${nextTime === undefined ? '' : `, by ${timeText(Date.parse(nextTime))}`}`;
}

function problemsText(overview: Overview, paint: Painter): string {
  if (overview.problems.length === 0) return paint('green', 'Nothing is wrong.');
  const lines = overview.problems.map((problem) => `${paint('red', '✗')} ${paint('bold', problem.object)}  ${problem.reason}\n  ${problem.message}`);
  return `${paint('red', `${overview.problems.length} thing${overview.problems.length === 1 ? '' : 's'} to look at:`)}\n${lines.join('\n')}`;
}

function warningsText({ warnings = [] }: Overview, paint: Painter): string {
  if (warnings.length === 0) return '';
  const lines = warnings.map((warning) => `${paint('yellow', '!')} ${paint('bold', warning.object)}  ${warning.reason}\n  ${warning.message}`);
  return `${paint('yellow', `${warnings.length} warning${warnings.length === 1 ? '' : 's'}:`)}\n${lines.join('\n')}`;
}

function painter(colour: boolean): Painter {
  return (format, text) => (colour ? styleText(format, text, { validateStream: false }) : text);
}

import { styleText } from 'node:util';
import { hasEnded, standstill } from '../../app/overview/rotation-row.ts';
import type { CARotation } from '../../resources/index.ts';
import type { FrameSize } from '../live-screen.ts';
import { spoken } from '../overview-text.ts';
import { fit, table, widthOf, wrap } from '../table.ts';
import { stragglerName } from './progress-lines.ts';

type Gate = NonNullable<NonNullable<CARotation['status']>['gates']>[number];

const paint = (format: Parameters<typeof styleText>[0], text: string): string => styleText(format, text, { validateStream: false });

const phases = ['Preflight', 'Prepare', 'Distribute', 'Confirm', 'Canary', 'Switch', 'Reissue', 'Drain', 'Retire'] as const;
const barCells = 12;
const stragglersMax = 5;

/**
 * One frame of a rotation: where it stands, each gate with its count and evidence, who holds it up, and what comes next. Never
 * larger than the terminal: what is larger scrolls away and cannot be redrawn.
 */
export function progressFrame(rotation: CARotation, nowMs: number, { width, height }: FrameSize): string {
  const room = Math.max(1, height - 1);
  const sections = (gates: readonly Gate[]): readonly (readonly string[])[] =>
    [titleLines(rotation, nowMs, width), phaseLines(rotation, width), gateLines(gates, nowMs, width), stragglerLines(rotation, width), waitingLines(gates, nowMs, width), nextLines(rotation, nowMs, width)].filter((section) => section.length > 0);
  const all = rotation.status?.gates ?? [];
  const reached = all.filter(({ state }) => state !== 'Pending');
  // Where room is short, gates that are still to come go first, then the lines between, then what was passed.
  const choices = [spaced(sections(all)), spaced(sections(reached)), sections(reached).flat(), sections(reached.filter(({ state }) => state === 'Waiting')).flat()];
  return (choices.find((lines) => lines.length <= room) ?? choices.at(-1) ?? []).slice(0, room).join('\n');
}

function spaced(sections: readonly (readonly string[])[]): readonly string[] {
  return sections.flatMap((section, index) => (index === 0 ? section : ['', ...section]));
}

function titleLines({ metadata, spec, status }: CARotation, nowMs: number, width: number): readonly string[] {
  const what = `${spec.mode === 'Emergency' ? paint('red', 'emergency ') : ''}rotation of the ${spec.what === 'Root' ? 'root' : 'issuing authority'} of ${paint('bold', spec.trustDomain)}`;
  const authorities = [`from ${spec.fromAuthority.slice(0, 8)}`, ...(status?.toAuthority === undefined ? [] : [`to ${paint('cyan', status.toAuthority.slice(0, 8))}`])];
  const begun = status?.startedAt === undefined ? [] : [`begun ${spoken(secondsBetween(Date.parse(status.startedAt), nowMs))} ago`];
  return [fit(`${paint('bold', 'mtlsd')}  ${what}  ${paint('dim', metadata.name)}`, width), fit([...authorities, ...begun].join('  '), width)];
}

/** The phases in a row, or as many as have room around the present one. */
function phaseLines(rotation: CARotation, width: number): readonly string[] {
  const { status } = rotation;
  if (status?.direction === 'Back' || hasEnded(rotation)) return [fit(paint('bold', `${status?.phase ?? ''}${status?.direction === 'Back' ? ', on the way back' : ''}`), width)];
  const at = phases.findIndex((phase) => phase === status?.phase);
  const cells = phases.map((phase, index) => (index < at ? paint('green', `✓ ${phase}`) : index === at ? paint(['bold', 'cyan'], `▸ ${phase}`) : paint('dim', phase)));
  const long = cells.join('  ');
  if (phases.join('  ').length + 2 * (at + 1) <= width) return [long];
  return [fit(`${at < 0 ? 'not begun' : `▸ ${status?.phase ?? ''}`} (${at + 1} of ${phases.length})`, width)];
}

function gateLines(gates: readonly Gate[], nowMs: number, width: number): readonly string[] {
  return uncutLines(gates, nowMs, width).map((line) => cut(line, width));
}

/** A line for each gate, however long. */
function uncutLines(gates: readonly Gate[], nowMs: number, width: number): readonly string[] {
  if (gates.length === 0) return [];
  const rows = gates.map((gate) => [nameCell(gate), countCell(gate, width), evidenceCell(gate), messageOf(gate, nowMs)]);
  const columns = width >= 90 ? rows : rows.map(([name = '', count = '', , message = '']) => [name, count, message]);
  return table(columns).split('\n');
}

/** What the gate waits for that is not passed yet, whole, where its line has no room for it and no straggler says it. */
function waitingLines(gates: readonly Gate[], nowMs: number, width: number): readonly string[] {
  const lines = uncutLines(gates, nowMs, width);
  const at = gates.findIndex(({ state, stragglerCount = 0 }) => state === 'Waiting' && stragglerCount === 0);
  const gate = gates[at];
  return gate?.message === undefined || widthOf(lines[at] ?? '') <= width ? [] : wrap(`${gate.name} ${gate.message}`, width).map((line) => fit(line, width));
}

/** What `styleText` puts into a line: an escape, built from its number, for a pattern must not hold one. */
const colour = new RegExp(`(${String.fromCodePoint(0x1b)}\\[[0-9;]*m)`, 'u');

/** A line that is too long loses its end and not its colours. */
function cut(line: string, width: number): string {
  let seen = 0;
  let text = '';
  for (const part of line.split(colour)) {
    if (part.startsWith('\u001B')) text += part;
    else {
      const room = Math.max(0, width - seen);
      text += part.length <= room ? part : `${part.slice(0, Math.max(0, room - 1))}${room > 0 ? '…' : ''}`;
      seen += part.length;
    }
  }
  return text;
}

function nameCell({ name, state }: Gate): string {
  if (state === 'Passed') return paint('green', `✓ ${name}`);
  return state === 'Waiting' ? paint(['bold', 'cyan'], `▸ ${name}`) : paint('dim', `  ${name}`);
}

function countCell({ state, done, total, exempted = 0 }: Gate, width: number): string {
  // A gate that nobody is counted at waits on time alone: a bar would be full from the start.
  if (state === 'Pending' || total === 0) return '';
  const part = Math.min(1, done / total);
  const full = Math.floor(part * barCells);
  const bar = `${paint(state === 'Passed' ? 'green' : 'cyan', '█'.repeat(full))}${paint('dim', '░'.repeat(barCells - full))} `;
  return `${width >= 70 ? bar : ''}${done}/${total}${exempted === 0 ? '' : ` (${exempted} exempt)`}`;
}

function evidenceCell({ evidence = [] }: Gate): string {
  return paint('dim', evidence.join(', '));
}

function messageOf({ state, until, message = '' }: Gate, nowMs: number): string {
  if (state === 'Pending') return '';
  const left = until === undefined ? undefined : secondsBetween(nowMs, Date.parse(until));
  const clock = state === 'Waiting' && left !== undefined && left > 0 ? `${paint('yellow', `in ${spoken(left)}`)}  ` : '';
  return `${clock}${state === 'Passed' ? paint('dim', message) : message}`;
}

function stragglerLines({ status }: CARotation, width: number): readonly string[] {
  const gate = status?.gates?.find(({ state, stragglerCount = 0 }) => state === 'Waiting' && stragglerCount > 0);
  if (gate === undefined) return [];
  const shown = (gate.stragglers ?? []).slice(0, stragglersMax);
  const more = (gate.stragglerCount ?? shown.length) - shown.length;
  return [
    paint('yellow', fit(`${gate.name} waits for:`, width)),
    ...shown.map((straggler) => fit(`  ${stragglerName(straggler)}: ${straggler.reason}`, width)),
    ...(more > 0 ? [paint('dim', fit(`  … and ${more} more: kubectl describe, or mtlsd status --output json`, width))] : []),
  ];
}

function nextLines(rotation: CARotation, nowMs: number, width: number): readonly string[] {
  const { status } = rotation;
  const still = standstill(rotation);
  if (still !== undefined) return wrap(`Stands still (${still.reason}): ${still.message}`, width).map((line) => paint('yellow', fit(line, width)));
  if (hasEnded(rotation) || status?.nextTime === undefined) return [];
  const left = secondsBetween(nowMs, Date.parse(status.nextTime));
  return [paint('dim', fit(left <= 0 ? 'Next: now' : `Next: in ${spoken(left)}, by itself`, width))];
}

function secondsBetween(fromMs: number, toMs: number): number {
  return Math.max(0, Math.ceil((toMs - fromMs) / 1000));
}

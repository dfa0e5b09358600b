import { stripVTControlCharacters, styleText } from 'node:util';
import type { IdentityRow, Overview, ProblemRow } from '../app/overview/overview.ts';
import { identitiesText } from './overview-text.ts';
import { fit, wrap } from './table.ts';

/** Where what is shown is, and what a newcomer may try there: a command or an action, and what it is good for. */
export interface Place {
  readonly title: string;
  hints(first: IdentityRow): readonly (readonly [string, string])[];
}

/** What a frame is drawn from, besides the overview. */
export interface FrameInputs {
  readonly place: Place;
  /** The latest log lines, the oldest first. */
  readonly news: readonly string[];
  /** Columns and lines of the terminal. */
  readonly width: number;
  readonly height: number;
}

const problemsMax = 3;
const problemLinesMax = 3;
/** Fewer rows than that are no table: then rather hints and news go. */
const rowsMin = 5;

const paint = (format: Parameters<typeof styleText>[0], text: string): string => styleText(format, text, { validateStream: false });

/**
 * One frame of the live view, never larger than the terminal: what is larger scrolls away and cannot be redrawn. Where room is
 * short, old news go first, then hints, the rest of the news, and last the rows of identities that are well.
 */
export function liveFrame(overview: Overview, { place, news, width, height }: FrameInputs): string {
  const title = [titleOf(overview, place, width)];
  const problems = problemLines(overview.problems, width);
  const hints = hintLines(overview, place, width);
  const few = newsLines(news.slice(-2), width);
  const choices = [[problems, newsLines(news, width), hints], [problems, few, hints], [problems, few], [problems]].map((sections) => sections.filter((section) => section.length > 0));
  // A line for the title, one for the header of the table, one before each section, and one that the cursor stands on.
  const roomBeside = (sections: readonly (readonly string[])[]): number => height - 4 - sections.reduce((sum, section) => sum + section.length + 1, 0);
  const all = overview.identities.length;
  const sections = choices.find((each) => roomBeside(each) >= all) ?? choices.find((each) => roomBeside(each) >= Math.min(all, rowsMin)) ?? [];
  const rows = identityLines(overview.identities, width, roomBeside(sections));
  const frame = [title, rows, ...sections].map((section) => section.join('\n')).join('\n\n');
  return frame.split('\n').slice(0, Math.max(1, height - 1)).join('\n');
}

function titleOf(overview: Overview, place: Place, width: number): string {
  const domains = overview.trustDomains.map((domain) => `${paint('bold', domain.name)}${domain.ready ? '' : paint('red', ' (not ready)')}`);
  return fit(`${paint('bold', 'mtlsd')}  ${domains.join('  ') || 'no trust domain yet'}  ${paint('dim', place.title)}`, width);
}

function identityLines(identities: readonly IdentityRow[], width: number, room: number): readonly string[] {
  const lines = (rows: readonly IdentityRow[]): readonly string[] => identitiesText(rows, { colour: true, width }).split('\n');
  if (identities.length <= room) return lines(identities);
  const shown = [...identities].sort((a, b) => Number(a.ready) - Number(b.ready)).slice(0, Math.max(1, room - 1));
  return [...lines(shown), paint('dim', fit(`… and ${identities.length - shown.length} more; those that are not ready come first`, width))];
}

function problemLines(problems: readonly ProblemRow[], width: number): readonly string[] {
  const lines = problems.slice(0, problemsMax).flatMap(({ object, message }) => {
    const [first = '', ...more] = wrap(`${object}: ${message}`, width - 2);
    const shown = [first, ...more.slice(0, problemLinesMax - 1)];
    const isCut = more.length >= problemLinesMax;
    return shown.map((line, index) => {
      const text = isCut && index === shown.length - 1 ? `${fit(line, width - 3)}…` : fit(line, width - 2);
      return index === 0 ? `${paint('red', '✗')} ${text}` : `  ${text}`;
    });
  });
  const left = problems.length - problemsMax;
  return left > 0 ? [...lines, paint('dim', fit(`  … and ${left} more: mtlsd status`, width))] : lines;
}

/** A log line as `createLog` writes it for people: when, how bad, what, and fields that are told elsewhere in the frame. */
const logLine = /^\[(\d\d:\d\d:\d\d)[.\d]*\] (?<level>[A-Z]+): (?<message>.*?)(?: {2}\w+=.*)?$/u;

function newsLines(news: readonly string[], width: number): readonly string[] {
  return news.map((line) => {
    const plain = stripVTControlCharacters(line);
    const [, time, level = '', message] = logLine.exec(plain) ?? [];
    return paint(level === '' || level === 'INFO' ? 'dim' : 'yellow', fit(message === undefined ? plain : `${time} ${message}`, width));
  });
}

function hintLines(overview: Overview, place: Place, width: number): readonly string[] {
  const first = overview.identities.find((row) => row.ready);
  if (first === undefined) return [];
  // A command is there to be copied: it is never cut, rather goes what it is good for.
  const hints = place.hints(first).filter(([what]) => what.length + 2 <= width);
  const lines = hints.map(([what, why]) => `  ${what}${what.length + why.length + 6 <= width ? paint('dim', `  # ${why}`) : ''}`);
  return lines.length === 0 ? [] : [paint('dim', fit('Try, in another terminal:', width)), ...lines];
}

import { styleText } from 'node:util';
import { table } from './table.ts';

/** What a piece of text means; colours follow from it. */
type Tone = 'good' | 'bad' | 'warning' | 'faint' | 'strong';

const formats = { good: 'green', bad: 'red', warning: 'yellow', faint: 'dim', strong: 'bold' } as const;

/** Colours text for a terminal, or leaves it as it is. */
export type Paint = (tone: Tone, text: string) => string;

/** Colours only when somebody looks: files and pipes get plain text. */
export function painter(isTerminal: boolean): Paint {
  return isTerminal ? (tone, text) => styleText(formats[tone], text, { validateStream: false }) : (_tone, text) => text;
}

/** Whether a person at this terminal wants colours (no-color.org), and it has some. */
export function wantsColours(environment: Readonly<Record<string, string | undefined>>): boolean {
  return (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb';
}

/** Text out of a stranger's file, with everything that could move a cursor or reorder a line written out. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** RFC 3339 in UTC, whole seconds. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Lines of a label and a value, the values in one column, each line indented. */
export function labelled(indent: string, pairs: readonly (readonly [label: string, value: string])[], paint: Paint): string {
  const lines = table(pairs.map(([label, value]) => [paint('faint', label), value])).split('\n');
  return lines.map((line) => `${indent}${line}\n`).join('');
}

/** How a run of characters looks. Colours are the names that terminals give them. */
export interface Style {
  readonly colour: 'default' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'white' | 'black';
  readonly bold: boolean;
  readonly dim: boolean;
}

/** Characters of one style, at a column of a line. */
export interface Run {
  readonly column: number;
  readonly text: string;
  readonly style: Style;
}

const escape = '\u001B[';
const sgr = new RegExp(`(${RegExp.escape(escape)}[\\d;]*m)`, 'u');
const plain: Style = { colour: 'default', bold: false, dim: false };
const colours = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

/**
 * Reads one line of `tmux capture-pane -e`: text with SGR escapes, whose style goes on from line to line.
 * @returns its runs without blanks at either end of them, and the style that the next line begins with
 */
export function parseLine(line: string, begin: Style = plain): { readonly runs: readonly Run[]; readonly end: Style } {
  const runs: Run[] = [];
  let style = begin;
  let column = 0;
  for (const part of line.split(sgr)) {
    if (part.startsWith(escape)) {
      style = part.slice(escape.length, -1).split(';').reduce(applyCode, style);
      continue;
    }
    // Wide gaps end a run: each word group then stands at its own column, whatever the viewer's font is.
    for (const { 0: text, index } of part.matchAll(/\S+(?: \S+)*/gu)) runs.push({ column: column + index, text, style });
    column += part.length;
  }
  return { runs, end: style };
}

function applyCode(style: Style, code: string): Style {
  const number = Number(code || 0);
  if (number === 0) return plain;
  if (number === 1) return { ...style, bold: true };
  if (number === 2) return { ...style, dim: true };
  if (number === 22) return { ...style, bold: false, dim: false };
  if (number === 39) return { ...style, colour: 'default' };
  const colour = number >= 30 && number <= 37 ? colours[number - 30] : number >= 90 && number <= 97 ? colours[number - 90] : undefined;
  return colour === undefined ? style : { ...style, colour };
}

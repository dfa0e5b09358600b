import { parseLine, type Run, type Style } from './styled-text.ts';

/** What a terminal showed from `atMs` on, as lines with SGR escapes. */
export interface Frame {
  readonly atMs: number;
  readonly lines: readonly string[];
}

/** How a recording is drawn. */
export interface Picture {
  readonly columns: number;
  readonly rows: number;
  /** Shown in the bar of the window. */
  readonly title: string;
  /** How much faster than it happened. */
  readonly speed: number;
  /** How long the last frame stays, in milliseconds of playing time. */
  readonly restMs: number;
}

const cell = { width: 8.4, height: 18, fontSize: 14 } as const;
const padding = 16;
const barHeight = 34;
const palette: Readonly<Record<Style['colour'], string>> = {
  default: '#d8dee9',
  black: '#4c566a',
  red: '#e8707a',
  green: '#8fce7e',
  yellow: '#ebcb8b',
  blue: '#81a1c1',
  magenta: '#c795c0',
  cyan: '#7fc8d8',
  white: '#eceff4',
};

/**
 * An animated SVG that needs no script, so that it plays inside an `<img>`. Each different line is drawn once; a frame is a
 * column of references to lines, and CSS moves one frame after the other into view. One frame makes a still picture.
 */
export function animatedSvg(frames: readonly Frame[], picture: Picture): string {
  const shown = withoutRepeats(frames.map((frame) => ({ atMs: frame.atMs, rows: drawLines(frame.lines.slice(0, picture.rows)) })));
  const width = round(picture.columns * cell.width + 2 * padding);
  const viewHeight = picture.rows * cell.height;
  const height = viewHeight + barHeight + padding;
  const symbols = new Map<string, string>();
  const groups = shown.map(({ rows }, index) => {
    const uses = rows.map((row, line) => (row === '' ? '' : `<use href="#${symbolOf(symbols, row)}" y="${line * cell.height}"/>`)).join('');
    return `<g transform="translate(${index * width})">${uses}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="${cell.fontSize}">`,
    `<title>${escape(picture.title)}</title>`,
    `<style>${styles(shown, width, picture)}</style>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#242933"/>`,
    ...['#e8707a', '#ebcb8b', '#8fce7e'].map((fill, index) => `<circle cx="${18 + index * 18}" cy="17" r="5.5" fill="${fill}"/>`),
    `<text x="${round(width / 2)}" y="22" text-anchor="middle" fill="#8892a6">${escape(picture.title)}</text>`,
    `<defs>${[...symbols].map(([row, id]) => `<g id="${id}">${row}</g>`).join('\n')}</defs>`,
    `<svg class="default" x="${padding}" y="${barHeight}" width="${round(width - 2 * padding)}" height="${viewHeight}"><g class="film">`,
    ...groups,
    '</g></svg>',
    '</svg>\n',
  ].join('\n');
}

interface DrawnFrame {
  readonly atMs: number;
  readonly rows: readonly string[];
}

function withoutRepeats(frames: readonly DrawnFrame[]): readonly DrawnFrame[] {
  return frames.filter((frame, index) => index === 0 || frame.rows.join('\n') !== frames[index - 1]?.rows.join('\n'));
}

function symbolOf(symbols: Map<string, string>, row: string): string {
  const known = symbols.get(row);
  if (known !== undefined) return known;
  const id = `l${symbols.size}`;
  symbols.set(row, id);
  return id;
}

function styles(frames: readonly DrawnFrame[], width: number, { speed, restMs }: Picture): string {
  const classes = Object.entries(palette).map(([name, colour]) => `.${name}{fill:${colour}}`);
  const fixed = `${classes.join('')}.bold{font-weight:bold}.dim{opacity:.55}text{white-space:pre}`;
  const startMs = frames[0]?.atMs ?? 0;
  const totalMs = ((frames.at(-1)?.atMs ?? 0) - startMs) / speed + restMs;
  if (frames.length < 2) return fixed;
  const steps = frames.map(({ atMs }, index) => `${round((100 * (atMs - startMs)) / speed / totalMs, 3)}%{transform:translateX(${-round(index * width)}px)}`);
  const last = `100%{transform:translateX(${-round((frames.length - 1) * width)}px)}`;
  return `${fixed}.film{animation:film ${round(totalMs / 1000, 2)}s step-end infinite}@keyframes film{${steps.join('')}${last}}@media(prefers-reduced-motion:reduce){.film{animation:none}}`;
}

function drawLines(lines: readonly string[]): readonly string[] {
  let style: Style | undefined;
  return lines.map((line) => {
    const { runs, end } = parseLine(line, style);
    style = end;
    return runs.map(drawRun).join('');
  });
}

/** Text stands at its column and is stretched to its cells, so that columns stay straight in any font; bars are rectangles. */
function drawRun({ column, text, style }: Run): string {
  const bar = /^(█*)(░*)/u.exec(text);
  const full = bar?.[1]?.length ?? 0;
  const empty = bar?.[2]?.length ?? 0;
  const rest = text.slice(full + empty);
  const names = [style.colour === 'default' ? '' : style.colour, style.bold ? 'bold' : '', style.dim ? 'dim' : ''].filter((name) => name !== '');
  const classes = names.length === 0 ? '' : ` class="${names.join(' ')}"`;
  const at = (offset: number) => round((column + offset) * cell.width);
  const block = (offset: number, cells: number, opacity: string) => (cells === 0 ? '' : `<rect${classes} x="${at(offset)}" y="3" width="${round(cells * cell.width)}" height="12"${opacity}/>`);
  const blank = rest.length - rest.trimStart().length;
  const words = rest.trimStart();
  const label = words === '' ? '' : `<text${classes} x="${at(full + empty + blank)}" y="14" textLength="${round(words.length * cell.width)}">${escape(words)}</text>`;
  return `${block(0, full, '')}${block(full, empty, ' fill-opacity=".45"')}${label}`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}

import { stripVTControlCharacters } from 'node:util';

/** Columns of text, each as wide as its widest cell, two spaces apart; the last one is not padded. Cells may be coloured. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, widthOf(cell))));
  return rows.map((row) => row.map((cell, column) => pad(cell, column === row.length - 1 ? 0 : (widths[column] ?? 0))).join('  ').trimEnd()).join('\n');
}

/** `text` cut to `width` characters, with an ellipsis when it was longer. */
export function fit(text: string, width: number): string {
  return widthOf(text) <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - widthOf(cell)));
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

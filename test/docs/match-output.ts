/**
 * Whether what a command printed is what the page shows. What is different in every run stands for itself: two times are equal,
 * two serial numbers are, two lengths of life, two figures that were measured. A line `…` stands for any lines.
 */
const volatile: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/gu, '<time>'],
  [/\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d+ \d{2}:\d{2}:\d{2} \d{4}/gu, '<time>'],
  [/\d{2}:\d{2}:\d{2}(?:\.\d+)?/gu, '<time>'],
  [/[█░]+/gu, '<bar>'],
  [/\b\d+d \d+h\b|\b\d+h \d{2}m\b|\b\d+m \d{2}s\b|\b\d+s\b/gu, '<life>'],
  [/\b\d+ %/gu, '<part>'],
  [/\b\d+ (a second|ms)\b/gu, '<figure> $1'],
  [/\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{8,}\b|\b[0-9A-F]{16,}\b/gu, '<id>'],
  [/\b\d{6,}\b/gu, '<id>'],
  [/ {2,}/gu, '  '],
];

/** A line with what differs from run to run replaced by what it is. */
export function steady(line: string): string {
  return volatile.reduce((text, [pattern, name]) => text.replaceAll(pattern, name), line).trimEnd();
}

function steadyLines(text: string): readonly string[] {
  return text.replace(/\n+$/u, '').split('\n').map(steady);
}

/** Why `actual` is not what `expected` says, or undefined when it is. */
export function difference(expected: string, actual: string): string | undefined {
  const wanted = steadyLines(expected);
  const found = steadyLines(actual);
  return matches(wanted, found) ? undefined : `the page shows\n${wanted.join('\n')}\n\nbut it prints\n${found.join('\n')}`;
}

function matches([first, ...rest]: readonly string[], found: readonly string[]): boolean {
  if (first === undefined) return found.length === 0;
  if (first.trim() !== '…') return found[0] === first && matches(rest, found.slice(1));
  return found.some((_, skipped) => matches(rest, found.slice(skipped))) || rest.length === 0;
}

/** The lines of `expected` that a program which runs on has not printed yet, in whatever order it prints them. */
export function missingLines(expected: string, actual: string): readonly string[] {
  const found = new Set(steadyLines(actual));
  return steadyLines(expected).filter((line) => line.trim() !== '…' && line !== '' && !found.has(line));
}

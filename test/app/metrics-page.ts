import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** docs/reference/metrics.md held to what a running process answers at `/metrics`. */

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'reference', 'metrics.md'), 'utf8');

/** The labels of each metric that the page names for a command. */
function documented(command: 'controller' | 'gateway'): ReadonlyMap<string, readonly string[]> {
  const section = page.split(/^## /mu).find((text) => text.startsWith(`mtlsd ${command}\n`)) ?? '';
  const rows = [...section.matchAll(/^\| `(?<name>\w+)` \| \w+ \| (?<labels>[^|]*) \|/gmu)];
  return new Map(rows.map(({ groups }) => [groups?.['name'] ?? '', [...(groups?.['labels'] ?? '').matchAll(/`(\w+)`/gu)].map(([, label = '']) => label)]));
}

/** What Prometheus' text format itself adds to histograms. */
const ofHistograms = new Set(['le']);

/**
 * Everything in which the answer differs from the page: a metric that is missing or that the page does not name, a label that it does
 * not name, and values of labels that hold any of `forbidden`.
 */
export function unlikePage(command: 'controller' | 'gateway', answer: string, forbidden: readonly string[]): readonly string[] {
  const expected = documented(command);
  const told = [...answer.matchAll(/^# TYPE (mtlsd_\w+) /gmu)].map(([, name = '']) => name);
  const samples = [...answer.matchAll(/^(?<name>mtlsd_\w+)\{(?<labels>.*)\} /gmu)].flatMap(({ groups }) => {
    const name = (groups?.['name'] ?? '').replace(/_(?:bucket|sum|count)$/u, '');
    return [...(groups?.['labels'] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/gu)].map(([, label = '', value = '']) => ({ name: expected.has(name) ? name : (groups?.['name'] ?? ''), label, value }));
  });
  return [
    ...[...expected.keys()].filter((name) => !told.includes(name)).map((name) => `${name} is missing`),
    ...told.filter((name) => !expected.has(name)).map((name) => `${name} is not on the page`),
    ...samples.filter(({ name, label }) => expected.get(name)?.includes(label) !== true && !ofHistograms.has(label)).map(({ name, label }) => `${name} has a label ${label}`),
    ...samples.filter(({ value }) => /spiffe:|@|\d+\.\d+\.\d+\.\d+/u.test(value) || forbidden.some((word) => value.includes(word))).map(({ name, label, value }) => `${name}: ${label}="${value}"`),
    ...(expected.size === 0 ? [`the page has no metrics of ${command}`] : []),
  ];
}

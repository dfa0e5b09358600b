import type { Random } from '../model/random.ts';

/** Values at which readers of JSON and YAML part ways. */
const oddValues: readonly unknown[] = [
  null, true, 0, -1, 1.5, 1e308, 2 ** 53, 2 ** 64, -0, '', ' ', 'a'.repeat(5000), '\u0000', '\u202e', '__proto__', '1h', '-1s', '99999999999999999999h', [], {}, [[]], [null], { a: { a: { a: {} } } },
];

/** A JSON value with one to three members removed, duplicated under another name, replaced or emptied. */
export function mutateJson(value: unknown, random: Random): unknown {
  const copy = structuredClone(value);
  for (let count = random.pick([1, 1, 2, 3]); count > 0; count -= 1) changeOne(copy, random);
  return copy;
}

function containers(value: unknown): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value as Record<string, unknown>, ...Object.values(value).flatMap(containers)];
}

function changeOne(root: unknown, random: Random): void {
  const filled = containers(root).filter((container) => Object.keys(container).length > 0);
  if (filled.length === 0) return;
  const container = random.pick(filled);
  const key = random.pick(Object.keys(container));
  random.pick([
    () => void delete container[key],
    () => void (container[key] = structuredClone(random.pick(oddValues))),
    () => void (container[random.pick(['x', '__proto__', 'constructor', 'Kind', ` ${key}`, `${key}s`])] = structuredClone(container[key])),
    () => void (container[key] = [container[key]]),
    () => void (container[key] = structuredClone(random.pick(Object.values(random.pick(filled))))),
    () => void (container[key] = typeof container[key] === 'string' ? mutateText(container[key], random) : -1),
  ])();
}

const pieces = ['\n', '\r\n', '\t', ' ', '-----', '-----BEGIN CERTIFICATE-----\n', '-----END CERTIFICATE-----\n', '=', '==', '&a ', '*a', '<<: *a', '!!binary ', '!!js/function ', '{', '}', '[', ']', ': ', '- ', '---\n', '...\n', '"', "'", '#', '|\n', '>\n', '%YAML 1.1\n', '\u0000', '\ufeff', '\u2028', '0x10', '1_000', '~', 'yes'];

/** Text with one to four pieces inserted, doubled, cut or swapped, by lines or by characters. */
export function mutateText(text: string, random: Random): string {
  let changed = text;
  for (let count = 1 + random.below(4); count > 0; count -= 1) {
    const [a, b] = [random.below(changed.length + 1), random.below(changed.length + 1)].sort((x, y) => x - y) as [number, number];
    const lines = changed.split('\n');
    const line = random.below(lines.length);
    changed = random.pick([
      () => changed.slice(0, a) + random.pick(pieces) + changed.slice(a),
      () => changed.slice(0, a) + changed.slice(Math.min(b, a + 40)),
      () => changed.slice(0, a) + String.fromCharCode(random.below(256)) + changed.slice(a + 1),
      () => changed.slice(0, b) + changed.slice(a),
      () => lines.toSpliced(line, 1).join('\n'),
      () => lines.toSpliced(line, 0, lines[random.below(lines.length)] ?? '').join('\n'),
      () => lines.toSpliced(line, 1, `  ${lines[line] ?? ''}`).join('\n'),
    ])();
  }
  return changed;
}

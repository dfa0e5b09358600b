import { isJsonObject } from './json.ts';
import { child, type Problem, quoteAsGo } from './problem.ts';
import type { Schema } from './schema.ts';

/** Insertions, deletions and replacements between two words. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 0; i < left.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < right.length; j += 1) {
      const replaced = (row[j] ?? 0) + (left[i] === right[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

const wordLengthMax = 64;

/** The known word that was probably meant, or undefined. */
export function nearMiss(word: string, known: readonly string[]): string | undefined {
  if (word.length > wordLengthMax) return undefined;
  const lower = word.toLowerCase();
  const [best] = known
    .map((name) => ({ name, away: distance(lower, name.toLowerCase()) }))
    .filter(({ name, away }) => away < 2 || (away === 2 && name.length > 3 && name.startsWith(lower.charAt(0))))
    .sort((left, right) => left.away - right.away);
  return best?.name;
}

/** `unknown field "spec.foo"`, as the API server says under strict field validation, with the field that was probably meant. */
export function unknownField(field: string, name: string, known: readonly string[]): Problem {
  const path = child(field, name);
  const meant = nearMiss(name, known);
  const suggestion = meant === undefined ? '' : `, did you mean "${child(field, meant)}"?`;
  return { field: path, message: `unknown field ${quoteAsGo(path)}${suggestion}` };
}

/** Every member of `value` that `schema` does not know, at every depth. */
export function* unknownFields(schema: Schema, value: unknown, field: string): Generator<Problem> {
  if (Array.isArray(value) && schema.items !== undefined) {
    for (const [index, item] of value.entries()) yield* unknownFields(schema.items, item, `${field}[${index}]`);
  }
  if (!isJsonObject(value) || schema.properties === undefined) return;
  const known = Object.keys(schema.properties);
  for (const [name, item] of Object.entries(value)) {
    const next = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (next === undefined) yield unknownField(field, name, known);
    else yield* unknownFields(next, item, child(field, name));
  }
}

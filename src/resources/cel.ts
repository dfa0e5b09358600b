import { Environment, type ParseResult } from '@marcbachmann/cel-js';
import { isJsonObject } from './json.ts';

/**
 * The Common Expression Language as far as the rules in `crds/` use it. Everything that knows the library is here. Regular
 * expressions run in JavaScript, not in RE2, and lowerAscii lowers letters outside ASCII too: rules use only what both read
 * alike, and tests hold them to that.
 */
const environment = new Environment({ unlistedVariablesAreDyn: false })
  .registerVariable('self', 'dyn')
  .registerVariable('oldSelf', 'dyn');

const programs = new Map<string, ParseResult>();

function program(expression: string): ParseResult {
  const known = programs.get(expression);
  if (known !== undefined) return known;
  const parsed = environment.parse(expression);
  programs.set(expression, parsed);
  return parsed;
}

/** Whether `expression` compares with what was there before (a transition rule). */
export function usesOldSelf(expression: string): boolean {
  return /\boldSelf\b/u.test(expression);
}

/** What a CEL expression came to: a value, or why there is none (no such key, a duration that is none). */
export type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

/** CEL's view of a JSON value. Maps, because a key such as `constructor` in a plain object misleads the library. */
function toCel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toCel);
  if (isJsonObject(value)) return new Map(Object.entries(value).map(([key, item]) => [key, toCel(item)]));
  return Number.isInteger(value) ? BigInt(value as number) : value;
}

/** Evaluates a rule of a schema. @throws {Error} when the expression itself cannot be parsed: the CRD is wrong then */
export function evaluate(expression: string, self: unknown, oldSelf?: unknown): Outcome {
  const run = program(expression);
  try {
    const value: unknown = run({ self: toCel(self), oldSelf: toCel(oldSelf) });
    return { ok: true, value };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  }
}

import { evaluate, usesOldSelf } from './cel.ts';
import { isJsonObject, member } from './json.ts';
import { child, invalid, type Problem } from './problem.ts';
import type { Rule, Schema } from './schema.ts';

function sentence(rule: Rule, self: unknown): string {
  if (rule.messageExpression === undefined) return rule.message;
  const outcome = evaluate(rule.messageExpression, self);
  return outcome.ok && typeof outcome.value === 'string' ? outcome.value : rule.message;
}

function ruleProblem(rule: Rule, self: unknown, oldSelf: unknown, field: string): Problem | undefined {
  if (usesOldSelf(rule.rule) && oldSelf === undefined) return undefined;
  const outcome = evaluate(rule.rule, self, oldSelf);
  if (outcome.ok && outcome.value === true) return undefined;
  if (!outcome.ok) return invalid(field, `${outcome.reason} evaluating rule: ${rule.message}`);
  const place = rule.fieldPath === undefined ? field : child(field, rule.fieldPath.slice(1));
  const scalar = typeof self === 'string' || typeof self === 'number' || typeof self === 'boolean';
  return scalar ? invalid(place, sentence(rule, self), self) : invalid(place, sentence(rule, self));
}

/** The rules of the object as a whole, which see its name: `object` has `metadata` and `spec`. */
export function* objectRuleProblems(schema: Schema, object: unknown): Generator<Problem> {
  for (const rule of schema['x-kubernetes-validations'] ?? []) {
    const problem = ruleProblem(rule, object, undefined, '');
    if (problem !== undefined) yield problem;
  }
}

/** Whether one of `broken` is `field` or lies below it. */
function isBroken(field: string, broken: ReadonlySet<string>): boolean {
  return [...broken].some((each) => each === field || each.startsWith(`${field}.`) || each.startsWith(`${field}[`));
}

/**
 * Every CEL rule that `value` breaks, its own and those below, in the API server's order. The API server evaluates none
 * when a type, bound or enum is broken anywhere; here a rule is left out only when `broken` holds something that it would look at, so
 * that a person sees everything at once. Rules about a change run when `old` is given, along properties (our lists are atomic).
 */
export function* ruleProblems(
  schema: Schema,
  value: unknown,
  old: unknown,
  field: string,
  broken: ReadonlySet<string>,
): Generator<Problem> {
  const rules = schema['x-kubernetes-validations'] ?? [];
  if (rules.length > 0 && !isBroken(field, broken)) {
    for (const rule of rules) {
      const problem = ruleProblem(rule, value, old, field);
      if (problem !== undefined) yield problem;
    }
  }
  if (Array.isArray(value) && schema.items !== undefined && !broken.has(field)) {
    for (const [index, item] of value.entries()) yield* ruleProblems(schema.items, item, undefined, `${field}[${index}]`, broken);
  }
  if (!isJsonObject(value)) return;
  for (const [name, next] of Object.entries(schema.properties ?? {})) {
    const item = member(value, name);
    if (item !== undefined) yield* ruleProblems(next, item, member(old, name), child(field, name), broken);
  }
}

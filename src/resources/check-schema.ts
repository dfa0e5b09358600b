import { isJsonObject } from './json.ts';
import { child, invalid, prefix, type Problem, quoteAsGo } from './problem.ts';
import type { Schema } from './schema.ts';

/** What is wrong, and whether rules that look at the value must wait until it is put right. */
export interface SchemaProblem extends Problem {
  readonly stopsRules: boolean;
}

/** The name that the API server's sentences use for the type of a value. */
function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function typeProblem(schema: Schema, value: unknown, field: string): SchemaProblem | undefined {
  const found = typeName(value);
  if (found === schema.type) return undefined;
  return {
    field,
    message: `${prefix(field)}Invalid value: "${found}": ${field} in body must be of type ${schema.type}: "${found}"`,
    stopsRules: true,
  };
}

/** The API server counts characters and calls them bytes. */
const characters = (text: string): number => Array.from(text).length;

const tooLong = (field: string, max: number): SchemaProblem => ({
  field,
  message: `${prefix(field)}Too long: may not be more than ${max} bytes`,
  stopsRules: true,
});

const tooMany = (field: string, actual: number, max: number): SchemaProblem => ({
  field,
  message: `${prefix(field)}Too many: ${actual}: must have at most ${max} items`,
  stopsRules: true,
});

function* stringProblems(schema: Schema, value: string, field: string): Generator<SchemaProblem> {
  if (schema.maxLength !== undefined && characters(value) > schema.maxLength) yield tooLong(field, schema.maxLength);
  if (schema.minLength !== undefined && characters(value) < schema.minLength) {
    yield { ...invalid(field, `${field} in body should be at least ${schema.minLength} chars long`, value), stopsRules: false };
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    const supported = schema.enum.map((each) => JSON.stringify(each)).join(', ');
    yield { field, message: `${field}: Unsupported value: ${quoteAsGo(value)}: supported values: ${supported}`, value, stopsRules: true };
  }
}

/** What tells the items of a list apart that is a map, as JSON; undefined for other lists. */
function mapKey(schema: Schema, item: unknown): string | undefined {
  const names = schema['x-kubernetes-list-map-keys'];
  if (names === undefined || !isJsonObject(item)) return undefined;
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, item[name]])));
}

function* arrayProblems(schema: Schema, value: readonly unknown[], field: string): Generator<SchemaProblem> {
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    yield tooMany(field, value.length, schema.maxItems);
    return;
  }
  for (const [index, item] of value.entries()) {
    if (schema.items !== undefined) yield* schemaProblems(schema.items, item, `${field}[${index}]`);
    const key = mapKey(schema, item);
    if (key !== undefined && value.findIndex((earlier) => mapKey(schema, earlier) === key) < index) {
      const place = `${field}[${index}]`;
      yield { field: place, message: `${place}: Duplicate value: ${key}`, stopsRules: false };
    }
    if (schema['x-kubernetes-list-type'] === 'set' && typeof item === 'string' && value.indexOf(item) < index) {
      const place = `${field}[${index}]`;
      yield { field: place, message: `${place}: Duplicate value: ${quoteAsGo(item)}`, value: item, stopsRules: false };
    }
  }
}

function* objectProblems(schema: Schema, value: Readonly<Record<string, unknown>>, field: string): Generator<SchemaProblem> {
  for (const name of schema.required ?? []) {
    const place = child(field, name);
    if (!Object.hasOwn(value, name)) yield { field: place, message: `${place}: Required value`, stopsRules: true };
  }
  const names = Object.keys(value);
  if (schema.maxProperties !== undefined && names.length > schema.maxProperties) {
    yield tooMany(field, names.length, schema.maxProperties);
    return;
  }
  for (const name of names) {
    const properties = schema.properties ?? {};
    const next = Object.hasOwn(properties, name) ? properties[name] : schema.additionalProperties;
    if (next !== undefined) yield* schemaProblems(next, value[name], child(field, name));
  }
}

/**
 * Everything in `value` that breaks the OpenAPI part of `schema`, in the API server's own sentences (kube-openapi's
 * validation). Lists and maps that are too long are not looked into.
 */
export function* schemaProblems(schema: Schema, value: unknown, field: string): Generator<SchemaProblem> {
  const wrongType = typeProblem(schema, value, field);
  if (wrongType !== undefined) yield wrongType;
  else if (typeof value === 'string') yield* stringProblems(schema, value, field);
  else if (Array.isArray(value)) yield* arrayProblems(schema, value, field);
  else if (isJsonObject(value)) yield* objectProblems(schema, value, field);
}

import type { Schema } from './schema.ts';

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectWithDefaults(schema: Schema, value: JsonObject): JsonObject {
  const result: Record<string, unknown> = { ...value };
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    // A null where null is not allowed counts as left out, as in the API server.
    const given = value[name] ?? child.default;
    if (given === undefined) delete result[name];
    else result[name] = withDefaults(child, given);
  }
  if (schema.additionalProperties === undefined) return result;
  for (const [name, item] of Object.entries(value)) result[name] = withDefaults(schema.additionalProperties, item);
  return result;
}

/** `value` with the schema's defaults filled in, at every depth, as the API server does it before it validates. */
export function withDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => withDefaults(items, item));
  }
  return isObject(value) ? objectWithDefaults(schema, value) : value;
}

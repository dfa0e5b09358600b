import { isJsonObject, type JsonObject, member } from './json.ts';
import type { Schema } from './schema.ts';

function objectWithDefaults(schema: Schema, value: JsonObject): JsonObject {
  const result: Record<string, unknown> = { ...value };
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    // A null counts as left out, as in the API server: none of our fields is nullable.
    const given = member(value, name) ?? child.default;
    if (given === undefined) delete result[name];
    else result[name] = withDefaults(child, given);
  }
  const { additionalProperties } = schema;
  if (additionalProperties === undefined) return result;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([name, item]) => [name, withDefaults(additionalProperties, item)]),
  );
}

/** `value` with the schema's defaults filled in, at every depth, as the API server does it before it validates. */
export function withDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => withDefaults(items, item));
  }
  return isJsonObject(value) ? objectWithDefaults(schema, value) : value;
}

import { kindDefinitions } from './generated/schemas.ts';
import type { Schema } from './schema.ts';

/** The schema of a kind's spec. */
export function specSchema(kind: string): Schema {
  const schema = kindDefinitions.find((definition) => definition.kind === kind)?.schema.properties?.['spec'];
  if (schema === undefined) throw new Error(`kind ${kind} has no spec in the generated schemas`);
  return schema;
}

import { kindDefinitions } from './generated/schemas.ts';
import type { KindDefinition, Schema } from './schema.ts';

/** The definition of a kind of mtlsd.io, or undefined. */
export function kindDefinition(kind: string): KindDefinition | undefined {
  return kindDefinitions.find((definition) => definition.kind === kind);
}

/** The schema of a kind's spec. */
export function specSchema(kind: 'TrustDomain' | 'WorkloadIdentity'): Schema {
  const schema = kindDefinition(kind)?.schema.properties?.['spec'];
  if (schema === undefined) throw new Error(`kind ${kind} has no spec in the generated schemas`);
  return schema;
}

import { schemaProblems } from './check-schema.ts';
import { unknownFields } from './check-unknown.ts';
import type { Problem } from './problem.ts';
import type { Schema } from './schema.ts';

/** Everything in a document that `schema` does not allow, unknown fields included, in the sentences that manifests get. */
export function documentProblems(schema: Schema, document: unknown): readonly Problem[] {
  return [...unknownFields(schema, document, ''), ...[...schemaProblems(schema, document, '')].map(({ field, message }) => ({ field, message }))];
}

import type { Schema } from '../../src/resources/schema.ts';
import { banner } from './emit-types.ts';
import type { CrdFile } from './read-crds.ts';

function withoutDescriptions(schema: Schema): Schema {
  const { description: _, properties, additionalProperties, items, ...rest } = schema;
  return {
    ...rest,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, withoutDescriptions(child)])),
    }),
    ...(additionalProperties && { additionalProperties: withoutDescriptions(additionalProperties) }),
    ...(items && { items: withoutDescriptions(items) }),
  };
}

/** The TypeScript module that carries the schemas and CEL rules, so that a built package needs no YAML file beside it. */
export function emitSchemas(crds: readonly CrdFile[]): string {
  const definitions = crds.map(({ definition }) => ({ ...definition, schema: withoutDescriptions(definition.schema) }));
  return [
    banner('crds/*.yaml'),
    '/* oxlint-disable max-lines -- generated data */',
    "import type { KindDefinition } from '../schema.ts';\n",
    '/** Every kind of `mtlsd.io`, without the descriptions. */',
    `export const kindDefinitions: readonly KindDefinition[] = ${JSON.stringify(definitions, undefined, 2)};\n`,
  ].join('\n');
}

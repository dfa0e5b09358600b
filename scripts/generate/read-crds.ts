import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { KindDefinition, Schema } from '../../src/resources/schema.ts';

/** A file of `crds/`, read: the kind, and what people see of it beside its schema. */
export interface CrdFile {
  /** Path in the repository. */
  readonly path: string;
  readonly definition: KindDefinition;
  readonly shortNames: readonly string[];
  readonly plural: string;
  readonly columns: readonly { readonly name: string; readonly jsonPath: string; readonly priority?: number }[];
  readonly selectableFields: readonly string[];
}

interface CrdManifest {
  readonly spec: {
    readonly group: string;
    readonly scope: KindDefinition['scope'];
    readonly names: { readonly kind: string; readonly plural: string; readonly shortNames: readonly string[] };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Schema };
      readonly additionalPrinterColumns: CrdFile['columns'];
      readonly selectableFields: readonly { readonly jsonPath: string }[];
    }[];
  };
}

const keywords: ReadonlySet<string> = new Set<keyof Schema>([
  'type', 'description', 'default', 'properties', 'required', 'additionalProperties', 'items', 'enum', 'format', 'minimum',
  'minLength', 'maxLength', 'maxItems', 'maxProperties', 'x-kubernetes-list-type', 'x-kubernetes-list-map-keys',
  'x-kubernetes-validations',
]);

/** Every schema below `schema`, itself included, with its path. */
export function* walk(schema: Schema, path = ''): Generator<{ readonly path: string; readonly schema: Schema }> {
  yield { path, schema };
  for (const [name, child] of Object.entries(schema.properties ?? {})) yield* walk(child, `${path}.${name}`);
  if (schema.additionalProperties !== undefined) yield* walk(schema.additionalProperties, `${path}[key]`);
  if (schema.items !== undefined) yield* walk(schema.items, `${path}[]`);
}

function refuseUnknownKeywords(path: string, root: Schema): void {
  for (const { path: field, schema } of walk(root)) {
    const unknown = Object.keys(schema).find((key) => !keywords.has(key));
    if (unknown !== undefined) {
      throw new Error(`${path}: ${field || 'the root'} uses ${unknown}, which src/resources does not heed: teach it there first`);
    }
  }
}

/** Reads one CRD manifest. @throws {Error} when it has more than one version or uses a keyword that validation ignores */
function readCrd(path: string, text: string): CrdFile {
  const { spec } = parse(text) as CrdManifest;
  const [version, ...others] = spec.versions;
  if (version === undefined || others.length > 0) throw new Error(`${path}: exactly one version is expected`);
  const schema = version.schema.openAPIV3Schema;
  refuseUnknownKeywords(path, schema);
  return {
    path,
    definition: { kind: spec.names.kind, apiVersion: `${spec.group}/${version.name}`, scope: spec.scope, schema },
    shortNames: spec.names.shortNames,
    plural: spec.names.plural,
    columns: version.additionalPrinterColumns,
    selectableFields: version.selectableFields.map((field) => field.jsonPath),
  };
}

/** All kinds of `crds/` in `root`, in the order of their file names. */
export async function readCrds(root: string): Promise<readonly CrdFile[]> {
  const names = (await readdir(join(root, 'crds'))).filter((name) => name.endsWith('.yaml')).sort();
  return Promise.all(
    names.map(async (name) => readCrd(`crds/${name}`, await readFile(join(root, 'crds', name), 'utf8'))),
  );
}

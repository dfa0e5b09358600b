import type { Schema } from '../../src/resources/schema.ts';
import { type CrdFile } from './read-crds.ts';
import { wrap } from './wrap.ts';

/** The first line of every generated TypeScript file. */
export const banner = (source: string): string => `// Generated from ${source} by \`npm run generate\`. Do not edit.\n`;

function docComment(schema: Schema, indent: string): string {
  const notes = schema.default === undefined || schema.type === 'object' ? '' : ` Default: ${JSON.stringify(schema.default)}.`;
  const lines = wrap(`${schema.description ?? ''}${notes}`.trim(), 120 - indent.length - 3);
  if (lines.length === 0) return '';
  if (lines.length === 1 && indent.length + (lines[0]?.length ?? 0) + 7 <= 120) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join('')}${indent} */\n`;
}

function listType(schema: Schema, indent: string): string {
  const item = schema.items === undefined ? 'never' : typeOf(schema.items, indent, '');
  return `readonly ${schema.items?.enum === undefined ? item : `(${item})`}[]`;
}

function objectType(schema: Schema, indent: string): string {
  if (schema.additionalProperties === undefined) return `{\n${members(schema, `${indent}  `)}${indent}}`;
  return `Readonly<Record<string, ${typeOf(schema.additionalProperties, indent, '')}>>`;
}

function typeOf(schema: Schema, indent: string, name: string): string {
  if (name === 'conditions') return 'readonly Condition[]';
  if (schema.enum !== undefined) return schema.enum.map((value) => `'${value}'`).join(' | ');
  if (schema.type === 'integer') return 'number';
  if (schema.type === 'array') return listType(schema, indent);
  if (schema.type === 'object') return objectType(schema, indent);
  return schema.type;
}

function members(schema: Schema, indent: string): string {
  return Object.entries(schema.properties ?? {})
    .map(([name, child]) => {
      const optional = schema.required?.includes(name) === true ? '' : '?';
      return `${docComment(child, indent)}${indent}readonly ${name}${optional}: ${typeOf(child, indent, name)};\n`;
    })
    .join('');
}

/** The TypeScript module with the types of one kind: all readonly, enums as literals. */
export function emitTypes({ path, definition }: CrdFile): string {
  const { kind, apiVersion, schema } = definition;
  const { spec, status } = schema.properties ?? {};
  if (spec === undefined || status === undefined) throw new Error(`${path}: spec and status are expected`);
  return [
    banner(path),
    "import type { Condition, StoredObject } from '../object.ts';\n",
    `${docComment(spec, '')}export interface ${kind}Spec ${typeOf(spec, '', '')}\n`,
    `${docComment(status, '')}export interface ${kind}Status ${typeOf(status, '', '')}\n`,
    `${docComment(schema, '')}export interface ${kind} extends StoredObject {
  readonly apiVersion: '${apiVersion}';
  readonly kind: '${kind}';
  readonly spec: ${kind}Spec;
  readonly status?: ${kind}Status;
}
`,
  ].join('\n');
}

import type { Schema } from '../../src/resources/schema.ts';
import type { CrdFile } from './read-crds.ts';

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);
/** Prose in a table: what Markdown would read as emphasis or as an HTML tag is taken literally. */
const prose = (text: string): string => cell(text).replaceAll(/[*<]/gu, String.raw`\$&`);
const code = (value: unknown): string => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

function typeName(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  if (schema.type === 'array' && schema.items !== undefined) {
    return schema.items.type === 'object' ? 'list of objects' : `list of ${schema.items.type}s`;
  }
  if (schema.additionalProperties !== undefined) return `map of ${schema.additionalProperties.type}s`;
  return schema.format === 'date-time' ? 'time (RFC 3339)' : schema.type;
}

function bounds(schema: Schema): string {
  const parts = [
    schema.enum === undefined && schema.maxLength !== undefined && schema.format === undefined ? `≤ ${schema.maxLength} characters` : '',
    schema.maxItems === undefined ? '' : `≤ ${schema.maxItems} entries`,
    schema.maxProperties === undefined ? '' : `≤ ${schema.maxProperties} entries`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** Nothing for a default that only makes room for the defaults of what is below. */
function defaultText(schema: Schema): string {
  if (schema.default === undefined || schema.type === 'object') return '';
  return Array.isArray(schema.default) ? schema.default.map(code).join(', ') : code(schema.default);
}

function* rows(schema: Schema, path: string, withDefaults: boolean): Generator<string> {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const field = `${path}${name}`;
    const required = schema.required?.includes(name) === true ? ' (required)' : '';
    const type = [typeName(child), bounds(child)].filter((part) => part !== '').join('; ');
    const defaults = withDefaults ? ` ${cell(defaultText(child))} |` : '';
    yield `| \`${field}\`${required} | ${type} |${defaults} ${prose(child.description ?? '')} |`;
    yield* rows(child, `${field}.`, withDefaults);
    if (child.items !== undefined) yield* rows(child.items, `${field}[].`, withDefaults);
  }
}

function* rules(schema: Schema, path: string): Generator<string> {
  for (const rule of schema['x-kubernetes-validations'] ?? []) {
    yield `| \`${path}${rule.fieldPath ?? ''}\` | ${prose(rule.message)} |`;
  }
  for (const [name, child] of Object.entries(schema.properties ?? {})) yield* rules(child, path === '' ? name : `${path}.${name}`);
  if (schema.items !== undefined) yield* rules(schema.items, `${path}[]`);
}

function emitKind(crd: CrdFile): string {
  const { kind, apiVersion, scope, schema } = crd.definition;
  const { spec, status } = schema.properties ?? {};
  if (spec === undefined || status === undefined) throw new Error(`${crd.path}: spec and status are expected`);
  const scopeText = scope === 'Cluster' ? 'belongs to the whole cluster' : 'belongs to a namespace';
  return `## ${kind}

\`apiVersion: ${apiVersion}\`, \`kind: ${kind}\`; ${scopeText}; \`kubectl get ${crd.shortNames[0] ?? crd.plural}\`, and with all
kinds of mtlsd \`kubectl get mtls\`. Defined in [${crd.path}](../../${crd.path}).

${schema.description ?? ''}

### ${kind} spec

| Field | Type | Default | |
|---|---|---|---|
${[...rows(spec, 'spec.', true)].join('\n')}

### What is refused, and the sentence for it

| Where | Sentence |
|---|---|
${[...rules(schema, '')].join('\n')}

### ${kind} status

| Field | Type | |
|---|---|---|
${[...rows(status, 'status.', false)].join('\n')}

Selectable with \`--field-selector\`: ${crd.selectableFields.map((field) => code(field.slice(1))).join(', ')}.
`;
}

/** docs/reference/resources.md: every field, bound, default and rule of the API kinds. */
export function emitReference(crds: readonly CrdFile[]): string {
  return `<!-- Generated from crds/*.yaml by \`npm run generate\`. Do not edit. -->
# API kinds

The same schemas and rules hold in a cluster (\`kubectl apply\`) and for a folder of manifests (\`mtlsd run\`), with the same
sentences. Durations are hours, minutes and seconds, such as \`1h\`, \`1h30m\` or \`90s\`. An unknown field is refused, not
ignored. The API server writes each default into the object when it is created, so that a later version with another default
changes no object that exists ([why](../decisions/0002-defaults-in-the-schema.md)).

${crds.map(emitKind).join('\n')}`;
}

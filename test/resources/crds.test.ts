/** What holds for the files in crds/ as a whole, and for what is generated from them. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generatedFiles } from '../../scripts/generate/outputs.ts';
import { readCrds, walk } from '../../scripts/generate/read-crds.ts';
import type { Schema } from '../../src/resources/schema.ts';

const root = join(import.meta.dirname, '../..');
const crds = await readCrds(root);
const schemas = crds.flatMap(({ definition }) =>
  [...walk(definition.schema)].map(({ path, schema }) => ({ path: `${definition.kind}${path}`, schema })),
);

describe('every field', () => {
  const unbounded = (schema: Schema): boolean => {
    if (schema.type === 'string') return schema.enum === undefined && schema.maxLength === undefined;
    if (schema.type === 'array') return schema.maxItems === undefined || schema.items === undefined;
    if (schema.type === 'object') return schema.additionalProperties !== undefined && schema.maxProperties === undefined;
    return false;
  };

  test('that is a string, list or map has a bound', () => {
    expect(schemas.length).toBeGreaterThan(80);
    expect(schemas.filter(({ schema }) => unbounded(schema)).map(({ path }) => path)).toEqual([]);
  });

  test('has a description', () => {
    const silent = schemas.filter(({ path, schema }) => schema.description === undefined && !/\[(?:key)?\]$|\.metadata(?:\.name)?$/u.test(path));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  test('that is a list says how it merges', () => {
    const lists = schemas.filter(({ schema }) => schema.type === 'array' && schema['x-kubernetes-list-type'] === undefined);
    expect(lists.map(({ path }) => path)).toEqual([]);
  });
});

describe('every rule', () => {
  const rules = schemas.flatMap(({ path, schema }) => (schema['x-kubernetes-validations'] ?? []).map((rule) => ({ path, rule })));

  test('uses only regular expressions that JavaScript and RE2 read alike', () => {
    const literals = rules.flatMap(({ rule }) => [...`${rule.rule} ${rule.messageExpression ?? ''}`.matchAll(/matches\('((?:[^'\\]|\\.)*)'\)/gu)]);
    expect(literals.length).toBeGreaterThan(30);
    // Flags and look-around, POSIX and Unicode classes, anchors and quoting of one dialect only.
    expect(literals.map((match) => match[1] ?? '').filter((text) => /\(\?|\[\[:|\\\\[AbBCdDGkpPQsSwWzZ1-9]/u.test(text))).toEqual([]);
  });

  test('reports at a field that exists', () => {
    const missing = rules.filter(({ path, rule }) => {
      const place = `${path}${rule.fieldPath ?? ''}`;
      return !schemas.some((each) => each.path === place);
    });
    expect(missing).toEqual([]);
  });
});

describe('what is generated', () => {
  let copy: string;
  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'mtlsd-crds-'));
    await cp(join(root, 'crds'), join(copy, 'crds'), { recursive: true });
  });
  afterAll(() => rm(copy, { recursive: true }));

  test('is what stands in the repository', async () => {
    const files = await generatedFiles(root);
    expect([...files.keys()]).toEqual([
      'src/resources/generated/ca-rotation.ts',
      'src/resources/generated/cluster-workload-identity.ts',
      'src/resources/generated/trust-domain.ts',
      'src/resources/generated/workload-identity.ts',
      'src/resources/generated/schemas.ts',
      'docs/reference/resources.md',
    ]);
    for (const [path, text] of files) expect(await readFile(join(root, path), 'utf8'), `${path}: run npm run generate`).toBe(text);
  });

  test('follows the YAML in types, schemas and reference', async () => {
    const path = join(copy, 'crds/workloadidentities.mtlsd.io.yaml');
    await writeFile(path, (await readFile(path, 'utf8')).replace('[Delete, Retain]', '[Delete, Retain, Archive]'));
    const [before, after] = [await generatedFiles(root), await generatedFiles(copy)];
    const changed = [...after].filter(([name, text]) => before.get(name) !== text).map(([name]) => name);
    expect(changed).toEqual(['src/resources/generated/workload-identity.ts', 'src/resources/generated/schemas.ts', 'docs/reference/resources.md']);
    expect(after.get('src/resources/generated/workload-identity.ts')).toContain("readonly deletionPolicy?: 'Delete' | 'Retain' | 'Archive';");
  });

  test('is refused for a keyword that only the API server would heed', async () => {
    const path = join(copy, 'crds/trustdomains.mtlsd.io.yaml');
    await writeFile(path, (await readFile(path, 'utf8')).replace('maxLength: 512\n', "maxLength: 512\n                  pattern: '^/'\n"));
    await expect(generatedFiles(copy)).rejects.toThrow('crds/trustdomains.mtlsd.io.yaml: .spec.pathTemplate uses pattern');
  });
});

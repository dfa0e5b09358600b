import { describe, expect, test } from 'vitest';
import { type KindDefinition, type Rule, type Schema } from '../../src/resources/schema.ts';
import { kindDefinitions } from '../../src/resources/generated/schemas.ts';
import { validateManifest } from '../../src/resources/index.ts';
import { clusterIdentityCases } from './cluster-identity-cases.ts';
import { identity, identityCases, manifestCases, trustDomain, trustDomainCases } from './manifest-cases.ts';
import { rotationCases, rotationSettingCases } from './rotation-cases.ts';

function sentencesOf(raw: unknown, old?: unknown): readonly string[] {
  const result = validateManifest(raw, old);
  return result.ok ? [] : result.problems.map(({ message }) => message);
}

function* rulesOf(schema: Schema): Generator<Rule> {
  yield* schema['x-kubernetes-validations'] ?? [];
  for (const child of Object.values(schema.properties ?? {})) yield* rulesOf(child);
  if (schema.items !== undefined) yield* rulesOf(schema.items);
}

/** A dynamic sentence starts as its fallback starts, or holds what the expression quotes. */
function says(rule: Rule, sentence: string): boolean {
  if (sentence.endsWith(rule.message)) return true;
  const quoted = (rule.messageExpression ?? '').split("'").filter((part, index) => index % 2 === 1 && part.length > 8);
  return quoted.some((part) => sentence.includes(part));
}

describe('each manifest that is refused', () => {
  test.each(manifestCases.map((each) => [each.name, each] as const))('%s', (_, { good, bad, old, sentences }) => {
    expect(sentencesOf(good, old)).toEqual([]);
    expect([...sentencesOf(bad, old)].sort()).toEqual([...sentences].sort());
  });

  test.each([
    ['TrustDomain', [...trustDomainCases, ...rotationSettingCases]],
    ['WorkloadIdentity', identityCases],
    ['ClusterWorkloadIdentity', clusterIdentityCases],
    ['CARotation', rotationCases],
  ] as const)('every rule of %s has one', (kind, cases) => {
    const definition = kindDefinitions.find((each) => each.kind === kind) as KindDefinition;
    const all = cases.flatMap(({ sentences }) => sentences);
    const unproven = [...rulesOf(definition.schema)].filter((rule) => !all.some((sentence) => says(rule, sentence)));
    expect(unproven).toEqual([]);
  });
});

describe('what the API server finds before it looks at the schema', () => {
  test.each([
    ['unknown field', identity({ foo: 1 }), 'unknown field "spec.foo"'],
    ['near miss', identity({ dnsNmaes: [] }), 'unknown field "spec.dnsNmaes", did you mean "spec.dnsNames"?'],
    ['near miss in case', trustDomain({ svid: { maxTtl: '1h' } }), 'unknown field "spec.svid.maxTtl", did you mean "spec.svid.maxTTL"?'],
    ['unknown metadata', identity({}, { lables: {} }), 'unknown field "metadata.lables", did you mean "metadata.labels"?'],
    ['unknown top field', { ...identity({}), sepc: {} }, 'unknown field "sepc", did you mean "spec"?'],
    ['a field of every object', identity({ constructor: 1 }), 'unknown field "spec.constructor"'],
    ['no name', identity({}, { name: null }), 'metadata.name: Required value: name is required'],
    ['unknown kind', { ...identity({}), kind: 'WorkloadIdentiti' }, 'no matches for kind "WorkloadIdentiti" in version "mtlsd.io/v1alpha1", did you mean "WorkloadIdentity"?'],
    ['unknown version', { ...identity({}), apiVersion: 'mtlsd.io/v1' }, 'no matches for kind "WorkloadIdentity" in version "mtlsd.io/v1", did you mean "mtlsd.io/v1alpha1"?'],
    ['no kind', { apiVersion: 'v1' }, 'kind: Required value: must not be empty'],
    ['no version', { kind: 'TrustDomain' }, 'apiVersion: Required value: must not be empty'],
    ['text', 'kind: TrustDomain', 'write an object with apiVersion, kind, metadata and spec'],
    ['a list', [identity({})], 'write an object with apiVersion, kind, metadata and spec'],
  ])('%s', (_, raw, sentence) => {
    expect(sentencesOf(raw)).toEqual([sentence]);
  });

  test('a sentence stays short whatever stands in the manifest', () => {
    const long = 'x'.repeat(1_000_000);
    for (const raw of [identity({ [long]: 1 }), identity({ keyAlgorithm: long }), { ...identity({}), kind: long }]) {
      expect(sentencesOf(raw).map((sentence) => sentence.length < 1000)).toEqual([true]);
    }
  });

  test('all of it is said at once', () => {
    expect(sentencesOf(identity({ foo: 1, ttl: '1s', keyAlgorithm: 'X' }, { name: 'A' }))).toHaveLength(4);
  });
});

describe('an object that is taken', () => {
  test('has its defaults, the default namespace, and nothing that the server owns', () => {
    const metadata = { name: 'cart', uid: 'x', resourceVersion: '7', creationTimestamp: null, managedFields: [], annotations: { a: 'b' } };
    expect(validateManifest({ apiVersion: 'mtlsd.io/v1alpha1', kind: 'WorkloadIdentity', metadata, status: { issuances: 5 } })).toEqual({
      ok: true,
      object: {
        apiVersion: 'mtlsd.io/v1alpha1',
        kind: 'WorkloadIdentity',
        metadata: { name: 'cart', namespace: 'default', annotations: { a: 'b' } },
        spec: { keyAlgorithm: 'ECDSAP256', deletionPolicy: 'Delete' },
      },
    });
  });

  test('of a kind without namespace loses the one that a manifest names, as kubectl has it', () => {
    const result = validateManifest(trustDomain({}, { namespace: 'shop' }));
    expect(result.ok && result.object.metadata).toEqual({ name: 'shop.example' });
  });

  test('keeps a value that is the default of another version', () => {
    const result = validateManifest(trustDomain({ svid: { ttl: '2h' }, dnsNames: { allowedPatterns: [] } }));
    expect(result.ok && result.object.spec).toMatchObject({ svid: { ttl: '2h', maxTTL: '24h' }, dnsNames: { allowedPatterns: [] } });
  });
});

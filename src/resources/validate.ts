import { metadataProblems } from './check-metadata.ts';
import { objectRuleProblems, ruleProblems } from './check-rules.ts';
import { schemaProblems } from './check-schema.ts';
import { nearMiss, unknownField, unknownFields } from './check-unknown.ts';
import { withDefaults } from './defaults.ts';
import { kindDefinitions } from './generated/schemas.ts';
import type { ClusterWorkloadIdentity } from './generated/cluster-workload-identity.ts';
import type { CARotation } from './generated/ca-rotation.ts';
import type { TrustDomain } from './generated/trust-domain.ts';
import type { WorkloadIdentity } from './generated/workload-identity.ts';
import { isJsonObject, type JsonObject, member } from './json.ts';
import { specSchema } from './kinds.ts';
import type { Draft } from './object.ts';
import { type Problem, quoteAsGo } from './problem.ts';
import type { KindDefinition, Schema } from './schema.ts';

/** An object of ours that is fit to be written: complete with defaults, without status and what the server owns. */
export type ManifestObject = Draft<TrustDomain> | Draft<WorkloadIdentity> | Draft<ClusterWorkloadIdentity> | Draft<CARotation>;

/** What a manifest came to: an object, or all that is wrong with it. */
export type ManifestResult =
  | { readonly ok: true; readonly object: ManifestObject }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const topFields = ['apiVersion', 'kind', 'metadata', 'spec', 'status'] as const;

/** The namespace of an object that names none, as for kubectl. */
const defaultNamespace = 'default';

/** Values that are not text are shown as JSON: they are a mistake anyway. */
const shown = (value: unknown): string => quoteAsGo(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

function findKind(manifest: JsonObject): KindDefinition | Problem {
  const { apiVersion, kind } = manifest;
  if (kind === undefined || kind === null) return { field: 'kind', message: 'kind: Required value: must not be empty' };
  if (apiVersion === undefined || apiVersion === null) {
    return { field: 'apiVersion', message: 'apiVersion: Required value: must not be empty' };
  }
  const found = kindDefinitions.find((definition) => definition.kind === kind && definition.apiVersion === apiVersion);
  if (found !== undefined) return found;
  const sameKind = kindDefinitions.find((definition) => definition.kind === kind);
  const field = sameKind === undefined ? 'kind' : 'apiVersion';
  const meant = sameKind?.apiVersion ?? nearMiss(typeof kind === 'string' ? kind : '', kindDefinitions.map((definition) => definition.kind));
  const suggestion = meant === undefined ? '' : `, did you mean "${meant}"?`;
  return { field, message: `no matches for kind ${shown(kind)} in version ${shown(apiVersion)}${suggestion}` };
}

function draftOf(definition: KindDefinition, metadata: JsonObject, spec: unknown): ManifestObject {
  const { name, namespace, labels, annotations, finalizers } = metadata;
  const draft = {
    apiVersion: definition.apiVersion,
    kind: definition.kind,
    metadata: {
      name,
      // What belongs to no namespace ignores one, as for kubectl.
      ...(definition.scope === 'Namespaced' && { namespace: namespace ?? defaultNamespace }),
      ...(isJsonObject(labels) && { labels }),
      ...(isJsonObject(annotations) && { annotations }),
      ...(Array.isArray(finalizers) && finalizers.length > 0 && { finalizers }),
    },
    spec,
  };
  // The schema and the checks of metadata have established every member.
  return draft as unknown as ManifestObject;
}

/** A name within its own bound may still be too long for its kind. */
function* nameBoundProblems(schema: Schema, metadata: JsonObject): Generator<Problem> {
  const bound = schema.properties?.['metadata']?.properties?.['name'];
  if (bound !== undefined && typeof metadata['name'] === 'string') yield* schemaProblems(bound, metadata['name'], 'metadata.name');
}

function problemsOf(definition: KindDefinition, manifest: JsonObject, spec: unknown, schema: Schema, old: unknown): readonly Problem[] {
  const metadata = manifest['metadata'] ?? {};
  const problems: Problem[] = [];
  for (const name of Object.keys(manifest)) {
    if (!(topFields as readonly string[]).includes(name)) problems.push(unknownField('', name, topFields));
  }
  problems.push(...unknownFields(schema, manifest['spec'], 'spec'));
  if (isJsonObject(metadata)) problems.push(...metadataProblems(metadata), ...nameBoundProblems(definition.schema, metadata));
  else problems.push({ field: 'metadata', message: 'metadata: Invalid value: write a map with the name of the object' });
  const broken = new Set<string>();
  for (const { stopsRules, ...problem } of schemaProblems(schema, spec, 'spec')) {
    problems.push(problem);
    if (stopsRules) broken.add(problem.field);
  }
  problems.push(...ruleProblems(schema, spec, member(old, 'spec'), 'spec', broken));
  // They look at everything: at a whole one only.
  if (broken.size === 0 && isJsonObject(metadata) && typeof metadata['name'] === 'string') problems.push(...objectRuleProblems(definition.schema, { metadata, spec }));
  return problems;
}

/**
 * Checks one document of a manifest as the API server would: unknown fields, metadata, schema, CEL rules, in its own
 * sentences, all problems at once. `old`, the object as it is stored, adds the rules about changes. Never throws for any input.
 */
export function validateManifest(raw: unknown, old?: unknown): ManifestResult {
  if (!isJsonObject(raw)) {
    return { ok: false, problems: [{ field: '', message: 'write an object with apiVersion, kind, metadata and spec' }] };
  }
  const definition = findKind(raw);
  if ('message' in definition) return { ok: false, problems: [definition] };
  const schema = specSchema(definition.kind);
  const spec = withDefaults(schema, raw['spec'] ?? {});
  const problems = problemsOf(definition, raw, spec, schema, old);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, object: draftOf(definition, raw['metadata'] as JsonObject, spec) };
}

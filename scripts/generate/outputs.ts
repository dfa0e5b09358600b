import { emitReference } from './emit-reference.ts';
import { emitSchemas } from './emit-schemas.ts';
import { emitTypes } from './emit-types.ts';
import { readCrds } from './read-crds.ts';

const kebab = (kind: string): string => kind.replaceAll(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/gu, '-').toLowerCase();

/** Every generated file of the repository at `root`: path → text. */
export async function generatedFiles(root: string): Promise<ReadonlyMap<string, string>> {
  const crds = await readCrds(root);
  return new Map([
    ...crds.map((crd) => [`src/resources/generated/${kebab(crd.definition.kind)}.ts`, emitTypes(crd)] as const),
    ['src/resources/generated/schemas.ts', emitSchemas(crds)],
    ['docs/reference/resources.md', emitReference(crds)],
  ]);
}

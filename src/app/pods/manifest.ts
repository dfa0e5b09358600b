import { parseAllDocuments } from 'yaml';
import { MtlsdError } from '../../errors/index.ts';
import { readTemplate } from '../../injection/read-template.ts';
import { podOwnersIn } from '../../injection/template-places.ts';
import type { Pod } from '../../resources/index.ts';

/** How often a document may repeat an anchored node; more is a bomb. */
const aliasesMax = 100;

/**
 * The pod that a manifest describes: a Pod, or the template of a Deployment and the like. It must hold one alone.
 *
 * @param namespace what counts where the manifest names none
 * @throws CONFIGURATION_INVALID, whose message says what to give instead
 */
export function podInManifest(text: string, file: string, namespace: string | undefined): Pod {
  const owners = documentsIn(text, file).flatMap((document) => podOwnersIn(document).map((owner) => ({ ...owner, document })));
  const [owner, ...others] = owners;
  if (owner === undefined) throw unusable(`${file} holds no Pod and nothing with a pod template: give a manifest of one`);
  if (others.length > 0) throw unusable(`${file} describes several pods (${owners.map(({ name }) => name).join(', ')}): give a manifest of one`);
  const read = readTemplate(owner.template);
  if (read.problem !== undefined) throw unusable(`${owner.name} in ${file}: ${read.problem}`);
  const metadata = (owner.document as { readonly metadata?: { readonly name?: string; readonly namespace?: string } | null }).metadata ?? {};
  const { spec, metadata: own = {} } = read.template;
  const named = { name: metadata.name ?? 'unnamed', namespace: namespace ?? metadata.namespace ?? 'default', uid: '', resourceVersion: '', creationTimestamp: '' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...named, labels: own.labels ?? {}, annotations: own.annotations ?? {} },
    spec: { ...spec, serviceAccountName: spec.serviceAccountName ?? spec.serviceAccount ?? 'default' } as Pod['spec'],
  };
}

function documentsIn(text: string, file: string): readonly unknown[] {
  const parsed = parseAllDocuments(text, { version: '1.1', merge: true, uniqueKeys: true, prettyErrors: false });
  const documents = Array.isArray(parsed) ? parsed : [];
  const fault = documents.flatMap(({ errors }) => errors)[0];
  if (fault !== undefined) throw unusable(`${file} is no YAML or JSON: ${fault.message}`);
  try {
    return documents.map((document) => document.toJS({ maxAliasCount: aliasesMax }) as unknown);
  } catch (error) {
    throw unusable(`${file} repeats anchors more than ${aliasesMax} times, or they refer to themselves: write it out`, error);
  }
}

function unusable(sentence: string, cause?: unknown): MtlsdError<'CONFIGURATION_INVALID'> {
  return new MtlsdError('CONFIGURATION_INVALID', sentence, { details: { option: '--filename' }, cause });
}

import { MtlsdError } from '../../errors/index.ts';
import { validateManifest, type CARotation, type CARotationSpec, type Draft } from '../../resources/index.ts';
import type { ProblemRow } from '../overview/overview.ts';
import type { Around } from './around.ts';
import type { Sight } from '../overview/sight.ts';
import type { WriteProbe } from './write-probe.ts';

/** A CARotation that is to be made. */
export type RotationDraft = Draft<CARotation> & { readonly kind: 'CARotation' };

/** What was found where rotations are asked for: the objects, and what is wrong with requests that are none (yet). */
export interface RotationSight extends Sight {
  readonly sourceProblems: readonly ProblemRow[];
}

/** Where rotations are asked for and watched: a cluster, or the output folder of `mtlsd run`. */
export interface RotationSite extends AsyncDisposable {
  readonly kind: 'cluster' | 'folder';
  /** The options that lead there, for commands that people are told: `--out .mtlsd`. */
  readonly options: string;
  /** Everything as it is now. @throws OUTPUT_NOT_FOUND, STORE_… */
  look(): Promise<RotationSight>;
  /** Who reads what is delivered; undefined where there are no pods. */
  around(): Promise<Around | undefined>;
  /** Writes and removes again what nobody reads, or tells why it may not. */
  probeWrites(): Promise<WriteProbe | { readonly unmeasured: string }>;
  /** One rotation as it is now: cheap, for whoever follows it. */
  rotation(name: string): Promise<CARotation | undefined>;
  /** Asks for a rotation. Resolves when it was taken. @throws STORE_…, ROTATION_NOT_TAKEN, CONFIGURATION_INVALID */
  create(draft: RotationDraft): Promise<void>;
  /** Changes the spec of one that is there. Resolves when that was taken. @throws as `create`, ROTATION_NOT_FOUND */
  change(name: string, edit: (spec: CARotationSpec) => CARotationSpec): Promise<void>;
  /** The signed receipt of a rotation that has ended, as it was written; undefined when there is none (yet). */
  receipt(rotation: CARotation): Promise<string | undefined>;
  /** PEM of the public keys that verify receipts of this trust domain; empty when nothing was signed yet. */
  publicKeys(trustDomain: string): Promise<string>;
}

/** @throws ROTATION_NOT_FOUND */
export function rotationNamed(sight: Sight, name: string): CARotation {
  const found = sight.rotations.find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw new MtlsdError('ROTATION_NOT_FOUND', `there is no CARotation ${name}: \`mtlsd status\` lists those that there are`, { details: { rotation: name } });
  return found;
}

/** A draft that the API server would take, in its own sentences otherwise. @throws CONFIGURATION_INVALID */
export function requireValid(draft: RotationDraft, stored?: CARotation): void {
  const result = validateManifest(draft, stored);
  if (result.ok) return;
  const [first] = result.problems;
  throw new MtlsdError('CONFIGURATION_INVALID', result.problems.map(({ message }) => message).join('; '), { details: { option: first?.field ?? 'spec' } });
}

import { MtlsdError } from '../../errors/index.ts';
import { annotations, labels, managedByMtlsd, receiptsPrefix } from '../../resources/index.ts';
import { deepFreeze } from '../frozen.ts';
import { describeKey, keyOf } from '../object-key.ts';
import type { Revision } from '../revision.ts';
import { isPathSafe } from './failures.ts';
import { secretAccess, type DefaultAccess } from './file-access.ts';
import type { GenerationFile } from './generation-folder.ts';

/** How objects of one kind become files: where their folder is, what lies in it. */
export interface ProjectedForm {
  readonly kind: 'Secret' | 'ConfigMap';
  /** How many names `folderOf` answers. */
  readonly depth: 1 | 2;
  /** The folder below the root, or undefined when the object does not live among these files. @throws STORE_INVALID */
  folderOf(object: Revision): readonly [namespace: string, name: string] | readonly [name: string] | undefined;
  files(object: Revision): readonly GenerationFile[];
  /** `data` from the files' bytes. */
  data(files: ReadonlyMap<string, Uint8Array>): Readonly<Record<string, string>>;
  /** What is kept in memory for watches. */
  remembered(object: Revision): Revision;
}

type WithData = Revision & { readonly data?: Readonly<Record<string, string>> };

function dataOf(object: Revision): readonly (readonly [string, string])[] {
  return Object.entries((object as WithData).data ?? {});
}

/** Secrets that carry an identity: `<namespace>/<identity>/`, so that a consumer's path names what it knows. */
export function identityForm(access: DefaultAccess): ProjectedForm {
  return {
    kind: 'Secret',
    depth: 2,
    folderOf: (object) => {
      const identity = object.metadata.annotations?.[annotations.identity];
      if (identity === undefined || object.metadata.labels?.[labels.managedBy] !== managedByMtlsd) return undefined;
      if (!isPathSafe(identity)) throw refused(object, `annotation ${annotations.identity} is "${identity}", which is no name of a WorkloadIdentity`);
      return [object.metadata.namespace ?? '', identity];
    },
    files: (object) => {
      const accessOf = secretAccess(object, access);
      return dataOf(object).map(([name, value]) => ({ name, bytes: Buffer.from(value, 'base64'), access: accessOf(name) }));
    },
    data: (files) => Object.fromEntries([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')])),
    remembered: (object) => {
      const { data: _contentsStayOnDisk, ...rest } = object as WithData;
      return Object.freeze(rest);
    },
  };
}

/** ConfigMaps: `<namespace>/<name>/`, readable by all. */
export const bundleForm: ProjectedForm = {
  kind: 'ConfigMap',
  depth: 2,
  folderOf: (object) => [object.metadata.namespace ?? '', object.metadata.name],
  files: (object) => dataOf(object).map(([name, value]) => ({ name, bytes: Buffer.from(value, 'utf8'), access: { mode: 0o644 } })),
  data: (files) => Object.fromEntries([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString('utf8')])),
  remembered: (object) => object,
};

/** ConfigMaps of receipts: `<trust domain>/`, which is what their names end in. */
export const receiptForm: ProjectedForm = {
  ...bundleForm,
  depth: 1,
  folderOf: (object) => [object.metadata.name.slice(receiptsPrefix.length)],
};

/** Whether a ConfigMap of this name holds receipts of rotations. */
export function holdsReceipts(name: string): boolean {
  return name.startsWith(receiptsPrefix) && name.length > receiptsPrefix.length;
}

/** What lies beside the files: all of the object but its data, and the names of the files that make it up. */
interface MetaFile {
  readonly format: 1;
  readonly files: readonly string[];
  readonly object: Revision;
}

/** The text of the metadata file of a generation. */
export function encodeMeta(object: Revision): string {
  const { data: _inFiles, ...rest } = object as WithData;
  const files = dataOf(object).map(([name]) => name);
  return `${JSON.stringify({ format: 1, files, object: rest } satisfies MetaFile, undefined, 2)}\n`;
}

/** Reads what `encodeMeta` wrote; undefined for anything else. */
export function decodeMeta(form: ProjectedForm, text: string): Omit<MetaFile, 'format'> | undefined {
  try {
    const { format, files, object } = JSON.parse(text) as Partial<MetaFile>;
    if (format !== 1 || object?.kind !== form.kind || !Array.isArray(files)) return undefined;
    const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
    const names: readonly unknown[] = files;
    const texts: readonly unknown[] = [name, namespace, uid, resourceVersion, creationTimestamp, ...names];
    if (!texts.every((part) => typeof part === 'string' && part !== '')) return undefined;
    return { files: (names as readonly string[]).filter((file) => !file.includes('/') && !file.startsWith('..')), object };
  } catch {
    return undefined;
  }
}

/** The object that a generation holds. `version` completes the resourceVersion. */
export function joinObject(form: ProjectedForm, object: Revision, files: ReadonlyMap<string, Uint8Array>, version: string): Revision {
  const metadata = { ...object.metadata, resourceVersion: version };
  return deepFreeze({ ...object, metadata, data: form.data(files) } as Revision);
}

function refused(object: Revision, why: string): MtlsdError {
  const name = describeKey(keyOf(object));
  return new MtlsdError('STORE_INVALID', `${name} was refused: ${why}.`, { details: { object: name } });
}

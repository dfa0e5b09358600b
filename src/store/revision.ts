import type { ObjectMeta, Secret, StoredObject } from '../resources/object.ts';
import { MtlsdError } from '../errors/index.ts';
import { deepFreeze, sameContent, wireCopy } from './frozen.ts';
import { describeKey, kindTraits } from './object-key.ts';
import type { Kind } from './port.ts';

/**
 * What a write makes of an object, by the rules of the Kubernetes API server: which fields the server owns, when the
 * generation rises, what can never change. Adapters without an API server behind them share these rules.
 */

/** An object as a caller may hand it in: whatever it says of the server's own fields is ignored. */
export interface Incoming {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'labels' | 'annotations' | 'finalizers' | 'ownerReferences'>;
}

/** A stored object with the parts that the rules look at. */
export type Revision = StoredObject & { readonly kind: Kind; readonly spec?: unknown; readonly status?: unknown };

/** What the server chooses for a new object. */
export interface Birth {
  readonly uid: string;
  /** RFC 3339. */
  readonly creationTimestamp: string;
  readonly resourceVersion: string;
}

/** The first revision of an object: no status, generation 1 for kinds with a spec. @throws STORE_INVALID */
export function firstRevision(incoming: Incoming, birth: Birth): Revision {
  checkShape(incoming);
  const { uid, creationTimestamp, resourceVersion } = birth;
  const generation = kindTraits[incoming.kind].hasSpec ? { generation: 1 } : {};
  return assemble(incoming, { uid, resourceVersion, ...generation, creationTimestamp }, undefined);
}

/** The revision that replaces all but `status`; `current` itself when nothing changes. @throws STORE_INVALID */
export function nextRevision(current: Revision, incoming: Incoming, resourceVersion: string): Revision {
  checkShape(incoming);
  const { uid, creationTimestamp, deletionTimestamp, generation } = current.metadata;
  const kept = { uid, creationTimestamp, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) };
  const same = assemble(
    incoming,
    { ...kept, resourceVersion: current.metadata.resourceVersion, ...(generation === undefined ? {} : { generation }) },
    current.status,
  );
  if (sameContent(same, current)) return current;
  checkImmutable(current, same);
  const raised = generation === undefined ? {} : { generation: sameContent(same.spec, current.spec) ? generation : generation + 1 };
  return assemble(incoming, { ...kept, resourceVersion, ...raised }, current.status);
}

/** The revision that replaces `status` alone; `current` itself when nothing changes. */
export function nextStatus(current: Revision, status: unknown, resourceVersion: string): Revision {
  const copy = wireCopy(status);
  if (sameContent(copy, current.status)) return current;
  return deepFreeze({ ...current, metadata: { ...current.metadata, resourceVersion }, status: copy });
}

/** The revision that says that a deletion waits for finalizers. */
export function terminatingRevision(current: Revision, deletionTimestamp: string, resourceVersion: string): Revision {
  return deepFreeze({ ...current, metadata: { ...current.metadata, resourceVersion, deletionTimestamp } });
}

type ServerFields = Pick<ObjectMeta, 'uid' | 'resourceVersion' | 'creationTimestamp' | 'deletionTimestamp' | 'generation'>;

function assemble(incoming: Incoming, server: ServerFields, status: unknown): Revision {
  const { apiVersion, kind, metadata, status: _ignored, ...rest } = wireCopy(incoming) as Incoming & { readonly status?: unknown };
  const { name, namespace, labels, annotations, finalizers, ownerReferences } = metadata;
  return deepFreeze({
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...inOrder(server),
      ...(labels === undefined || Object.keys(labels).length === 0 ? {} : { labels }),
      ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(finalizers === undefined || finalizers.length === 0 ? {} : { finalizers }),
      ...(ownerReferences === undefined || ownerReferences.length === 0 ? {} : { ownerReferences }),
    },
    ...rest,
    ...(status === undefined ? {} : { status }),
  });
}

/** A fixed order of fields, so that what is written as text for people stays the same. */
function inOrder({ uid, resourceVersion, generation, creationTimestamp, deletionTimestamp }: ServerFields): ServerFields {
  return {
    uid,
    resourceVersion,
    ...(generation === undefined ? {} : { generation }),
    creationTimestamp,
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
  };
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/u;
const dataKey = /^[-._a-zA-Z0-9]{1,253}$/u;

function checkShape(incoming: Incoming): void {
  const traits = kindTraits[incoming.kind];
  const { name, namespace } = incoming.metadata;
  if (incoming.apiVersion !== traits.apiVersion) refuse(incoming, `apiVersion is "${incoming.apiVersion}", not "${traits.apiVersion}"`);
  if (name === '') refuse(incoming, 'metadata.name is empty');
  if (traits.namespaced && (namespace ?? '') === '') refuse(incoming, 'metadata.namespace is missing');
  if (!traits.namespaced && namespace !== undefined) refuse(incoming, 'metadata.namespace is set on a cluster-scoped kind');
  const data = (incoming as { readonly data?: Readonly<Record<string, string>> }).data;
  if (data === undefined) return;
  for (const [key, value] of Object.entries(data)) {
    if (!dataKey.test(key) || key === '.' || key.startsWith('..')) refuse(incoming, `data key "${key}" is not a plain file name`);
    if (incoming.kind === 'Secret' && !base64.test(value)) refuse(incoming, `data["${key}"] is not base64`);
  }
}

function checkImmutable(current: Revision, next: Revision): void {
  if (current.kind !== 'Secret' && current.kind !== 'ConfigMap') return;
  const before = current as unknown as Secret;
  const after = next as unknown as Secret;
  if (before.type !== after.type) refuse(next, 'type cannot change: delete the Secret and create it again');
  if (before.immutable !== true) return;
  if (after.immutable !== true) refuse(next, 'immutable cannot be unset');
  if (!sameContent(before.data, after.data)) refuse(next, 'it is immutable: data cannot change');
}

function refuse(object: Incoming, why: string): never {
  const name = describeKey({ kind: object.kind, ...object.metadata });
  throw new MtlsdError('STORE_INVALID', `${name} was refused: ${why}.`, { details: { object: name } });
}

import type { ObjectMeta } from '../../resources/object.ts';
import { deepFreeze } from '../frozen.ts';
import { withoutDecided } from '../decided-request.ts';
import { kindTraits } from '../object-key.ts';
import type { Kind, Kinds, Precondition, Watched } from '../port.ts';
import { resourceTypeOf } from './resource-types.ts';

/** An object as the API server sends it. */
export interface WireObject {
  readonly metadata: ObjectMeta & { readonly managedFields?: unknown };
  readonly [field: string]: unknown;
}

/** Holds a whole manifest, contents included, when a person applied it: no part of a Secret's metadata. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Whether a parsed JSON value is an object with the identity that every stored object has. */
export function isWireObject(value: unknown): value is WireObject {
  if (typeof value !== 'object' || value === null) return false;
  const { metadata } = value as { readonly metadata?: unknown };
  if (typeof metadata !== 'object' || metadata === null) return false;
  const { name, uid, resourceVersion } = metadata as Partial<ObjectMeta>;
  return typeof name === 'string' && typeof uid === 'string' && typeof resourceVersion === 'string';
}

/** The object as the port hands it out: in the port's version, frozen, without managedFields. */
export function fromWire<K extends Kind>(kind: K, wire: WireObject): Kinds[K] {
  const { managedFields: _dropped, ...metadata } = wire.metadata;
  const object = { ...resourceTypeOf(kind).empty, ...wire, apiVersion: kindTraits[kind].apiVersion, kind, metadata };
  return deepFreeze(object) as unknown as Kinds[K];
}

/** The object as a watch of its kind shows it: of kinds whose contents stay with the API server, the metadata alone. */
export function watchedFromWire<K extends Kind>(kind: K, wire: WireObject): Watched<K> {
  if (!resourceTypeOf(kind).metadataOnly) return fromWire(kind, kind === 'PodCertificateRequest' ? withoutDecided(wire) : wire) as unknown as Watched<K>;
  const { managedFields: _dropped, annotations, ...metadata } = wire.metadata;
  const { [lastApplied]: _contents, ...others } = annotations ?? {};
  const kept = Object.keys(others).length === 0 ? metadata : { ...metadata, annotations: others };
  return deepFreeze({ apiVersion: kindTraits[kind].apiVersion, kind, metadata: kept }) as unknown as Watched<K>;
}

/**
 * The body of a creation (`absent`) or replacement. What the server owns is left out; everything else that the caller's
 * metadata carries (ownerReferences, say) goes along. A status has its own way.
 */
export function toWire(object: { readonly metadata: object }, apiVersion: string, expect: 'absent' | Precondition): string {
  const { metadata, status: _own, ...rest } = object as WireObject & { readonly status?: unknown };
  const { uid: _u, resourceVersion: _r, generation: _g, creationTimestamp: _c, deletionTimestamp: _d, managedFields: _m, ...ours } = metadata;
  const identity = expect === 'absent' ? {} : { uid: expect.uid, resourceVersion: expect.resourceVersion };
  return JSON.stringify({ ...rest, apiVersion, metadata: { ...ours, ...identity } });
}

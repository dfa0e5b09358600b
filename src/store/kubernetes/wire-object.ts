import type { ObjectMeta } from '../../resources/object.ts';
import { deepFreeze } from '../frozen.ts';
import { withoutDecided } from '../decided-request.ts';
import { kindTraits } from '../object-key.ts';
import type { Kind, Kinds, Precondition, Watched } from '../port.ts';
import { resourceTypeOf } from './resource-types.ts';
import { SharedStrings } from './shared-strings.ts';
import { keptAnnotations, keptFields } from './watched-fields.ts';

/** An object as the API server sends it. */
export interface WireObject {
  readonly metadata: ObjectMeta & { readonly managedFields?: unknown };
  readonly [field: string]: unknown;
}

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

/**
 * The object as a watch of its kind shows it: of kinds whose contents stay with the API server, the metadata alone; of large
 * ones the fields that the port's type has.
 */
export function watchedFromWire<K extends Kind>(kind: K, wire: WireObject, strings = new SharedStrings()): Watched<K> {
  const type = resourceTypeOf(kind);
  const { apiVersion: _version, kind: _kind, metadata: all, ...rest } = kind === 'PodCertificateRequest' ? withoutDecided(wire) : wire;
  const { managedFields: _dropped, annotations, ...metadata } = all;
  const kept = keptAnnotations(kind, annotations);
  const object = {
    apiVersion: kindTraits[kind].apiVersion,
    kind,
    metadata: kept === undefined ? metadata : { ...metadata, annotations: kept },
    ...(type.metadataOnly ? {} : { ...type.empty, ...keptFields(kind, rest) }),
  };
  return strings.freeze(object) as unknown as Watched<K>;
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

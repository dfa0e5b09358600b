import type { StoredObject } from '../resources/object.ts';
import { withoutDecided } from './decided-request.ts';
import { deepFreeze } from './frozen.ts';
import type { Kind, SecretMetadata, Watched, WatchSelector } from './port.ts';

/** Whether a watch with this selector sees the object. */
export function selects(selector: WatchSelector, object: StoredObject): boolean {
  if (selector.namespace !== undefined && object.metadata.namespace !== selector.namespace) return false;
  const labels = object.metadata.labels;
  if (!Object.entries(selector.labels ?? {}).every(([name, value]) => labels?.[name] === value)) return false;
  return Object.entries(selector.fields ?? {}).every(([path, value]) => fieldOf(object, path) === value);
}

/** The value at a path such as `spec.signerName`; undefined where there is none. */
function fieldOf(object: StoredObject, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined), object);
}

/** What a watch shows of an object: all of it, but of a Secret its metadata alone, and of a decided request what is of use still. */
export function watchedView<K extends Kind>(object: StoredObject & { readonly kind: K }): Watched<K> {
  if (object.kind === 'PodCertificateRequest') return deepFreeze(withoutDecided(object)) as unknown as Watched<K>;
  if (object.kind !== 'Secret') return object as unknown as Watched<K>;
  const view: SecretMetadata = { apiVersion: 'v1', kind: 'Secret', metadata: object.metadata };
  return deepFreeze(view) as Watched<K>;
}

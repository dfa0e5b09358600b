import type { StoredObject } from '../resources/object.ts';
import { deepFreeze } from './frozen.ts';
import type { Kind, SecretMetadata, Watched, WatchSelector } from './port.ts';

/** Whether a watch with this selector sees the object. */
export function selects(selector: WatchSelector, object: StoredObject): boolean {
  if (selector.namespace !== undefined && object.metadata.namespace !== selector.namespace) return false;
  const labels = object.metadata.labels;
  return Object.entries(selector.labels ?? {}).every(([name, value]) => labels?.[name] === value);
}

/** What a watch shows of an object: all of it, but of a Secret its metadata alone. */
export function watchedView<K extends Kind>(object: StoredObject & { readonly kind: K }): Watched<K> {
  if (object.kind !== 'Secret') return object as unknown as Watched<K>;
  const view: SecretMetadata = { apiVersion: 'v1', kind: 'Secret', metadata: object.metadata };
  return deepFreeze(view) as Watched<K>;
}

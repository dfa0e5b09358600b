import { selectorMatches, type Namespace, type TrustDomain } from '../resources/index.ts';
import type { Cache } from './runtime/cache.ts';

/** Whether a trust domain takes identities of a namespace. A namespace that is no object bears its name alone. */
export function takesNamespace({ spec }: TrustDomain, namespace: string, namespaces: Cache<Namespace> | undefined): boolean {
  if (spec.allowedNamespaces === undefined) return true;
  const named = { 'kubernetes.io/metadata.name': namespace };
  return selectorMatches(spec.allowedNamespaces, namespaces === undefined ? named : namespaces.get(undefined, namespace)?.metadata.labels);
}

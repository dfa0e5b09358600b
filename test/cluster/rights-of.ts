/** The rights that a service account is bound to, from manifests: rendered by the chart, or read back from a cluster. */
import type { Manifest } from './chart.ts';
import type { PolicyRule, Right } from './rights-audit.ts';
import { rightsIn } from './rights-audit.ts';

interface Role extends Manifest {
  readonly rules: readonly PolicyRule[];
}

interface Binding extends Manifest {
  readonly roleRef: { readonly kind: string; readonly name: string };
  /** Absent in bindings that bind nobody, such as the built-in system:node. */
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

/**
 * Every right that the bindings among `manifests` give to the service account.
 * @throws {Error} when a binding names a role that is not among them
 */
export function rightsOf(serviceAccount: { readonly name: string; readonly namespace: string }, manifests: readonly Manifest[]): Right[] {
  const roles = manifests.filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole') as Role[];
  const bindings = manifests.filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding') as Binding[];
  return bindings
    .filter(({ subjects = [] }) => subjects.some(({ kind, name, namespace }) => kind === 'ServiceAccount' && name === serviceAccount.name && namespace === serviceAccount.namespace))
    .flatMap(({ roleRef, metadata }) => {
      const role = roles.find(({ kind, metadata: { name, namespace } }) => kind === roleRef.kind && name === roleRef.name && namespace === (kind === 'Role' ? metadata.namespace : undefined));
      if (role === undefined) throw new Error(`binding ${metadata.name} names the ${roleRef.kind} ${roleRef.name}, which is not there`);
      return rightsIn(role.rules, metadata.namespace);
    });
}

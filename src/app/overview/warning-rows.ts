import type { TrustDomain, WorkloadIdentity } from '../../resources/index.ts';

/** One thing to know: of which object, why, and what to do. */
interface WarningRow {
  readonly object: string;
  readonly reason: string;
  readonly message: string;
}

/** More identities that nobody mounts are told in one line. */
const unusedMax = 5;

/** What hinders nobody today, roots near their end and what pods tell of identities: no exit status depends on it. Both lists are in order. */
export function warningRows(trustDomains: readonly TrustDomain[], identities: readonly WorkloadIdentity[]): readonly WarningRow[] {
  return [...trustDomains.flatMap((trustDomain) => rowOf(trustDomain, 'RootEnding', 'True')), ...identityRows(identities)];
}

function identityRows(identities: readonly WorkloadIdentity[]): readonly WarningRow[] {
  const unused = identities.flatMap((identity) => rowOf(identity, 'Mounted', 'False'));
  const warned = identities.flatMap((identity) => rowOf(identity, 'Warnings', 'True')).filter(({ reason }) => reason !== 'ExpiredInPod');
  const [first] = unused;
  if (first === undefined || unused.length <= unusedMax) return [...warned, ...unused];
  const names = unused.slice(0, 3).map(({ object }) => object.replace('WorkloadIdentity ', ''));
  const message = `no pod mounts the Secrets of ${names.join(', ')} and ${unused.length - names.length} more: kubectl get wid -A tells which; mount them, or delete those that nobody reads`;
  return [...warned, { object: `${unused.length} WorkloadIdentities`, reason: first.reason, message }];
}

function rowOf({ kind, metadata, status }: TrustDomain | WorkloadIdentity, type: string, bad: 'True' | 'False'): readonly WarningRow[] {
  const found = status?.conditions?.find((condition) => condition.type === type && condition.status === bad);
  if (found === undefined) return [];
  const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
  return [{ object: `${kind} ${name}`, reason: found.reason, message: found.message }];
}

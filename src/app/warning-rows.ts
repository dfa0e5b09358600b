import type { WorkloadIdentity } from '../resources/index.ts';

/** One thing to know: of which object, why, and what to do. */
interface WarningRow {
  readonly object: string;
  readonly reason: string;
  readonly message: string;
}

/** More identities that nobody mounts are told in one line. */
const unusedMax = 5;

/** What pods tell of identities that hinders nobody today: no exit status depends on it. `identities` are in order. */
export function warningRows(identities: readonly WorkloadIdentity[]): readonly WarningRow[] {
  const unused = identities.flatMap((identity) => rowOf(identity, 'Mounted', 'False'));
  const warned = identities.flatMap((identity) => rowOf(identity, 'Warnings', 'True')).filter(({ reason }) => reason !== 'ExpiredInPod');
  const [first] = unused;
  if (first === undefined || unused.length <= unusedMax) return [...warned, ...unused];
  const names = unused.slice(0, 3).map(({ object }) => object.replace('WorkloadIdentity ', ''));
  const message = `no pod mounts the Secrets of ${names.join(', ')} and ${unused.length - names.length} more: kubectl get wid -A tells which; mount them, or delete those that nobody reads`;
  return [...warned, { object: `${unused.length} WorkloadIdentities`, reason: first.reason, message }];
}

function rowOf({ metadata, status }: WorkloadIdentity, type: string, bad: 'True' | 'False'): readonly WarningRow[] {
  const found = status?.conditions?.find((condition) => condition.type === type && condition.status === bad);
  if (found === undefined) return [];
  return [{ object: `WorkloadIdentity ${metadata.namespace ?? ''}/${metadata.name}`, reason: found.reason, message: found.message }];
}

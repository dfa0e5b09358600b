import { setCondition, type ClusterWorkloadIdentity, type ClusterWorkloadIdentityStatus, type Condition } from '../../resources/index.ts';
import { specOf } from './selection.ts';
import type { FleetSummary } from './fleet-book.ts';

/** As many conflicts as status names; how many there are besides is told by their count. */
const conflictsMax = 16;
const messageMax = 1_024;

/** The status of a ClusterWorkloadIdentity. Pure. */
export function fleetStatus(identity: ClusterWorkloadIdentity, summary: FleetSummary, nowMs: number): ClusterWorkloadIdentityStatus {
  const observedGeneration = identity.metadata.generation ?? 1;
  const names = [...summary.conflicts.keys()].sort().slice(0, conflictsMax);
  const conflicts = names.map((name) => summary.conflicts.get(name)).filter((conflict) => conflict !== undefined);
  const conditions = setCondition(identity.status?.conditions, { ...ready(identity, summary, names), observedGeneration }, nowMs);
  return {
    observedGeneration,
    matched: summary.matched,
    identities: summary.identities,
    ready: summary.ready,
    overridden: summary.overridden,
    conflictCount: summary.conflicts.size,
    ...(conflicts.length === 0 ? {} : { conflicts: conflicts.map((conflict) => ({ ...conflict, message: cut(conflict.message) })) }),
    conditions: [...conditions],
  };
}

type Told = Omit<Condition, 'lastTransitionTime' | 'observedGeneration'>;

function ready(identity: ClusterWorkloadIdentity, summary: FleetSummary, conflicts: readonly string[]): Told {
  const type = 'Ready';
  const { matched, identities, overridden, pending } = summary;
  if (summary.conflicts.size > 0) {
    const first = summary.conflicts.get(conflicts[0] ?? '');
    const others = summary.conflicts.size === 1 ? '' : ` (and ${summary.conflicts.size - 1} more: see status.conflicts)`;
    return { type, status: 'False', reason: 'Conflicts', message: cut(`service account ${conflicts[0] ?? ''}${others}: ${first?.message ?? ''}`) };
  }
  if (pending > 0) return { type, status: 'False', reason: 'Pending', message: `the identities of ${counted(pending, 'service account')} are still to be written` };
  if (matched === 0) return { type, status: 'False', reason: 'NothingMatches', message: 'the selectors match no service account: compare them with the labels of namespaces and service accounts' };
  if (!specOf(identity).deliversSecrets) return { type, status: 'True', reason: 'PodCertificates', message: `pods of ${counted(matched, 'service account')} are served on request` };
  const elsewhere = overridden === 0 ? '' : `; ${overridden} have theirs from an object that counts before this one`;
  return { type, status: 'True', reason: 'Reconciled', message: `${counted(identities, 'WorkloadIdentity', 'WorkloadIdentities')} in place${elsewhere}` };
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function cut(message: string): string {
  return message.length <= messageMax ? message : `${message.slice(0, messageMax - 1)}…`;
}

import type { DaemonSet, Deployment, StatefulSet } from '../../resources/index.ts';

/** What can be restarted as a whole. */
export type Workload = Deployment | StatefulSet | DaemonSet;

/** Kinds of workloads that can be restarted. */
export const workloadKinds = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;

/** Where a workload is, within its namespace. */
export interface WorkloadPlace {
  readonly kind: Workload['kind'];
  readonly name: string;
}

/** What `kubectl rollout restart` sets. */
const restartedAt = 'kubectl.kubernetes.io/restartedAt';
/** For which roots we restarted it last, see `Change.version`: it is restarted once for each. */
const restartedFor = 'mtlsd.io/restarted-for';

/** For which roots a workload was restarted last. */
export function markOf({ spec }: Workload): string | undefined {
  return spec.template.metadata?.annotations?.[restartedFor];
}

/** The workload as it has to be written for its pods to be replaced. All else of it is as it was read. */
export function withMark<W extends Workload>(workload: W, mark: string, nowMs: number): W {
  const { template } = workload.spec;
  const annotations = { ...template.metadata?.annotations, [restartedAt]: new Date(nowMs).toISOString().replace(/\.\d+Z$/u, 'Z'), [restartedFor]: mark };
  return { ...workload, spec: { ...workload.spec, template: { ...template, metadata: { ...template.metadata, annotations } } } };
}

/** Why its pods would not be replaced if its template changed; undefined when they would. */
export function whyStuck(workload: Workload): string | undefined {
  if (workload.kind === 'Deployment') return workload.spec.paused === true ? 'its roll-outs are paused' : undefined;
  return workload.spec.updateStrategy?.type === 'OnDelete' ? 'its pods are replaced only when somebody deletes them (OnDelete)' : undefined;
}

/** Whether all of its pods are of its present template, and available. */
export function isRolledOut(workload: Workload): boolean {
  const { observedGeneration = 0 } = workload.status ?? {};
  return observedGeneration >= (workload.metadata.generation ?? 0) && (workload.kind === 'DaemonSet' ? daemonsAreNew(workload) : replicasAreNew(workload));
}

function daemonsAreNew({ status = {} }: DaemonSet): boolean {
  const { desiredNumberScheduled = 0, updatedNumberScheduled = 0, numberAvailable = 0 } = status;
  return Math.min(updatedNumberScheduled, numberAvailable) >= desiredNumberScheduled;
}

function replicasAreNew(workload: Deployment | StatefulSet): boolean {
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = workload.status ?? {};
  // A StatefulSet counts its pods as updated one by one, and makes the new revision the current one at the end.
  if (workload.kind === 'StatefulSet' && workload.status?.currentRevision !== workload.status?.updateRevision) return false;
  return Math.min(updatedReplicas, availableReplicas) >= (workload.spec.replicas ?? 1) && replicas <= updatedReplicas;
}
